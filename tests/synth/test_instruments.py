"""Kinds of instruments differ in more than their tips, and every one can be drawn."""

from itertools import combinations

import numpy as np
import pytest
import torch

from sam2s.synth.actors import Instrument
from sam2s.synth.canvas import Canvas
from sam2s.synth.instruments import INSTRUMENTS, shaft_look
from sam2s.synth.metal import LOOKS, shaft
from sam2s.synth.motion import View

VIEW = View(0.0, 0.0, 0.0, 1.0, 0)
FREE = {"suturing needle", "thread"}


def drawn(name, *, robotic=False, looks=3, radius=0.12):
    tool = Instrument(np.random.default_rng(1), name, 1, radius=radius, robotic=robotic, reach=0.1, looks=looks)
    canvas = Canvas(96)
    with torch.no_grad():
        tool.draw(canvas, 2.0, VIEW)
    return tool, canvas


@pytest.mark.parametrize("robotic", [False, True])
@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_kind_is_drawn_with_finite_colours(name, robotic):
    tool, canvas = drawn(name, robotic=robotic)
    assert torch.isfinite(canvas.buffer).all()
    assert (canvas.labels == 1).sum() > 20
    assert (tool.shaft is None) == (name in FREE)


def test_no_two_kinds_have_the_same_shaft_collar_and_thickness():
    for (one, a), (two, b) in combinations(INSTRUMENTS.items(), 2):
        if not {one, two} & FREE:
            assert (a.shafts, a.collar, a.thickness) != (b.shafts, b.collar, b.thickness), f"{one} and {two}"
        assert a.tip is not b.tip


def test_materials_exist_and_shafts_are_of_them():
    for name, kind in INSTRUMENTS.items():
        assert {*kind.shafts, *kind.collar} <= LOOKS.keys()
        looks = {shaft_look(np.random.default_rng(k), name, False) for k in range(30)}
        assert looks == set(kind.shafts)
    assert "black" in {shaft_look(np.random.default_rng(k), "snare", True) for k in range(10)}


def test_a_collar_lies_right_behind_the_tip():
    """On a white shaft with a red band: red next to the wrist, white far from it."""
    piece = shaft(np.random.default_rng(0), "white", ("red",))
    colour = piece.texture[:3, 10].T  # along the middle, from far away to the wrist
    x = np.linspace(-piece.half[0], piece.half[0], len(colour))
    redness = (colour[:, 0] / colour.mean(1)).numpy()
    assert redness[(x > -1.8) & (x < -0.9)].min() > 1.6
    assert redness[(x > -40) & (x < -6)].max() < 1.3


def test_thickness_is_that_of_the_kind():
    """A vessel sealer's shaft against a hook's: twice as thick."""
    widths = {}
    for name in ("hook", "vessel sealer"):
        tool, _ = drawn(name)
        widths[name] = np.exp(tool._size(0.0))
    assert widths["vessel sealer"] / widths["hook"] == pytest.approx(2.0)


def test_what_lies_beyond_a_sprite_is_not_drawn():
    """A thin tool on white leaves no veil over the box of its sprite."""
    tool = Instrument(np.random.default_rng(1), "snare", 1, radius=0.05, reach=0.1, looks=3)
    tool._shadow = None
    canvas = Canvas(96)
    canvas.buffer[:3] = 1
    tool.draw(canvas, 2.0, VIEW)
    near = torch.nn.functional.max_pool2d((canvas.labels == 1).float()[None, None], 7, 1, 3)[0, 0] > 0
    assert (canvas.buffer[:3, ~near] > 0.999).all()
