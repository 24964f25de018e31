"""A video is opened as the run that made its masks did."""

import numpy as np
import pytest
from PIL import Image

from app_tools import only_video, open_client
from sam2s.app.video_files import open_video, reopen
from sam2s.errors import SourceError, WorkspaceError
from sam2s.video import open_source
from sam2s.workspace import VideoIdentity, Workspace


@pytest.fixture
def pictures(tmp_path):
    """A folder with frames and, beside each, a picture that is none."""
    folder = tmp_path / "served" / "frames"
    folder.mkdir(parents=True)
    for number in range(5):
        for kind, value in (("endo", 40 * number), ("watershed", 255)):
            Image.fromarray(np.full((16, 24, 3), value, np.uint8)).save(folder / f"{number}_{kind}.png")
    return folder


def workspace_with(folder, video, **source):
    with Workspace.create(folder, VideoIdentity.of(open_source(video, **source))) as workspace:
        workspace.runs.begin({"source": source}, "micro", "0")


def test_the_pattern_of_the_run_chooses_the_frames(pictures, tmp_path):
    folder = pictures.with_name("frames.sam2s")
    with pytest.raises(SourceError, match="say which are the frames"):
        open_video(pictures, folder)
    workspace_with(folder, str(pictures), pattern="*_endo.png")
    source = open_video(pictures, folder)
    assert source.length == reopen(source, pictures, folder).length == 5
    client = open_client(tmp_path / "served")
    (card,) = client.get("/api/videos").json()
    assert card["length"] == 5
    assert client.get(only_video(client)).json()["length"] == 5
    shown = client.get(f"{only_video(client)}/frames/3?format=png")
    assert shown.status_code == 200
    assert client.get(f"{only_video(client)}/frames/5").status_code == 404


def test_another_video_in_its_place_and_a_playlist_are_refused(pictures, tmp_path):
    folder = pictures.with_name("frames.sam2s")
    workspace_with(folder, str(pictures), pattern="*_endo.png")
    (pictures / "4_endo.png").unlink()
    with pytest.raises(WorkspaceError, match="is another video than"):
        open_video(pictures, folder)
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\nhttp://elsewhere/video.ts\n")
    with pytest.raises(SourceError, match="is text, perhaps a playlist"):
        open_video(playlist, tmp_path / "none")


def test_another_reader_of_a_file_stands_at_its_own_place(clip):
    with open_source(clip) as source:
        other = reopen(source, clip, clip.with_name("none"))
        source.frame(20)
        assert np.array_equal(other.frame(3).image, open_source(clip).frame(3).image)
        assert np.array_equal(source.frame(21).image, open_source(clip).frame(21).image)
        other.close()
        assert source.frame(5).index == 5
