"""`sam2s track` loses nothing of others, leaves no work silently undone, and gets past damage that was mended."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runs_tools import export_bytes, quiet, records
from sam2s.errors import OutputError, PromptError, SourceError
from sam2s.formats.prompts_file import parse_box
from sam2s.runs import run
from sam2s.video import FileSource
from tracking_tools import movie
from video_tools import write_clip

BOX = [parse_box("1@0:4,4,40,30")]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_files_of_others_stay(job):
    settings = job("out", stop=5, exports=("csv", "davis"))
    folder = settings.out / "snapshots/run-1"
    folder.mkdir(parents=True)
    (folder / "patient.txt").write_text("precious")
    for name in ("summary.csv", "davis"):
        (settings.out / name).write_text("precious")
        with pytest.raises(
            OutputError, match=rf"{name} is there and is not an export of the run in .*; move it or give"
        ):
            run(replace(settings, overwrite=True), quiet)
        assert names(settings.out) == {"snapshots", name}
        (settings.out / name).unlink()
    (folder / "session.json").write_text('{"mine": 1}')
    with pytest.raises(OutputError, match=r"session.json is there and is not a record of a session; move it"):
        run(settings, quiet)
    assert (folder / "session.json").read_text() == '{"mine": 1}'
    (folder / "session.json").unlink()
    for overwrite in (False, True):
        run(replace(settings, overwrite=overwrite), quiet)
        assert names(folder) == {"patient.txt"}


def test_the_video_that_is_tracked_is_not_replaced(job, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_clip(out / "overlay.mp4", 4)
    before = (out / "overlay.mp4").read_bytes()
    settings = replace(job("out", exports=("overlay",)), input=str(out / "overlay.mp4"), prompts=BOX)
    with pytest.raises(OutputError, match=r"overlay.mp4 would be lost, as the run replaces .*; give another --out"):
        run(settings, quiet)
    assert names(out) == {"overlay.mp4"}
    own = job("own", stop=5, exports=("overlay",))
    video = run(own, quiet).outputs["overlay"]
    again = replace(own, input=str(video), prompts=BOX, exports=("csv",), overwrite=True)
    with pytest.raises(OutputError, match=r"overlay.mp4 would be lost, as the run replaces"):
        run(again, quiet)
    assert (out / "overlay.mp4").read_bytes() == before
    assert video.exists()


def test_overwrite_leaves_no_export_of_another_video(job, tmp_path):
    first = job("out", stop=5, exports=("csv", "overlay"))
    run(first, quiet)
    (first.out / "coco.notes").touch()
    np.save(tmp_path / "other.npy", movie(8, seed=9))
    other = replace(first, input=str(tmp_path / "other.npy"), exports=("coco",), overwrite=True)
    run(other, quiet)
    assert names(first.out) == {"workspace.sqlite", ".sam2s-exports.json", "coco.json", "coco.notes"}


def test_a_run_gets_past_damage_that_was_mended(job, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, image in enumerate(movie(9)):
        Image.fromarray(image).save(folder / f"{index}.png")
    whole = replace(job("whole"), input=str(folder))
    run(whole, quiet)
    picture = folder / "6.png"
    good = picture.read_bytes()
    picture.write_bytes(good[:300] + bytes(len(good) - 300))
    settings = replace(job("out"), input=str(folder))
    for frames in (3, 0):
        outcome = run(settings, quiet)
        assert (outcome.frames, outcome.finished_before) == (frames, False)
        assert "frame 6 is damaged" in outcome.damage
    picture.write_bytes(good)
    outcome = run(settings, quiet)
    assert (outcome.frames, outcome.resumed_at, outcome.damage) == (3, 6, None)
    assert export_bytes(settings.out) == export_bytes(whole.out)
    assert run(settings, quiet).finished_before


def test_a_reverse_run_that_was_stopped_on_its_last_frame_has_nothing_to_go_on_with(job):
    def stop(what, done, total):
        if done == 4:
            signal.raise_signal(signal.SIGINT)

    settings = replace(job("out", reverse=True), prompts=[parse_box("1@3:4,4,40,30")])
    assert run(settings, stop).signal == signal.SIGINT
    outcome = run(settings, quiet)
    assert (outcome.frames, outcome.resumed_at) == (0, None)


@pytest.mark.parametrize(
    ("changes", "boxes", "message"),
    [
        (
            {"stop": 2},
            ["1@0", "2@10"],
            "object 2 would never appear: its first prompt is on frame 10, at or behind",
        ),
        ({"start": 5, "reverse": True}, ["1@9", "2@2"], "object 2 would never appear: .* frame 2, before --start 5"),
        ({"start": 6, "stop": 8, "stride": 5}, ["1@0"], "--stride 5 skips all frames from --start 6 to --stop 8"),
    ],
)
def test_work_that_would_not_be_done_is_refused(job, changes, boxes, message):
    prompts = [parse_box(f"{box}:4,4,40,30") for box in boxes]
    with pytest.raises(PromptError, match=message):
        run(replace(job("out", **changes), prompts=prompts), quiet)


def test_a_later_prompt_of_an_object_that_appears_is_allowed(job):
    prompts = [parse_box(f"1@{frame}:4,4,40,30") for frame in (0, 10)]
    assert run(replace(job("out", stop=2), prompts=prompts), quiet).frames == 2


def test_a_start_behind_the_end_is_refused_in_every_container(job, tmp_path):
    write_clip(tmp_path / "short.mkv", 4)
    settings = replace(job("out", start=400), input=str(tmp_path / "short.mkv"), prompts=BOX)
    with pytest.raises(SourceError, match="there is no frame 400; the video has 4 frames"):
        run(settings, quiet)
    assert not settings.out.exists()


def test_ids_that_an_export_cannot_hold_are_refused_before_tracking(job):
    settings = replace(job("out", exports=("davis", "csv")), prompts=[parse_box("300@0:4,4,40,30")])
    with pytest.raises(OutputError, match="object id 300 does not fit into an indexed PNG, which holds ids 1 to 255"):
        run(settings, quiet)
    assert not settings.out.exists()


def test_a_clock_that_begins_anew_is_tracked_and_drawn(job, tmp_path):
    write_clip(tmp_path / "part.mpg", 5, codec="mpeg2video", container="mpeg")
    part = (tmp_path / "part.mpg").read_bytes()
    (tmp_path / "twice.mpg").write_bytes(part + part)
    settings = replace(job("out", exports=("overlay", "csv")), input=str(tmp_path / "twice.mpg"), prompts=BOX)
    outcome = run(settings, quiet)
    assert outcome.frames == len(list(FileSource(outcome.outputs["overlay"]).frames())) == 10
    assert [record.index for record in records(settings.out)] == list(range(10))
