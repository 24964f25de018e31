"""What `sam2s demo` leaves behind, opened in the app as its last line says.

`SAM2S_SCREENSHOTS=docs/images pytest -m slow tests/app/test_demo_result.py` makes the picture of the README.
"""

import os

import pytest
from typer.testing import CliRunner

from app_browser import Page, chromium, running
from sam2s.cli import app

pytestmark = pytest.mark.slow
FRAMES = 90


def test_the_result_of_the_demo_opens_with_its_masks(tmp_path):
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "demo"), "--frames", str(FRAMES)])
    assert done.exit_code == 0
    with chromium() as browser, running(tmp_path / "demo" / "run") as server:
        page = Page(browser, server).open("/")
        if page.page.query_selector(".card a"):
            page.page.click(".card a")
        page.page.wait_for_selector("body[data-ready]")
        page.go(FRAMES // 3)
        page.wait(f"desk.picture !== null && desk.shownFrame === {FRAMES // 3} && desk.shownMasks.length === 2")
        assert all(area > 200 for area in page.areas().values())
        page.wait("document.querySelectorAll('#toasts .toast').length === 0")
        page.shot(os.environ.get("SAM2S_SCREENSHOTS"), "app-demo")
        assert page.errors == []
