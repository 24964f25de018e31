"""Pixels that nobody decided: 255 beside other ids in a label map of the truth."""

import numpy as np
import pytest
from PIL import Image

from sam2s.errors import ConfigError
from sam2s.evaluation.collect import collect
from sam2s.evaluation.compare import compare
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.region import cut_mask, exclude
from sam2s.evaluation.rules import Prompting, Rules, parse_void

FRAMES = 5


def disc(t, radius):
    y, x = np.mgrid[:48, :64]
    return (x - 20 - 3 * t) ** 2 + (y - 24) ** 2 < radius**2


def write(folder, labels_of, frames=range(FRAMES)):
    folder.mkdir(parents=True)
    for t in frames:
        Image.fromarray(labels_of(t).astype(np.uint8)).save(folder / f"{t:05}.png")
    return folder.parent


@pytest.fixture
def truth(tmp_path):
    """A disc with an undecided border; on the last frame but one the border is all that is left."""

    def labels(t):
        border = np.where(disc(t, 12) & ~disc(t, 10), 255, 0)
        return border if t == FRAMES - 2 else np.where(disc(t, 10), 1, border)

    return write(tmp_path / "truth/video", labels)


def scores(pred, truth, **rules):
    return {
        s.object_id: [f.j for f in s.frame_scores] for s in compare(pred, truth, rules=Rules(**rules), workers=1).scores
    }


def test_the_undecided_border_counts_for_nobody(truth, tmp_path):
    inner = write(tmp_path / "inner/video", lambda t: disc(t, 10) & (t != FRAMES - 2))
    wide = write(tmp_path / "wide/video", lambda t: disc(t, 12) & (t != FRAMES - 2))
    assert scores(inner, truth) == {1: [1, 1, 1]}
    assert scores(wide, truth) == {1: [1, 1, 1]}  # within the border anything is right
    beyond = write(tmp_path / "beyond/video", lambda t: disc(t, 14))
    area, more = disc(1, 10).sum(), (disc(1, 14) & ~disc(1, 12)).sum()
    assert scores(beyond, truth)[1][0] == area / (area + more)


def test_the_border_is_an_object_where_one_asks_for_it(truth, tmp_path):
    inner = write(tmp_path / "inner/video", lambda t: disc(t, 10))
    assert set(scores(inner, truth, void=None)) == {1, 255}
    assert scores(inner, truth, void=None)[255] == [0, 0, 0]


def test_another_value_may_be_undecided(tmp_path):
    truth = write(tmp_path / "truth/video", lambda t: np.where(disc(t, 10), 1, np.where(disc(t, 12), 7, 0)))
    pred = write(tmp_path / "pred/video", lambda t: disc(t, 12))
    assert scores(pred, truth, void=7) == {1: [1, 1, 1]}


def test_255_alone_is_an_object(tmp_path):
    truth = write(tmp_path / "truth/video", lambda t: 255 * disc(t, 10))
    assert scores(truth, truth) == {255: [1, 1, 1]}


def test_255_after_254_is_an_object(tmp_path):
    truth = write(tmp_path / "truth/video", lambda t: np.where(disc(t, 6), 254, np.where(disc(t, 10), 255, 0)))
    assert set(scores(truth, truth)) == {254, 255}


def test_eval_neither_tracks_nor_counts_it(truth, tmp_path):
    write(tmp_path / "set/video/frames", lambda t: 100 * disc(t, 10))
    (truth / "video").rename(tmp_path / "set/video/masks")
    (video,) = open_videos([str(tmp_path / "set")])
    assert dict(video.objects) == {1: "set"}
    assert video.void(0).sum() == (disc(0, 12) & ~disc(0, 10)).sum()
    run = EvalRun(
        "wide", f"masks:{write(tmp_path / 'wide/video', lambda t: disc(t, 12) & (t != FRAMES - 2))}", Prompting.MASK
    )
    evaluate([video], [run], EvalSettings(), tmp_path / "out")
    (score,) = collect(tmp_path / "out", run, [video], Rules()).scores
    assert score.j.tolist() == [1, 1, 1]
    (as_object,) = open_videos([str(tmp_path / "set")], void=None)
    assert set(as_object.objects) == {1, 255}
    assert as_object.fingerprint != video.fingerprint


def test_exclude_keeps_places():
    mask = np.zeros((6, 8), bool)
    mask[1:5, 2:7] = True
    void = np.zeros_like(mask)
    void[:3] = True
    region = exclude(cut_mask(mask), void)
    assert (region.top, region.left, region.mask.shape) == (3, 2, (2, 5))
    assert exclude(cut_mask(mask), mask) is None


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("none", None), ("255", 255)])
def test_parse_void(text, value):
    assert parse_void(text) == value


@pytest.mark.parametrize("text", ["0", "65536", "-1", "white", ""])
def test_void_is_checked(text):
    with pytest.raises(ConfigError, match="is not auto, none, or a value of pixels from 1 to 65535"):
        parse_void(text)
