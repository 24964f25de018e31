"""The pages in a real browser, in seconds: runs with the fast tests wherever a browser is installed."""

import shutil

from app_browser import Page, chromium, running


def test_a_video_is_opened_clicked_accepted_and_played(tmp_path, clip):
    shutil.copy(clip, tmp_path / "clip.mp4")
    with chromium() as browser, running(tmp_path) as server:
        page = Page(browser, server).open("/")
        assert page.page.inner_text(".card strong") == "clip.mp4"
        page.page.click(".card a")
        page.page.wait_for_selector("body[data-ready]")
        page.wait("desk.picture !== null && work.event === 0 && work.engine?.ready")
        page.click(40, 30)
        page.wait("desk.shownMasks.length === 1")
        page.press("a")
        page.wait("desk.shownMasks[0].accepted")
        page.press("w")
        page.page.wait_for_selector("#teach-begin")
        page.page.wait_for_selector(".plan .bad")  # one frame is too little to learn from
        assert page.page.is_disabled("#teach-begin")
        page.press("Escape")
        page.press("Space")
        page.wait("desk.shownFrame > 3")
        assert [error for error in page.errors if "422" not in error] == []
        assert page.foreign == []
