"""Videos of a folder and the workspaces that belong to them."""

import shutil

import pytest
from PIL import Image

from app_tools import new_object, only_video, open_client
from sam2s.app.launch import served
from sam2s.errors import SourceError
from sam2s.workspace import ObjectInfo, VideoIdentity, Workspace


def test_videos_of_every_kind_are_listed_and_nothing_else(folder, clip):
    (folder / "notes.txt").write_text("no video")
    (folder / ".hidden.mp4").write_bytes(clip.read_bytes())
    (folder / "deep").mkdir()
    shutil.copy(clip, folder / "deep" / "b.mp4")
    for number in range(3):
        (folder / "pictures").mkdir(exist_ok=True)
        Image.new("RGB", (32, 32)).save(folder / "pictures" / f"{number}.png")
        (folder / "masks").mkdir(exist_ok=True)
        Image.new("P", (32, 32)).save(folder / "masks" / f"{number}.png")  # label maps are no video
    client = open_client(folder)
    assert [card["path"] for card in client.get("/api/videos").json()] == ["clip.mp4", "deep/b.mp4", "pictures"]


def test_a_workspace_of_track_elsewhere_in_the_folder_is_the_videos_own(folder):
    import sam2s

    with Workspace.create(folder / "runs" / "op", VideoIdentity.of(sam2s.open_source(folder / "clip.mp4"))) as made:
        made.put_object(ObjectInfo(1, "hook"))
    client = open_client(folder)
    video = only_video(client)
    assert client.get(f"{video}/objects").json()[0]["name"] == "hook"
    new_object(client, video)
    assert not (folder / "clip.mp4.sam2s").exists()
    with Workspace.open(folder / "runs" / "op") as workspace:
        assert len(workspace.objects()) == 2


def test_the_command_line_takes_a_folder_a_video_and_a_workspace(folder):
    import sam2s

    assert served(folder) == (folder.resolve(), None)
    assert served(folder / "clip.mp4") == (folder.resolve(), (folder / "clip.mp4").resolve())
    Workspace.create(folder / "run", VideoIdentity.of(sam2s.open_source(folder / "clip.mp4"))).close()
    for target in (folder / "run", folder / "run" / "workspace.sqlite"):
        assert served(target) == (folder.resolve(), (folder / "clip.mp4").resolve())
    (folder / "clip.mp4").unlink()
    with pytest.raises(SourceError, match="is not there any more"):
        served(folder / "run")
    with pytest.raises(SourceError, match="no such file or folder"):
        served(folder / "nothing")


def test_another_program_that_writes_is_named_and_reading_goes_on(folder):
    import subprocess
    import sys

    client = open_client(folder)
    video = only_video(client)
    new_object(client, video)
    client.app.state.context.desks.close()
    workspace = str(folder / "clip.mp4.sam2s")
    code = (
        "import sys; from sam2s.workspace import Workspace\n"
        f"w = Workspace.open({workspace!r}, write=True); print('open', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        answer = client.post(f"{video}/objects", json={})
        assert answer.status_code == 423
        assert f"process {other.pid}" in answer.json()["error"]["message"]
        assert len(client.get(f"{video}/objects").json()) == 1
    finally:
        other.stdin.close()
        other.wait()
    assert client.post(f"{video}/objects", json={}).status_code == 201
