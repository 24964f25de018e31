"""Video fixtures, generated once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest

from video_tools import CLIPS, write_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of a clip of the table above."""
    folder = tmp_path_factory.mktemp("clips")

    def get(name: str) -> Path:
        path = folder / name
        if not path.exists():
            write_clip(path, **CLIPS[name])
        return path

    return get
