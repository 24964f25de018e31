"""The pages in a real browser; the whole story is in `test_story`."""

import shutil
import signal
import time

import numpy as np
import pytest

from app_browser import Page, running
from app_tools import until
from sam2s.app.edit_lock import QUIET_SECONDS
from taught_tools import add_taught

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory, clip):
    served = tmp_path_factory.mktemp("pages")
    shutil.copy(clip, served / "clip.mp4")
    with running(served) as started:
        yield started


@pytest.fixture
def visit(browser, server):
    """Opens pages, each in a browser profile of its own, and closes them after the test."""
    pages = []

    def open_page():
        pages.append(Page(browser, server))
        return pages[-1]

    yield open_page
    for page in pages:
        page.context.close()


def test_a_click_makes_an_object_with_a_mask_and_asks_nothing_of_other_sites(visit):
    page = visit().open("/")
    page.page.click(".card a")
    page.page.wait_for_selector("body[data-ready]")
    page.wait("desk.picture !== null && work.event === 0")
    page.page.mouse.click(*page.at(40, 30))
    page.wait("desk.shownMasks.length === 1")
    assert page.state("desk.objects.length") == 1
    assert page.state("desk.shownMasks[0].layer") == "prompted"
    page.press("Control+z")
    page.wait("desk.shownMasks.length === 0")
    assert page.errors == []
    assert page.foreign == []


def test_the_frame_on_the_screen_is_the_frame_that_was_asked_for(visit):
    from video_tools import BITS

    page = visit().open("/")
    page.page.click(".card a")
    page.page.wait_for_selector("body[data-ready]")
    for frame in (0, 23, 7, 8, 1):
        page.go(frame)
        drawn = page.page.evaluate(
            """([bits, width]) => { const picture = window.sam2s.desk.picture;
            const canvas = new OffscreenCanvas(picture.width, picture.height), context = canvas.getContext("2d");
            context.drawImage(picture, 0, 0);
            let number = 0;
            for (let bit = 0; bit < bits; bit++) {
              const at = context.getImageData(bit * width + width / 2, picture.height / 2, 1, 1).data;
              if (at[0] > 128) number |= 1 << bit;
            }
            return number; }""",
            [BITS, 96 // BITS],
        )
        assert drawn == frame


def test_every_button_has_a_name_and_every_key_is_listed(visit):
    page = visit().open("/")
    page.page.click(".card a")
    page.page.wait_for_selector("body[data-ready]")
    nameless = page.page.evaluate(
        """() => [...document.querySelectorAll("button")].filter((button) =>
        !(button.getAttribute("aria-label") || button.textContent.trim())).length"""
    )
    assert nameless == 0
    page.press("?")
    shown = page.page.inner_text("dialog")
    for words in ("Propagate to the end", "Accept this frame", "Next frame worth a look", "Undo", "Play or pause"):
        assert words in shown
    page.press("Escape")


def test_a_second_person_looks_on_sees_changes_and_takes_over(visit, server):
    first = visit().open("/")
    first.page.click(".card a")
    first.page.wait_for_selector("body[data-ready]")
    path = first.page.url.removeprefix(server.address)
    second = visit()
    second.page.request.put(f"{server.address}/api/me", data={"name": "Bob"})
    second.open(path)
    first.wait("work.engine && desk.lock.holder === null")  # the page of the test before is closed
    first.press("r")
    first.drag([(30, 30), (60, 30)])
    second.wait("desk.shownMasks.length === 1", 10)
    second.page.wait_for_selector("#banner:not([hidden]) button")
    objects = second.state("desk.objects.length")
    second.press("n")
    second.page.wait_for_selector(".toast.bad:has-text('you look on')")
    assert second.state("desk.objects.length") == objects
    second.page.click("#banner button")
    second.wait("desk.lock.mine")
    first.page.wait_for_selector(".toast.bad:has-text('Bob has taken over')")
    until(lambda: "Bob edits" in first.page.inner_text("#banner"))
    second.press("Delete")
    first.wait("desk.shownMasks.length === 0", 10)
    assert first.errors == []


def test_a_page_keeps_its_lock_while_the_server_stands_still_and_is_told_of_one_taken_while_it_was_away(visit, server):
    first = visit().open("/")
    first.page.click(".card a")
    first.page.wait_for_selector("body[data-ready]")
    lock = f"{server.address}/api{first.state('desk.path')}/lock"
    first.wait("work.engine && desk.lock.holder === null")
    first.press("r")
    first.drag([(30, 30), (60, 30)])
    first.wait("desk.lock.mine")
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(QUIET_SECONDS + 2)
    server.process.send_signal(signal.SIGCONT)
    second = visit()
    second.page.request.put(f"{server.address}/api/me", data={"name": "Bob"})
    refused = second.page.request.put(lock, data={}, headers={"X-Tab": "second"})
    assert (refused.status, refused.json()["error"]["kind"]) == (423, "locked")
    assert first.state("desk.lock.mine")
    first.offline = True
    first.page.evaluate("() => { window.sam2s.notices.close(); }")
    until(lambda: second.page.request.put(lock, data={}, headers={"X-Tab": "second"}).ok)
    first.page.evaluate("() => { window.sam2s.notices.closed = false; window.sam2s.notices.connect(); }")
    first.page.wait_for_selector(".toast.bad:has-text('Bob edits this video since you were out of reach')")
    first.page.wait_for_selector("#banner:has-text('Bob edits this video')")


def test_events_of_the_video_are_found_by_a_key_and_lost_objects_by_a_switch_that_is_remembered(visit):
    page = visit().open("/")
    page.page.click(".card a")
    page.page.wait_for_selector("body[data-ready]")
    page.press("v")
    page.wait("work.events.state.state === 'done'", 120)
    assert page.state("work.events.state.done") == page.state("desk.video.length")
    page.page.wait_for_selector(".toast.good:has-text('events in')")
    assert page.page.inner_text("#busy") == ""
    assert page.page.inner_text("#propagate") == "Propagate"
    page.press("Shift+Enter")
    page.page.check("#search-lost")
    page.page.click("dialog button:text('Cancel')")
    assert page.state("work.carrier.searches") is False
    page.press("Shift+S")
    page.page.wait_for_selector("#propagate:text('Propagate + search')")
    page.page.reload()
    page.page.wait_for_selector("body[data-ready]")
    page.page.wait_for_selector("#propagate:text('Propagate + search')")
    page.press("Shift+Enter")
    assert page.page.is_checked("#search-lost")
    page.press("Escape")
    page.press("Shift+S")
    assert page.errors == []


def test_states_of_the_timeline_are_told_by_shape_and_named(visit):
    page = visit().open("/")
    page.page.click(".card a")
    page.page.wait_for_selector("body[data-ready]")
    page.press("?")
    shown = page.page.inner_text("dialog .legend")
    assert [words in shown for words in ("uncertain, not remembered", "absent, searching", "not judged")] == [True] * 3
    # As grey pictures every two of tracked, absent, uncertain, searching and not judged differ in many pixels.
    shapes = page.page.evaluate(
        """() => [...document.querySelectorAll("dialog .legend canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 15);
        return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 1] * data[4 * i + 3] / 255); })"""
    )
    chosen = np.array([shapes[place] for place in (0, 4, 5, 6, 7)])
    differing = [(np.abs(a - b) > 60).sum() for place, a in enumerate(chosen) for b in chosen[:place]]
    assert min(differing) >= 40
    page.press("Escape")
    names = ("present", "uncertain", "searching", "not_judged", "accepted")
    row = {name: [0, 0, 0.5] for name in names} | {"covered": [0, 1, 1], "stale": [0, 0, 0], "alarms": [0, 0, 0]}
    words = page.page.evaluate(
        """async (row) => { const { columnWords } = await import("/static/timeline_tiles.js");
        return [0, 1, 2].map((bucket) => columnWords(row, bucket)); }""",
        row,
    )
    assert words[:2] == ["no mask", "absent"]
    assert words[2] == "visible; uncertain, not remembered; absent, searching; not judged on this frame; accepted"


def test_a_video_is_uploaded_in_parts_and_one_without_pictures_says_why(visit, tmp_path, clip):
    page = visit().open("/")
    (tmp_path / "sent.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "broken.mp4").write_bytes(b"\x00\x01nothing" * 100)
    page.page.set_input_files("#file", [str(tmp_path / "sent.mp4"), str(tmp_path / "broken.mp4")])
    page.page.wait_for_selector('.card strong:text-is("sent.mp4")')
    page.page.wait_for_selector(".toast.bad")
    assert "broken.mp4" in page.page.inner_text("#toasts")
    page.page.fill("#search", "sent")
    assert page.page.locator(".card").count() == 1


def test_taught_weights_are_taken_and_given_back_in_one_click_each(browser, tmp_path, clip):
    shutil.copy(clip, tmp_path / "clip.mp4")
    add_taught(tmp_path)
    with running(tmp_path) as server:
        page = Page(browser, server).open("/")
        page.page.click("#teach")
        page.page.wait_for_selector("dialog :text('Better by 12.5 points')")
        assert page.page.inner_text("dialog tr.chosen").split() == ["after", "52.5", "52.5"]
        page.page.locator("img.compared").scroll_into_view_if_needed()  # it is loaded when one comes near it
        page.page.wait_for_function("document.querySelector('img.compared').naturalWidth > 0")
        page.page.click("#teach-take")
        page.page.wait_for_selector("dialog li:has-text('taught 1') strong:text('in use')")
        until(lambda: page.page.request.get(f"{server.address}/api/server").json()["ready"], 120)
        assert page.page.request.get(f"{server.address}/api/server").json()["weights"] == "micro, taught 1"
        page.page.click("dialog button[data-use='0']")
        page.page.wait_for_selector("dialog li:has-text('as the server was started') strong:text('in use')")
        page.press("Escape")
        page.page.click(".card a")
        page.page.wait_for_selector("body[data-ready]")
        page.wait("work.engine?.ready && work.engine.weights === 'micro'", 120)
        page.click(40, 30)
        page.wait("desk.shownMasks.length === 1")
        assert page.errors == []
