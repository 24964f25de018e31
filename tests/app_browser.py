"""A server in a process of its own and a real browser on it."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from app_tools import until
from sam2s.masks import rle

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--force-color-profile=srgb", "--hide-scrollbars"),
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Server:
    """`sam2s app` as a process, which can be killed and started again on the same port."""

    def __init__(self, target, *flags):
        self.target, self.flags, self.port = target, flags, 0
        self.process = None

    def start(self):
        command = [sys.executable, "-m", "sam2s", "app", str(self.target), "--no-browser", "--port", str(self.port)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen([*command, *self.flags], stdout=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline()
        assert line.startswith("open "), line
        self.page = line.split()[1]
        self.port = int(self.page.split(":")[2].split("/")[0])
        self.address = f"http://127.0.0.1:{self.port}"
        return self

    def ready(self):
        until(lambda: httpx.get(f"{self.address}/api/server", timeout=30).json()["ready"], 120)
        return self

    def kill(self):
        """End it without any chance to tidy up; its tracking process ends by itself."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def running(target, *flags):
    server = Server(target, *flags).start()
    try:
        yield server.ready()
    finally:
        server.stop()


@contextmanager
def chromium():
    """Debian's or another installed browser; the test is skipped, and says so, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser is installed; the pages are not tested (looked for {', '.join(NAMES)})")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Page:
    """A page of the app, with what a person does on it."""

    def __init__(self, browser, server, *, size=(1440, 900)):
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        self.page = self.context.new_page()
        self.server = server
        self.errors, self.foreign, self.offline = [], [], False
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)
        self.page.on("request", self._request)

    def _console(self, message):
        if message.type == "error" and not self.offline:
            self.errors.append(message.text)

    def _request(self, request):
        if not request.url.startswith(
            (self.server.address, "blob:", "data:", self.server.address.replace("http", "ws"))
        ):
            self.foreign.append(request.url)

    def open(self, path="/"):
        self.page.goto(f"{self.server.address}{path}")
        self.page.wait_for_selector("body[data-ready]", timeout=30_000)
        return self

    def state(self, expression):
        """A value of the working page's own state."""
        return self.page.evaluate(f"() => {{ const work = window.sam2s, desk = work.desk; return {expression}; }}")

    def wait(self, expression, seconds=60):
        self.page.wait_for_function(
            f"() => {{ const work = window.sam2s, desk = work.desk; return {expression}; }}", timeout=1000 * seconds
        )

    def at(self, x, y):
        """Where a pixel of the source is on the screen."""
        return self.page.evaluate(
            """([x, y]) => { const view = window.sam2s.view, box = view.canvas.getBoundingClientRect();
            const ratio = view.canvas.width / box.width;
            return [box.left + (view.x + x * view.scale) / ratio, box.top + (view.y + y * view.scale) / ratio]; }""",
            [x, y],
        )

    def click(self, x, y, *, button="left"):
        """Click the picture and wait for the answer."""
        before = self.state("work.event")
        self.page.mouse.click(*self.at(x, y), button=button)
        self.wait(f"work.event > {before}")
        self.page.evaluate("() => window.sam2s.queue")

    def inside(self, object_id):
        """A pixel (x, y) in the middle of the mask of an object on the frame that is shown."""
        mask = rle.decode(self.state(f"desk.maskOf({object_id}).rle"))
        y, x = np.nonzero(mask)
        return float(x[len(x) // 2]) + 0.5, float(y[len(y) // 2]) + 0.5

    def post(self, what, body):
        """Do something as this tab does, by the API."""
        tab = self.page.evaluate("sessionStorage.getItem('sam2s-tab')")
        address = f"{self.server.address}/api{self.state('desk.path')}/{what}"
        answer = self.page.request.post(address, data=body, headers={"X-Tab": tab})
        assert answer.ok, answer.text()
        return answer.json()

    def drag(self, points):
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=4)
        self.page.mouse.up()

    def press(self, key):
        self.page.keyboard.press(key)

    def go(self, frame):
        self.page.evaluate("frame => window.sam2s.desk.go(frame)", frame)
        self.wait(f"desk.shownFrame === {frame}")

    def areas(self):
        """Areas of the masks on the frame that is shown, by object."""
        pairs = self.state("desk.shownMasks.map((mask) => [mask.object_id, mask.area ?? mask.rle.counts])")
        return dict(pairs)

    def shot(self, folder, name):
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(500)
            self.page.screenshot(path=str(Path(folder) / f"{name}.jpg"), type="jpeg", quality=82)
