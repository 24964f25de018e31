"""What a tracker from outside gets, and how its answers are taken."""

import numpy as np
import pytest

from evaluation_tools import TinyVideo
from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.evaluation.find_method import find_method
from sam2s.evaluation.method import ClassMethod, LazyFrames, MaskPropagationBaseline, ObjectStart, start_all
from sam2s.evaluation.outside import CommandMethod, ReadyMasks
from sam2s.evaluation.protocols import InteractionLog
from sam2s.evaluation.rules import Missing, Prompting
from sam2s.tracking import Box, Mask, Points


def test_frames_are_read_when_asked_for_and_the_latest_is_kept():
    video, reads = TinyVideo(), []
    source = video.source
    real = source.frame
    source.frame = lambda index: reads.append(index) or real(index)
    frames = LazyFrames(source)
    assert (len(frames), frames.last_read, reads) == (6, -1, [])
    assert np.array_equal(frames[2], video.scene[0][2])
    assert np.array_equal(frames[2], frames[-4])
    assert reads == [2]
    assert len(frames[1:4]) == 3
    assert (frames.last_read, reads) == (3, [2, 1, 2, 3])
    for index in (6, -7):
        with pytest.raises(IndexError, match=f"frame {index} of 6"):
            _ = frames[index]


def test_baselines_begin_with_every_object_where_it_begins():
    video = TinyVideo()
    starts = {1: ObjectStart(0, video.truth(0)[1], ()), 2: ObjectStart(2, video.truth(2)[2], ())}
    masks = list(
        ClassMethod(MaskPropagationBaseline(lambda frames, first: (first for _ in frames))).track_video(
            video, LazyFrames(video.source), starts, []
        )
    )
    assert [set(frame) for frame in masks] == [{1}, {1}, {1, 2}, {1, 2}, {1, 2}, {1, 2}]
    assert all(np.array_equal(frame[1], video.truth(0)[1]) for frame in masks)
    assert np.array_equal(masks[5][2], video.truth(2)[2])


def test_true_masks_need_no_network():
    log = InteractionLog()
    starts = start_all(lambda: pytest.fail("loaded"), TinyVideo(), Prompting.MASK, log)
    assert {i: start.frame for i, start in starts.items()} == {1: 0, 2: 2}
    for object_id, start in starts.items():
        assert np.array_equal(start.mask, TinyVideo().truth(start.frame)[object_id])
        (prompt,) = start.prompts
        assert isinstance(prompt, Mask)
    assert log.clicks == {}


@pytest.mark.parametrize(("protocol", "kind", "count"), [(Prompting.BOX, Box, 1), (Prompting.CLICK_3, Points, 3)])
def test_our_network_answers_the_prompts_of_others(protocol, kind, count):
    network, log = nano(), InteractionLog()
    starts = start_all(lambda: network, TinyVideo(), protocol, log)
    for object_id, start in starts.items():
        assert all(isinstance(prompt, kind) for prompt in start.prompts)
        assert 1 <= len(start.prompts) <= count
        assert start.mask.shape == (40, 56)
        assert len(log.first[object_id]) == len(start.prompts)


def test_what_a_method_may_be_called(tmp_path, monkeypatch):
    (tmp_path / "found.py").write_text("class Mine:\n    def track(self, frames, starts):\n        return []\n")
    monkeypatch.chdir(tmp_path)
    assert find_method("found:Mine").method.__class__.__name__ == "Mine"
    assert isinstance(find_method("copy").method, MaskPropagationBaseline)
    command = find_method("command:run {frames} {out}", Missing.EMPTY)
    assert command == CommandMethod("run {frames} {out}", Missing.EMPTY)
    assert find_method(f"masks:{tmp_path}") == ReadyMasks(tmp_path)
    for spec in ("found:Missing", "nothing:Mine"):
        with pytest.raises(ConfigError, match=f"--method {spec}: .*; give module:Class as Python would import it"):
            find_method(spec)


def test_a_command_gets_only_what_it_names(tmp_path):
    script = tmp_path / "list.sh"
    script.write_text('echo "$@" > "$1/arguments.txt"; cp "$2" "$1/00000.png"\n')
    from PIL import Image

    Image.fromarray(np.ones((40, 56), np.uint8)).save(tmp_path / "one.png")
    video = TinyVideo(frames=1)
    starts = {1: ObjectStart(0, video.truth(0)[1], ())}
    command = CommandMethod(f"sh {script} {{out}} {tmp_path}/one.png {{video}}")
    frames = LazyFrames(video.source)
    ((masks),) = command.track_video(video, frames, starts, [])
    assert masks[1].all()
    assert frames.last_read == -1
