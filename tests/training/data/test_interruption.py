"""Interruptions: other frames in the place of a clip's own, with empty masks that are known to be empty."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sam2s.errors import ConfigError
from sam2s.tracking.preprocess import MEAN, STD
from sam2s.training.data import ClipSettings, ClipStream, SourceSettings, open_source
from sam2s.training.data.interruption import dark_frames, draw_span

SETTINGS = ClipSettings(size=64, frames=8, clips=4, picture_share=0, divemem=0)


@pytest.fixture(scope="module")
def scenes():
    return [open_source(SourceSettings(place="synthetic", length=40), size=64)]


@pytest.mark.parametrize("divemem", [0, 1])
def test_interrupted_clips_differ_in_one_span_alone(scenes, divemem):
    """The same seed with and without: what was not interrupted is the same, the first frames always are."""
    settings = replace(SETTINGS, divemem=divemem)
    plain = ClipStream(scenes, settings, seed=4).batch(0)
    cut = ClipStream(scenes, replace(settings, interrupted=1), seed=4).batch(0)
    first = 3 if divemem else 1
    for clip in range(4):
        changed = [not torch.equal(plain.images[clip, t], cut.images[clip, t]) for t in range(8)]
        span = np.flatnonzero(changed)
        assert len(span)
        assert span[0] >= first
        assert (np.diff(span) == 1).all()
        own = cut.owner == clip
        assert not cut.masks[own][:, span].any()
        assert cut.known[own][:, span].all()
        kept = [t for t in range(8) if t not in span]
        assert torch.equal(cut.masks[own][:, kept], plain.masks[own][:, kept])


def test_the_share_is_that_of_the_setting(scenes):
    plain = ClipStream(scenes, SETTINGS, seed=9)
    half = ClipStream(scenes, replace(SETTINGS, interrupted=0.5), seed=9)
    pairs = [(plain.batch(k).images, half.batch(k).images) for k in range(12)]
    changed = sum(not torch.equal(a, b) for left, right in pairs for a, b in zip(left, right, strict=True))
    assert 14 <= changed <= 34, "about half of 48"


def test_pictures_are_never_interrupted(scenes):
    settings = replace(SETTINGS, picture_share=1, interrupted=1)
    assert ClipStream(scenes, settings).batch(0).masks.flatten(2).any(2).all()


def test_spans_lie_within_the_clip():
    rng = np.random.default_rng(0)
    spans = [draw_span(rng, 3, 8) for _ in range(300)]
    assert {s.start for s in spans} == {3, 4, 5, 6, 7}
    assert all(s.start < s.stop <= 8 for s in spans)
    assert max(s.stop - s.start for s in spans) == 5


def test_dark_frames_show_nothing():
    rng = np.random.default_rng(0)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, STD))
    pixels = [dark_frames(rng, 2, 16) * std + mean for _ in range(20)]
    assert all(p.shape == (2, 3, 16, 16) and p.std() < 0.05 for p in pixels)
    assert any(p.max() < 1e-6 for p in pixels), "black ones among them"


def test_a_share_beyond_one_is_refused():
    with pytest.raises(ConfigError, match=r"interrupted is 1.5; it is a share, from 0 to 1"):
        replace(SETTINGS, interrupted=1.5)
