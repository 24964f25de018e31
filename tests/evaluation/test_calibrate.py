"""From which predicted IoU on a network is sure of itself, by its own standard."""

import numpy as np
import pytest

from model_tools import nano
from sam2s.errors import ConfigError
from sam2s.evaluation.calibrate import (
    FIRST_SEED,
    PRESENCE_BIAS,
    confident_iou,
    drawn_scenes,
    predicted_ious,
    presence_shift,
    shifted_presence,
)
from sam2s.memory import MemoryPolicy
from sam2s.synth import Scene
from sam2s.tracking import Mask, Tracker


@pytest.fixture(scope="module")
def network():
    return nano().eval()


def followed(scene):
    """Objects of the first frame that are large enough."""
    labels = scene.render(0)[1]
    return [item.id for item in scene.objects if (labels == item.id).mean() >= 0.01]


def test_one_prediction_for_each_tracked_frame_on_which_the_object_is_seen(network):
    """Weights of tests say "visible" always: so all frames but the prompted one count, of all objects."""
    scenes = [Scene(FIRST_SEED + k, 64, 5) for k in range(2)]
    predictions = predicted_ious(network, scenes)
    assert len(predictions) == 4 * sum(len(followed(scene)) for scene in scenes)
    tracker, scene = Tracker(network), scenes[0]
    labels = scene.render(0)[1]
    for object_id in followed(scene):
        tracker.add_prompt(object_id=object_id, prompt=Mask(labels == object_id))
    tracker.step(scene.render(0)[0])
    second = tracker.step(scene.render(1)[0])
    np.testing.assert_allclose(predictions[: len(second.objects)], [o.iou for o in second.objects.values()], atol=1e-6)


def test_the_number_is_the_quantile(network):
    predictions = predicted_ious(network, [Scene(FIRST_SEED, 64, 6)])
    for quantile in (0.2, 0.5, 0.9):
        number = confident_iou(network, drawn_scenes(1, 6, 64), quantile=quantile)
        assert number == pytest.approx(np.quantile(predictions, quantile), abs=6e-4)
    with pytest.raises(ConfigError, match=r"quantile 1.2 is outside 0 to 1"):
        confident_iou(network, drawn_scenes(1, 6, 64), quantile=1.2)


def test_the_tracker_takes_the_number_of_the_weights_unless_told_another():
    """The paper's number is for weights that state none."""
    stated, silent = nano(confident_iou=0.4), nano()
    assert Tracker(stated).settings.policy.iou_threshold == 0.4
    assert Tracker(silent).settings.policy.iou_threshold == 0.95
    assert Tracker(stated, MemoryPolicy(iou_threshold=0.7)).settings.policy.iou_threshold == 0.7


def test_long_term_memory_fills_with_the_networks_own_number(network):
    scene = Scene(FIRST_SEED, 64, 24)
    labels, chosen = scene.render(0)[1], followed(scene)[0]
    number = confident_iou(network, drawn_scenes(1, 24, 64), quantile=0.0)
    filled = {}
    for threshold in (None, number - 0.001):
        tracker = Tracker(network, MemoryPolicy(iou_threshold=threshold))
        tracker.add_prompt(object_id=chosen, prompt=Mask(labels == chosen))
        for frame in range(24):
            tracker.step(scene.render(frame)[0])
        filled[threshold] = len(tracker.tracks[chosen].bank.long_term)
    assert filled == {None: 0, number - 0.001: 4}


def test_presence_is_raised_until_few_visible_objects_are_missed():
    """A network that doubts everything: afterwards it misses no more than it may, and less than that needs no shift."""
    shy, scenes = nano().eval(), drawn_scenes(2, 8, 64)
    shy.state_dict()[PRESENCE_BIAS].sub_(9)
    shift = presence_shift(shy, scenes, missed=0.1)
    assert shift > 1
    shy.load_state_dict(shifted_presence(shy.state_dict(), shift))
    again = presence_shift(shy, scenes, missed=0.1)
    assert again < 0.2, "memory of absence changes answers a little"
    assert presence_shift(nano().eval(), scenes, missed=0.1) == 0
