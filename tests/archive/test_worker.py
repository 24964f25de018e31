"""The work itself: prompts of every kind, a video done once, a changed job done again, people's work never lost."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from namespace_tools import needs_namespaces, on_another_machine, with_tests_on_path
from sam2s.archive import Attempt, WorkerSettings, read_jobs
from sam2s.archive.faults import fault_of
from sam2s.archive.manifest import FILE
from sam2s.archive.worker import WORKER_MARK, run_settings, track_video
from sam2s.errors import ConfigError, HandWorkError, OutputError, PromptError, SourceError, WorkspaceInUseError
from sam2s.runs import run
from sam2s.tracking.prompts import Box
from sam2s.workspace import Workspace
from tracking_tools import movie

SETTINGS = WorkerSettings(device="cpu")


def write_anamorphic(path):
    """Four frames of 48 x 64 pixels that players show 128 wide."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for frame in movie(4, width=64):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        out.mux(stream.encode())


def track(job, out, seen=None):
    (out.parent / FILE).touch()
    return track_video(Attempt(job, out, 1), SETTINGS, lambda done, total: None if seen is None else seen.append(done))


def masks(out):
    with Workspace.open(out) as workspace:
        return [{i: one.rle for i, one in record.objects.items()} for record in workspace.frames()]


def test_a_job_says_which_objects_go_through_the_network_together(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    together = replace(job, settings={**job.settings, "batched": "padded"})
    assert run_settings(together, tmp_path, SETTINGS).batched == "padded"
    assert run_settings(job, tmp_path, SETTINGS).batched == "auto"
    assert together.digest() != job.digest()
    with pytest.raises(ConfigError, match="batched 'all' is not one of auto, alone, same-shape, padded, graphs"):
        run_settings(replace(job, settings={**job.settings, "batched": "all"}), tmp_path, SETTINGS)


def test_a_job_writes_what_a_single_run_writes_and_is_done_once(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    seen = []
    assert track(job, tmp_path / "a", seen) == 12
    assert seen[-1] == 12
    run(replace(run_settings(job, tmp_path / "b", SETTINGS)))
    assert masks(tmp_path / "a") == masks(tmp_path / "b")
    seen.clear()
    assert track(job, tmp_path / "a", seen) == 12
    assert seen == []  # nothing was tracked again


def test_a_changed_job_is_done_again_unless_people_worked_on_its_result(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    out = tmp_path / "a"
    track(job, out)
    changed = replace(job, settings={**job.settings, "stride": 2})
    assert track(changed, out) == 6
    with Workspace.open(out, write=True) as workspace:
        workspace.accept([1], 0, 4)
    with pytest.raises(OutputError, match="accept"):
        track(job, out)
    with Workspace.open(out) as workspace:
        assert workspace.is_accepted(1, 2)


def test_prompts_may_be_a_picture_a_workspace_or_found_by_a_plug_in(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    labels = np.zeros((48, 80), np.uint8)
    labels[4:30, 4:40], labels[32:44, 50:70] = 1, 2
    Image.fromarray(labels).save(tmp_path / "first.png")
    pictured = replace(job, prompts=None, masks=str(tmp_path / "first.png"))
    assert [entry.object_id for entry in run_settings(pictured, tmp_path, SETTINGS).prompts] == [1, 2]

    track(job, tmp_path / "pointed")
    pointed = replace(job, prompts=None, workspace=str(tmp_path / "pointed"))
    assert [e.prompt for e in run_settings(pointed, tmp_path, SETTINGS).prompts] == [Box(4, 4, 40, 30)]

    plug_in = tmp_path / "detector.py"
    plug_in.write_text(
        "from sam2s.archive.proposers import Proposal\n"
        "def propose(frame):\n"
        "    assert frame.dtype.name == 'uint8' and frame.shape == (48, 80, 3)\n"
        "    return [Proposal((1, 2, 30, 40), 'a', 0.2), Proposal((5, 6, 70, 900), 'b', 0.9)]\n"
    )
    proposed = run_settings(replace(job, prompts=None, proposer=f"{plug_in}:propose"), tmp_path, SETTINGS).prompts
    assert [(e.object_id, e.name, e.prompt) for e in proposed] == [
        (1, "b", Box(5, 6, 70, 48)),
        (2, "a", Box(1, 2, 30, 40)),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    return []", "the proposer found no object"),
        ("    return [Proposal((1, 2, 3))]", "give four numbers x0, y0, x1, y1"),
        ("    return [Proposal((9, 2, 3, 8))]", "x0 < x1 and y0 < y1 must hold"),
        ("    return [Proposal((0, 0, float('nan'), 8))]", "x0 < x1 and y0 < y1 must hold"),
    ],
)
def test_proposals_that_cannot_be_used_are_refused(make_archive, tmp_path, body, message):
    job = read_jobs(make_archive(1))[0]
    (tmp_path / "d.py").write_text(f"from sam2s.archive.proposers import Proposal\ndef propose(frame):\n{body}\n")
    with pytest.raises(PromptError, match=message):
        run_settings(replace(job, prompts=None, proposer=f"{tmp_path / 'd.py'}:propose"), tmp_path, SETTINGS)


def test_a_damaged_video_keeps_its_good_frames_and_says_so(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    with pytest.raises(SourceError, match="no such file"):
        track(replace(job, video=str(tmp_path / "absent.mp4")), tmp_path / "a")
    assert not Workspace.exists(tmp_path / "a")


def test_a_part_takes_only_the_prompts_on_its_frames(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    both = {"objects": [{"id": 1, "frame": f, "box": [4, 4, 40, 30]} for f in (0, 8)]}
    Path(job.prompts).write_text(json.dumps(both))
    part = replace(job, settings={**job.settings, "part": 2, "start": 6, "stop": 12})
    assert [entry.frame for entry in run_settings(part, tmp_path, SETTINGS).prompts] == [8]
    with pytest.raises(PromptError, match=r"v0: nobody pointed at an object on its frames 9 to 11"):
        run_settings(replace(part, settings={**part.settings, "start": 9}), tmp_path, SETTINGS)


def test_the_frames_of_a_folder_and_the_shape_of_pixels_are_chosen_as_in_track(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    folder = tmp_path / "frames"
    folder.mkdir()
    for index, frame in enumerate(movie(4)):
        Image.fromarray(frame).save(folder / f"{index}_endo.png")
        Image.fromarray(frame).save(folder / f"{index}_overview.png")
    chosen = replace(job, video=str(folder), settings={**job.settings, "pattern": "*_endo.png"})
    assert track(chosen, tmp_path / "a") == 4
    with pytest.raises(SourceError, match=r"\*_endoscope\.png"):
        track(replace(chosen, settings={**job.settings, "pattern": "*_endoscope.png"}), tmp_path / "b")
    plug_in = tmp_path / "detector.py"
    plug_in.write_text(
        "from sam2s.archive.proposers import Proposal\n"
        "def propose(frame):\n    return [Proposal((1, 2, frame.shape[1], frame.shape[0]))]\n"
    )
    wide = tmp_path / "wide.mp4"
    write_anamorphic(wide)
    proposed = replace(job, video=str(wide), prompts=None, proposer=f"{plug_in}:propose")
    assert [e.prompt for e in run_settings(proposed, tmp_path, SETTINGS).prompts] == [Box(1, 2, 64, 48)]
    square = replace(proposed, settings={**job.settings, "square_pixels": True})
    assert [e.prompt for e in run_settings(square, tmp_path, SETTINGS).prompts] == [Box(1, 2, 128, 48)]


def test_a_video_is_opened_as_the_workspace_with_its_prompts_was(make_archive, tmp_path):
    """Prompts that were pointed at in square pixels would lie elsewhere in the pixels of the file."""
    job = read_jobs(make_archive(2))[0]
    wide = tmp_path / "wide.mp4"
    write_anamorphic(wide)
    square = replace(job, video=str(wide), settings={**job.settings, "square_pixels": True})
    track(square, tmp_path / "pointed")
    again = replace(job, video=str(wide), prompts=None, workspace=str(tmp_path / "pointed"))
    assert run_settings(again, tmp_path, SETTINGS).square_pixels
    track(again, tmp_path / "again")
    assert masks(tmp_path / "again") == masks(tmp_path / "pointed")
    with pytest.raises(PromptError, match=r"v0: .*v1\.npy is another video than wide, .*do not belong to it"):
        track(replace(again, video=str(tmp_path / "v1.npy")), tmp_path / "other")


def test_work_of_people_is_a_lasting_reason(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    track(job, tmp_path / "a")
    with Workspace.open(tmp_path / "a", write=True) as workspace:
        workspace.accept([1], 0, 4)
    with pytest.raises(HandWorkError) as caught:
        track(replace(job, settings={**job.settings, "stride": 2}), tmp_path / "a")
    assert fault_of(caught.value).lasts(1)


@needs_namespaces
def test_a_video_goes_on_on_another_machine_than_the_one_that_was_lost(make_archive, tmp_path):
    """A workspace is held by a process of a machine that nobody can ask any more."""
    job = read_jobs(make_archive(1))[0]
    held = "import sys; from test_worker import hold; hold(*sys.argv[1:])"
    words = [sys.executable, "-c", held, str(tmp_path / "jobs.jsonl"), str(tmp_path / "a")]
    lost = subprocess.Popen(on_another_machine(words), stdout=subprocess.PIPE, text=True, env=with_tests_on_path())
    assert lost.stdout.readline() == "tracked\n"
    with pytest.raises(WorkspaceInUseError, match=r"another process is writing to .* on elsewhere"):
        Workspace.open(tmp_path / "a", write=True)
    assert track(job, tmp_path / "a") == 12
    lost.kill()
    lost.wait()
    track(job, tmp_path / "b")
    assert masks(tmp_path / "a") == masks(tmp_path / "b")
    assert not (tmp_path / "a" / WORKER_MARK).exists()


def hold(jobs, out):
    """Track until the sixth frame, then hold the workspace and do nothing more."""
    (Path(out).parent / FILE).touch()

    def report(done, total):
        if done == 6:
            print("tracked", flush=True)
            time.sleep(600)

    track_video(Attempt(read_jobs(Path(jobs))[0], Path(out), 1), SETTINGS, report)


def test_nothing_is_tracked_where_the_archive_is_not(make_archive, tmp_path):
    job = read_jobs(make_archive(1))[0]
    with pytest.raises(OutputError, match=r"is not available: archive\.sqlite is missing; restore it") as caught:
        track_video(Attempt(job, tmp_path / "mount point" / "a", 1), SETTINGS, lambda done, total: None)
    assert fault_of(caught.value).kind == "output"
    assert not (tmp_path / "mount point").exists()
