"""One tracking process for all tests of the app that need none of their own."""

import shutil

import pytest

from app_browser import chromium
from app_tools import LENGTH, SIZE, only_video, open_client, ready
from video_tools import write_clip


@pytest.fixture(scope="module")
def browser():
    """A browser that the tests of a file share."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """A clip whose frames carry their numbers."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(path, LENGTH, size=SIZE, codec="libx264")
    return path


@pytest.fixture
def folder(tmp_path, clip):
    """A folder with the clip alone."""
    served = tmp_path / "served"
    served.mkdir()
    shutil.copy(clip, served / "clip.mp4")
    return served


@pytest.fixture
def quiet(folder):
    """A client of a server without tracking: everything but clicks and propagation."""
    return open_client(folder)


@pytest.fixture(scope="session")
def tracking(tmp_path_factory, clip):
    """A client of one server with the bundled weights, and the folder it serves."""
    served = tmp_path_factory.mktemp("tracking")
    with open_client(served) as client:
        ready(client)
        yield client, served


@pytest.fixture
def video(tracking, clip, request):
    """The client, and the address of a fresh copy of the clip."""
    client, served = tracking
    for old in served.iterdir():
        if old.name != ".sam2s":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copy(clip, served / f"{request.node.name[:60]}.mp4")
    return client, only_video(client)
