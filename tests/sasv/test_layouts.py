"""The page of layouts, and that the readers' descriptions are those of the files that they read."""

from pathlib import Path, PurePath

import pytest

from sam2s.sasv.fixtures import draw_fixture
from sam2s.sasv.layouts import layouts_page
from sam2s.sasv.registry import all_adapters, list_videos
from sam2s.sasv.traces import tracing

PAGE = Path(__file__).parents[2] / "docs/reference/sources.md"
MAPPED = ("art-net", "hyst-yt", "surgai3.8k")


def test_the_page_in_the_docs_is_what_the_readers_say():
    assert PAGE.read_text() == layouts_page(), "run: sam2s sasv sources --layouts > docs/reference/sources.md"


def test_the_page_has_every_source_with_its_codes_and_numbers():
    page = layouts_page()
    for text in (
        "## cvc-clinicdb",
        "| `Ground Truth/<n>.tif` | masks, 0 and 255 |",
        "| 50 | black background |",
        "| 180 | uterus |",
        "| 125, 255, 12 | instrument wrist |",
        "A complete copy: 612 frames, 29 videos.",
        "A complete copy: test cases, 1,125 frames, 5 cases.",
        '"segmentation": {"size": [480, 854]',
    ):
        assert text in page
    assert page.count("\n## ") == len(all_adapters()) == 17


@pytest.mark.parametrize("source", [name for name in all_adapters() if name not in MAPPED])
def test_every_file_that_is_read_is_described(source, tmp_path):
    draw_fixture(source, tmp_path)
    adapter = all_adapters()[source]
    folder = adapter.find(tmp_path)
    with tracing() as read:
        for video in list_videos(adapter, folder):
            for frame in video.frames():
                if isinstance(frame.image, Path):
                    read.add(frame.image)
    patterns = [pattern for file in adapter.FORM.files for pattern in file.patterns]
    files = [path for path in read if path.is_file()]
    assert files
    for path in files:
        assert any(PurePath(path).match(pattern) for pattern in patterns), path


@pytest.mark.parametrize("source", [name for name in all_adapters() if name not in MAPPED])
def test_every_description_finds_its_files(source, tmp_path):
    draw_fixture(source, tmp_path)
    for file in all_adapters()[source].FORM.files:
        matches = [path for path in tmp_path.rglob("*") if any(PurePath(path).match(p) for p in file.patterns)]
        assert matches, file.path
