"""Held-out videos: found without overlap with what is trained on, tracked, and scored as evaluation does."""

import numpy as np
import pytest
from PIL import Image

from model_tools import nano
from sam2s.errors import ConfigError, DatasetError
from sam2s.evaluation.protocols import track
from sam2s.evaluation.rules import Prompting
from sam2s.evaluation.sequence import score_sequence
from sam2s.memory import MemoryPolicy
from sam2s.runs.validation import HeldOutVideo, held_out_videos, make_validator, measure
from sam2s.synth import Scene
from sam2s.training.data import find_entries
from sam2s.training.recipe import load_recipe

SIDE = 48


def write_video(root, name, *, seed=1, count=8, objects=True):
    """A drawn clip in DAVIS form."""
    scene = Scene(seed, SIDE, 100)
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / name).mkdir(parents=True, exist_ok=True)
    for t in range(count):
        image, labels = scene.render(t)
        Image.fromarray(image).save(root / f"JPEGImages/{name}/{t:05}.jpg")
        Image.fromarray(labels * objects).save(root / f"Annotations/{name}/{t:05}.png")
    return root


def recipe(*places, **settings):
    changes = [f"validation.{name}={value}" for name, value in {"every": 5, **settings}.items()]
    return load_recipe("your-data", ["data.sources.0.hold_out=0", *changes], data=[str(place) for place in places])


def names(videos):
    return [video.name for video in videos]


@pytest.fixture
def data(tmp_path):
    """Three videos, one of which is listed as held out."""
    for number, name in enumerate(("a", "b", "c"), start=1):
        write_video(tmp_path / "data", name, seed=number)
    (tmp_path / "data/ImageSets").mkdir()
    (tmp_path / "data/ImageSets/train.txt").write_text("a\nb\n")
    (tmp_path / "data/ImageSets/val.txt").write_text("c\n")
    return tmp_path / "data"


def test_the_part_of_the_data_that_is_listed_as_held_out(data):
    assert names(held_out_videos(recipe(data))) == ["c"]


def test_data_without_parts_hold_nothing_out(data, capsys):
    (data / "ImageSets/val.txt").unlink()
    (data / "ImageSets/train.txt").unlink()
    assert held_out_videos(recipe(data)) == []
    assert make_validator(recipe(data)) is None
    assert "nothing is validated: the data have no part val; name held-out videos with --val" in capsys.readouterr().out


def test_the_end_of_each_video(data):
    held = held_out_videos(load_recipe("your-data", ["data.sources.0.hold_out=0.25"], data=[str(data)]))
    assert {video.name: video.frames for video in held} == {"a": [6, 7], "b": [6, 7]}, "of what is trained on"


def test_named_places_and_the_limits_of_videos_and_frames(data, tmp_path):
    for number in range(5):
        write_video(tmp_path / "other", f"v{number}", seed=number + 5)
    other = str(tmp_path / "other")
    held = held_out_videos(recipe(data, places=f"[{other}]", split="null", videos=3, frames=4))
    assert names(held) == ["v0", "v2", "v4"]
    assert all(len(video.stems) == 4 for video in held)
    drawn = held_out_videos(recipe(data, places="['synthetic:2']"))
    assert [video.columns for video in drawn] == [{"synthetic"}] * 2


def test_what_is_trained_on_is_not_validated_on(data):
    with pytest.raises(ConfigError, match=r"data: a, b would be trained on and validated on; hold out other videos"):
        held_out_videos(recipe(data, places=f"[{data}]", split="null"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"places": "[nowhere]"}, "nowhere is not a folder"),
        (
            {"prompts": "[offline]"},
            r"validation.prompts names 'offline'; choose from 1-click, 3-click, 5-click, box, mask",
        ),
        ({"prompts": "[word]"}, "validation.prompts names 'word'"),
        ({"places": "['synthetic:x']"}, "is not synthetic:N"),
    ],
)
def test_what_cannot_be_validated_is_said(data, settings, message):
    with pytest.raises(ConfigError, match=message):
        make_validator(recipe(data, **settings))


def test_videos_that_show_nothing(tmp_path, data):
    write_video(tmp_path / "empty", "v", objects=False)
    with pytest.raises(DatasetError, match="no held-out video shows an object"):
        held_out_videos(recipe(data, places=f"[{tmp_path / 'empty'}]", split="null"))


def test_no_validation_unless_asked_for(data):
    assert make_validator(recipe(data, every=0)) is None


def test_scores_are_those_of_tracking_the_held_out_frames(data):
    """The mean J&F over objects that `score_sequence` gives for the same masks."""
    (video,) = held_out_videos(recipe(data, frames=6))
    network = nano().eval()
    scores = measure(network, [video], [Prompting.MASK, Prompting.BOX])
    assert scores["val_jf"] == pytest.approx((scores["val_jf_mask"] + scores["val_jf_box"]) / 2)
    again = measure(network, [video], [Prompting.MASK])
    assert again["val_jf_mask"] == scores["val_jf_mask"]
    results = list(track(network, MemoryPolicy(), video, Prompting.MASK))
    pred = [{i: answer.mask for i, answer in result.objects.items()} for result in results]
    wanted = score_sequence(pred, [video.truth(t) for t in range(6)])
    assert scores["val_jf_mask"] == pytest.approx(100 * np.mean([score.mean_jf for score in wanted]))
    assert (
        make_validator(recipe(data, frames=6, prompts="[mask]"), lambda _: None)(network)["val_jf"] == again["val_jf"]
    )


def test_frames_begin_where_an_object_is_first_seen(tmp_path):
    root = write_video(tmp_path / "late", "v")
    for t in range(3):
        Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(root / f"Annotations/v/{t:05}.png")
    (root / "Annotations/v/00004.png").unlink()
    (entry,) = find_entries(root)
    video = HeldOutVideo(entry.read(), 3)
    assert video.frames == [3, 5, 6], "frame 4 is not annotated"
    assert [frame.index for frame in video.source.frames()] == [0, 1, 2]
    assert video.source.size == (SIDE, SIDE)
    assert set(video.truth(1)) == set(video.objects)
