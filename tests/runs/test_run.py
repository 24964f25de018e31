"""`sam2s track` as a person runs it: real files, stopped, killed, and taken up again."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from runs_tools import checkpoint_every, masks, quiet, records
from sam2s.cli import app
from sam2s.errors import ConfigError, OutputError, PromptError
from sam2s.formats.prompts_file import parse_box
from sam2s.masks.postprocess import clean
from sam2s.memory import MemoryPolicy, SearchRule
from sam2s.runs import RunSettings, run
from sam2s.tracking import ObjectState
from sam2s.video import FileSource
from sam2s.workspace import Workspace
from tracking_tools import movie
from video_tools import Server, stream_of


def test_a_crash_loses_nothing_and_the_same_run_goes_on_exactly(job, monkeypatch):
    checkpoint_every(8, monkeypatch)
    run(job("whole"), quiet)

    def crash(what, done, total):
        assert total == 27
        if done == 21:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        run(job("broken"), crash)
    outcome = run(job("broken"), quiet)
    assert outcome.resumed_at == 3 + 16
    assert outcome.frames == 27 - 16
    assert masks(job("broken").out) == masks(job("whole").out)
    assert not (job("broken").out / "snapshots").exists()
    assert run(job("broken"), quiet).frames == 0  # finished: only the exports are made again


@pytest.mark.parametrize("batched", ["same-shape", "padded", "graphs"])
def test_objects_that_go_through_the_network_together_have_the_same_masks(job, batched):
    run(job("alone"), quiet)
    run(job("together", batched=batched), quiet)
    alone, together = records(job("alone").out), records(job("together").out)
    assert [record.index for record in alone] == [record.index for record in together]
    for one, other in zip(alone, together, strict=True):
        for number, entry in one.objects.items():
            assert (entry.mask ^ other.objects[number].mask).sum() <= 4, "but for rounding"
            assert other.objects[number].iou == pytest.approx(entry.iou, abs=1e-3)
    with pytest.raises(OutputError, match=f"batched is {batched} there and None now"):
        run(job("together"), quiet)


def test_a_way_of_putting_objects_together_that_is_not_known(job):
    with pytest.raises(ConfigError, match="batched 'all' is not one of auto, alone, same-shape, padded, graphs"):
        job("out", batched="all")


def judged(frame):
    return frame.index not in (7, 8, 9, 22)


def test_frames_that_are_not_judged_are_stored_as_such_and_a_crash_changes_nothing(job, monkeypatch):
    checkpoint_every(8, monkeypatch)
    run(job("whole"), quiet, judged=judged)

    def crash(what, done, total):
        if done == 6:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        run(job("broken"), crash, judged=judged)
    run(job("broken"), quiet, judged=judged)
    assert masks(job("broken").out) == masks(job("whole").out)
    states = {record.index: record.objects[1].state for record in records(job("whole").out)}
    assert [index for index, state in states.items() if state is ObjectState.NOT_JUDGED] == [7, 8, 9, 22]


def test_backward_also_goes_on(job, monkeypatch):
    checkpoint_every(5, monkeypatch)
    jobs = [
        RunSettings(**{**vars(job(name)), "prompts": [parse_box("1@28:4,4,40,30")], "reverse": True, "start": 8})
        for name in ("whole", "broken")
    ]
    assert run(jobs[0], quiet).frames == 21

    def crash(what, done, total):
        assert total == 21
        if done == 13:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run(jobs[1], crash)
    assert run(jobs[1], quiet).resumed_at == 18
    found = masks(jobs[1].out)
    assert found == masks(jobs[0].out)
    assert list(found) == list(range(8, 29))


def written(folder):
    """Frames that another process has written so far."""
    if not Workspace.exists(folder):
        return 0
    with Workspace.open(folder) as workspace:
        return len(workspace.frame_indices())


def test_sigterm_leaves_a_valid_output_that_goes_on(weights, tmp_path):
    np.save(tmp_path / "long.npy", movie(50))
    command = [sys.executable, "-m", "sam2s", "track", str(tmp_path / "long.npy"), "--weights", str(weights)]
    command += ["--box", "1@0:4,4,40,30", "--export", "csv", "--json"]

    def start(out: str) -> subprocess.Popen:
        one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [*command, "--out", str(tmp_path / out)], stdout=subprocess.PIPE, text=True, env=one_thread
        )

    process = start("broken")
    while process.poll() is None and written(tmp_path / "broken") < 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    told = json.loads(process.communicate(timeout=120)[0])
    assert process.returncode == 143
    assert told["stopped_by_signal"] == 15
    assert 3 <= told["frames"] < 50

    again = json.loads(start("broken").communicate(timeout=300)[0])
    assert again["resumed_at"] == told["frames"]
    whole = json.loads(start("whole").communicate(timeout=300)[0])
    assert whole["frames"] == again["frames"] + told["frames"] == 50
    assert masks(tmp_path / "broken") == masks(tmp_path / "whole")
    assert Path(again["outputs"]["csv"]).exists()


def test_refuses_another_video_in_the_same_output(job, tmp_path):
    run(job("one", stop=6), quiet)
    np.save(tmp_path / "other.npy", movie(20, seed=9))
    other = RunSettings(**{**vars(job("one", stop=6)), "input": str(tmp_path / "other.npy")})
    with pytest.raises(OutputError, match="belongs to another video: clip there, other now"):
        run(other, quiet)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "other.npy").rename(tmp_path / "elsewhere" / "clip.npy")
    with pytest.raises(OutputError, match="belongs to another video, also called clip;"):
        run(replace(other, input=str(tmp_path / "elsewhere" / "clip.npy")), quiet)
    with pytest.raises(OutputError, match="stride is 1 there and 3 now"):
        run(job("one", stop=6, stride=3), quiet)


def test_refuses_spans_without_prompts(job):
    with pytest.raises(PromptError, match="no frame between --start 0 and --stop 2 lies at or beyond a prompt"):
        run(job("x", stop=2), quiet)
    nothing = RunSettings(**{**vars(job("y")), "prompts": []})
    with pytest.raises(PromptError, match="no prompt is given; use --prompts FILE, --box, --point or --mask"):
        run(nothing, quiet)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--box", "1@3:400,4,440,30"], "box 400,4,440,30 lies outside the frame of"),
        (["--point", "1@30:+4,4"], "frame 30 is not in clip; frames run from 0 to 29"),
        (["--point", "1@3:+4,4", "--stride", "2"], "frame 3 is skipped by --stride 2; use frame 2"),
        (["--point", "1@3:+4,4", "--start", "40"], "frame 40 is not in clip"),
    ],
)
def test_bad_prompts_touch_nothing_saved(job, clip, weights, flags, message):
    done = job("done", stop=6)
    run(done, quiet)
    before = {path.name: path.read_bytes() for path in done.out.iterdir() if path.is_file()}
    command = ["track", str(clip), "--weights", str(weights), *flags]
    for out, more in (done.out, ["--overwrite"]), (done.out.with_name("new"), []):
        with pytest.raises(PromptError, match=message):
            CliRunner().invoke(app, [*command, "--out", str(out), *more], catch_exceptions=False)
    assert {path.name: path.read_bytes() for path in done.out.iterdir() if path.is_file()} == before
    assert not done.out.with_name("new").exists()


@pytest.mark.parametrize("before", [signal.SIG_IGN, signal.default_int_handler])  # as in the background of a script
def test_a_second_signal_ends_at_once(job, before):
    def impatient(what, done, total):
        signal.raise_signal(signal.SIGTERM)
        while signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            pass
        signal.raise_signal(signal.SIGINT)

    kept = signal.signal(signal.SIGINT, before)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(job("out"), impatient)
        assert signal.getsignal(signal.SIGINT) is before
        assert list(masks(job("out").out)) == [3]
    finally:
        signal.signal(signal.SIGINT, kept)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_a_process_in_the_middle_of_a_frame(weights, clip, tmp_path, number):
    script = (
        "import sys, time; from pathlib import Path; from sam2s.runs import RunSettings, run\n"
        "from sam2s.formats.prompts_file import parse_box\n"
        "settings = RunSettings(sys.argv[1], Path(sys.argv[3]), sys.argv[2], [parse_box('1@0:4,4,40,30')])\n"
        "def slow(*_): print('frame', flush=True); time.sleep(120)\n"
        "run(settings, slow)"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, str(clip), str(weights), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"frame\n"
        process.send_signal(number)
        assert process.stderr.readline() == b"\n"
        assert process.stderr.readline() == b"stopping; Ctrl-C again ends at once\n"
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == -number
    assert list(masks(tmp_path / "out")) in ([0], []), "written behind the tracker, so it may have been lost"
    goes_on = RunSettings(str(clip), tmp_path / "out", str(weights), [parse_box("1@0:4,4,40,30")])
    assert run(goes_on, quiet).frames == 30


def test_a_signal_ends_the_wait_for_a_silent_stream(weights, tmp_path):
    out = tmp_path / "out"
    with Server(stream_of(0, 30), stall=True) as server:
        command = [sys.executable, "-m", "sam2s", "track", server.url, "--out", str(out), "--weights", str(weights)]
        process = subprocess.Popen(
            [*command, "--box", "1@0:4,4,40,30", "--live", "block", "--json"], stdout=subprocess.PIPE, text=True
        )
        counts = [0]
        while process.poll() is None and (counts[-1] < 20 or counts[-1] != counts[-10]):  # until no more come
            counts.append(written(out))
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        told = json.loads(process.communicate(timeout=45)[0])  # left alone it would wait for a minute
    assert process.returncode == 130
    assert told["stopped_by_signal"] == signal.SIGINT
    assert told["frames"] == len(masks(out)) == len(list(FileSource(out / "overlay.mp4").frames())) >= 20


def test_exports_heed_a_signal(job):
    def stop_exports(what, done, total):
        if (what, done) == ("csv", 2):
            os.kill(os.getpid(), signal.SIGINT)

    outcome = run(job("out", stop=7, exports=("csv", "davis")), stop_exports)
    assert outcome.signal == signal.SIGINT
    assert not (outcome.outputs["workspace"] / "masks.csv").exists()
    again = run(job("out", stop=7, exports=("csv", "davis")), quiet)
    assert (again.frames, again.signal) == (0, None)
    assert again.outputs["csv"].exists()


def test_damage_is_told_again(job, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, image in enumerate(movie(6)):
        Image.fromarray(image).save(folder / f"{index}.png")
    broken = folder / "5.png"
    broken.write_bytes(broken.read_bytes()[:400])
    damaged = RunSettings(**{**vars(job("out")), "input": str(folder)})
    first, again = run(damaged, quiet), run(damaged, quiet)
    assert (first.frames, again.frames) == (2, 0)
    assert "frame 5 is damaged" in str(first.damage)
    assert again.damage == first.damage


def test_the_command_reads_prompts_and_writes_exports(weights, clip, tmp_path):
    prompts = {"frame": 2, "objects": [{"id": 1, "label": "grasper", "box": [4, 4, 40, 30]}]}
    (tmp_path / "prompts.json").write_text(json.dumps(prompts))
    arguments = ["track", str(clip), "--out", str(tmp_path / "out"), "--weights", str(weights), "--stride", "2"]
    arguments += ["--prompts", str(tmp_path / "prompts.json"), "--point", "2=hook@6:+30,20", "--memory", "sam2"]
    done = CliRunner().invoke(app, [*arguments, "--stop", "14", "--export", "davis,coco,csv,overlay"])
    assert done.exit_code == 0, done.output
    assert "tracked 6 frames in" in done.output
    found = masks(tmp_path / "out")
    assert {index: list(objects) for index, objects in found.items()} == {2: [1], 4: [1]} | {
        i: [1, 2] for i in (6, 8, 10, 12)
    }
    for name in ("davis", "coco.json", "masks.csv", "summary.csv", "overlay.mp4"):
        assert (tmp_path / "out" / name).exists()
    again = CliRunner().invoke(app, [*arguments, "--stop", "14", "--export", "csv"])
    assert again.exit_code == 0, again.output
    assert "all frames were tracked before; --again tracks anew" in again.output


@pytest.mark.parametrize("flag", ["--fill-holes", "--remove-islands"])
def test_written_masks_are_cleaned(weights, clip, tmp_path, flag):
    """What is written changes, and nothing of what is tracked by."""
    drawn = np.zeros((48, 80), dtype=np.uint8)
    drawn[4:36, 4:36], drawn[14:26, 14:26], drawn[36:46, 46:60] = 255, 0, 255
    Image.fromarray(drawn).save(tmp_path / "ring.png")

    def track(out, *flags):
        arguments = ["track", str(clip), "--weights", str(weights), "--out", str(tmp_path / out), "--export", "csv"]
        done = CliRunner().invoke(app, [*arguments, "--mask", f"1@0:{tmp_path / 'ring.png'}", "--stop", "4", *flags])
        assert done.exit_code == 0
        return [record.objects[1] for record in records(tmp_path / out)]

    settings = {flag[2:].replace("-", "_"): 1000}
    plain, cleaned = track("plain"), track("cleaned", flag, "1000")
    assert (plain[0].mask != cleaned[0].mask).any()
    for a, b in zip(plain, cleaned, strict=True):
        assert (b.mask == clean(a.mask, **settings)).all()
        assert (a.iou, a.presence) == (b.iou, b.presence)


def test_a_stream_gets_its_overlay_while_it_is_tracked(weights, tmp_path):
    out = tmp_path / "out"
    with Server(stream_of(0, 60)) as server:
        address = server.url.replace("//", "//me:secret@")
        arguments = ["track", address, "--out", str(out), "--weights", str(weights), "--box", "1=hook@0:4,4,40,30"]
        done = CliRunner().invoke(app, [*arguments, "--stop", "5", "--live", "block", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert list(told["outputs"]) == ["workspace", "overlay", "csv"]
    assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p95"] <= told["latency_ms"]["p99"]
    assert told["dropped"] == 0  # by --live block
    assert list(masks(out)) == [0, 1, 2, 3, 4]
    assert len(list(FileSource(out / "overlay.mp4").frames())) == 5
    assert len((out / "masks.csv").read_text().splitlines()) == 1 + 5
    assert "secret" not in done.output + str((out / "workspace.sqlite").read_bytes())


def test_a_signal_is_the_end_of_a_stream_and_its_exports_are_made(job, tmp_path):
    def interrupt(what, done, total):
        if (what, done) == ("tracking", 4):
            signal.raise_signal(signal.SIGINT)

    exports = ("davis", "overlay", "csv")
    prompts = [parse_box("1=grasper@1:4,4,40,30")]
    with Server(stream_of(0, 150)) as server:
        live = {**vars(job("live", exports=exports, live="block")), "input": server.url, "prompts": prompts}
        outcome = run(RunSettings(**live), interrupt)
    assert (outcome.frames, outcome.signal, outcome.live) == (4, signal.SIGINT, True)
    assert set(outcome.outputs) == {"workspace", *exports}
    folder = server.url.removeprefix("http://").replace(":", "-").replace("/", "-")
    assert len(list((outcome.outputs["davis"] / folder).glob("*.png"))) == 4
    assert len(list(FileSource(outcome.outputs["overlay"]).frames())) == 4
    assert outcome.outputs["csv"].exists()


def test_of_a_live_stream_the_latest_frame_is_taken(job):
    with Server(stream_of(0, 150), pause=0.005) as server:
        live = {**vars(job("live", stop=140)), "input": server.url, "prompts": [parse_box("1@0:4,4,40,30")]}
        outcome = run(RunSettings(**live), lambda *_: time.sleep(0.1))
    assert outcome.frames == len(masks(outcome.outputs["workspace"])) < 140
    assert outcome.dropped > 0
    assert outcome.latency["p50"] > 100  # the time that `tell` takes counts


def test_lost_objects_are_looked_for_where_the_flag_says_so(weights, clip, tmp_path):
    plug_in = tmp_path / "boxes.py"
    plug_in.write_text("def propose(frame):\n    return []\n")
    flags = ["track", str(clip), "--out", str(tmp_path / "out"), "--weights", str(weights), "--box", "1@0:4,4,40,30"]
    flags += ["--export", "", "--stop", "4", "--search-proposer", f"{plug_in}:propose", "--json"]
    refused = CliRunner().invoke(app, flags)
    assert refused.exit_code != 0
    assert "give memory 'divemem+search'" in str(refused.exception)
    assert CliRunner().invoke(app, [*flags, "--memory", "divemem+search"]).exit_code == 0
    with Workspace.open(tmp_path / "out") as workspace:
        policy = MemoryPolicy(**workspace.runs.all()[-1].settings["policy"])
    assert policy.search == SearchRule(proposer=f"{plug_in}:propose")
    other = CliRunner().invoke(app, [*flags[:-3], "--memory", "divemem+search", "--json"])
    assert "policy.search.proposer is" in str(other.exception)
