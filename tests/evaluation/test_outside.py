"""Masks that others wrote: by a program that is started, or in a folder that is there already."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from evaluation_tools import write_sequence
from sam2s.errors import ConfigError
from sam2s.evaluation.collect import collect
from sam2s.evaluation.datasets import open_videos
from sam2s.evaluation.evaluate import evaluate
from sam2s.evaluation.plan import EvalRun, EvalSettings
from sam2s.evaluation.rules import Missing, Prompting, Rules
from sam2s.evaluation.tables import markdown
from sam2s.masks import rle
from sam2s.masks.palette import read_label_map

WRITER = """
import json, sys
from pathlib import Path
import numpy as np
from PIL import Image
video, out, truth, change = sys.argv[1:]
for file in sorted((Path(truth) / video / "masks").glob("*.png")):
    labels, name, index = np.array(Image.open(file)), f"{int(file.stem):05}.png", int(file.stem)
    exec(change)
    if name:
        Image.fromarray(labels.astype(np.uint8)).save(Path(out) / name)
"""


@pytest.fixture
def data(tmp_path):
    for number, name in enumerate(("a/one", "b/one")):
        write_sequence(tmp_path / "data" / name, seed=number)
    return tmp_path / "data"


def run_command(data, tmp_path, change="", missing=Missing.ERROR):
    """Outcome of a program that writes the true masks, after a change of `labels` or `name`."""
    (tmp_path / "write.py").write_text(WRITER)
    line = f"command:{sys.executable} {tmp_path}/write.py {{video}} {{out}} {data} '{change}'"
    return outcome(data, tmp_path, EvalRun("mine", line, Prompting.MASK), missing)


def outcome(data, tmp_path, run, missing=Missing.ERROR):
    videos = open_videos([str(data)])
    evaluate(videos, [run], EvalSettings(missing=missing), tmp_path / "out")
    return collect(tmp_path / "out", run, videos, Rules())


def j_of(found):
    assert found.missing == {}
    return [score.mean_j for score in found.scores]


def only_one(data):
    """Leave object 1 alone in the truth."""
    for file in data.rglob("masks/*.png"):
        labels = read_label_map(file)
        Image.fromarray(labels * (labels == 1)).save(file)


def test_a_program_that_is_right(data, tmp_path):
    found = run_command(data, tmp_path)
    assert j_of(found) == [1, 1, 1, 1]
    assert found.notes == {}
    assert np.isnan(found.speed.fps)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("labels = 100 * (labels > 0) + labels", "hold the values 101, 102, the objects are 1, 2; write the number"),
        ("labels = 255 * (labels == 1)", "hold the values 255, the objects are 1, 2; write the number of an object"),
        ('name = f"out_{index}.png"', "are called out_0, out_1, .* which is none of the frames 0, 1, 2"),
        ('name = name if index < 4 else ""', "lacks masks of 2 of 6 frames, such as 4; write the mask of frame 0 as"),
        ('name = ""', r"wrote no picture into \{out\}, which holds nothing"),
    ],
)
def test_what_cannot_be_read_rightly_is_refused(change, reason, data, tmp_path):
    missing = run_command(data, tmp_path, change).missing
    assert set(missing) == {"a/one", "b/one"}
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(missing["a/one"])


def test_missing_masks_count_as_empty_where_one_says_so(data, tmp_path):
    found = run_command(data, tmp_path, 'name = name if index < 4 else ""', Missing.EMPTY)
    assert [score.j.tolist() for score in found.scores[:2]] == [[1, 1, 1, 0], [1, 0]]
    assert list(found.notes) == ["2 of 6 masks are missing and counted as empty"]


def test_label_maps_that_were_saved_as_jpeg_and_lost_their_numbers_are_refused(data, tmp_path):
    for file in sorted(ready(data, tmp_path).rglob("*.png")):
        Image.fromarray(read_label_map(file)).save(file.with_suffix(".jpg"))
        file.unlink()
    run = EvalRun("theirs", f"masks:{tmp_path / 'ready'}", Prompting.MASK)
    missing = outcome(data, tmp_path, run).missing
    assert "JPEG pictures, which do not keep small numbers, and show nothing; save them as PNG" in missing["a/one"]


@pytest.mark.parametrize("change", ["labels = 255 * labels", "name = str(index) + chr(46) + 'png'".replace("'", '"')])
def test_white_masks_of_a_single_object_and_other_zeros_are_read_right(change, data, tmp_path):
    only_one(data)
    found = run_command(data, tmp_path, change)
    assert j_of(found) == [1, 1]
    noted = [note for note in found.notes if "taken as a picture of one mask" in note]
    assert len(noted) == ("255" in change)
    assert ("## Notes" in markdown([found])) == ("255" in change)


def test_void_and_ids_of_nobody_are_noted(data, tmp_path):
    found = run_command(data, tmp_path, "labels[:2] = 255; labels[-2:] = 9")
    assert j_of(found) == [1, 1, 1, 1]
    notes = " ".join(found.notes)
    assert "255 beside other ids" in notes
    assert "ids 9 in {out} are none of the objects and are not counted" in notes


def ready(data, tmp_path, name="ready"):
    """The true masks as folders, a folder a video."""
    for file in data.rglob("masks/*.png"):
        target = tmp_path / name / file.parent.parent.relative_to(data) / f"{int(file.stem):05}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return tmp_path / name


def test_masks_that_are_there_already(data, tmp_path):
    run = EvalRun("theirs", f"masks:{ready(data, tmp_path)}", Prompting.CLICK_3, weights="there are no such weights")
    found = outcome(data, tmp_path, run)
    assert j_of(found) == [1, 1, 1, 1]
    assert np.isnan(found.speed.fps)
    # masks that changed are read again, the others are not
    path = tmp_path / "ready/a/one/00003.png"
    Image.fromarray(np.zeros((40, 56), np.uint8)).save(path)
    assert outcome(data, tmp_path, run).scores[0].j.tolist() == [1, 1, 0, 1]


def test_masks_out_of_a_json_file(data, tmp_path):
    videos, annotations = [], []
    for number, name in enumerate(("a/one", "b/one")):
        files = sorted((data / name / "masks").glob("*.png"))
        frames = [f"{name}/{file.stem}.jpg" for file in files]
        videos.append({"id": number, "height": 40, "width": 56, "length": 6, "file_names": frames})
        for i in (1, 2):
            shapes = [rle.encode(read_label_map(file) == i) for file in files]
            annotations.append({"id": i, "track_id": i, "video_id": number, "segmentations": shapes})
    (tmp_path / "theirs.json").write_text(json.dumps({"videos": videos, "annotations": annotations}))
    assert j_of(outcome(data, tmp_path, EvalRun("x", f"masks:{tmp_path}/theirs.json", Prompting.MASK))) == [1, 1, 1, 1]


def test_masks_of_no_video_stop_the_command(data, tmp_path):
    masks = ready(data, tmp_path)
    (masks / "a").rename(masks / "c")
    (masks / "b").rename(masks / "d")
    with pytest.raises(ConfigError, match="has masks of c/one, d/one, none of which is a video of --data"):
        outcome(data, tmp_path, EvalRun("x", f"masks:{masks}", Prompting.MASK))


def test_one_folder_is_not_taken_for_two_videos(data, tmp_path):
    masks = ready(data, tmp_path)
    (masks / "a/one").rename(masks / "one")
    for name in ("a", "b/one", "b"):
        for file in (masks / name).glob("*.png"):
            file.unlink()
        (masks / name).rmdir()
    with pytest.raises(ConfigError, match="could be the masks of a/one and of b/one; give them whole names"):
        outcome(data, tmp_path, EvalRun("x", f"masks:{masks}", Prompting.MASK))


def test_a_missing_video_fails_alone(data, tmp_path):
    masks = ready(data, tmp_path)
    (masks / "b").rename(tmp_path / "elsewhere")
    found = outcome(data, tmp_path, EvalRun("x", f"masks:{masks}", Prompting.MASK))
    assert set(found.missing) == {"b/one"}
    assert "has no masks of video b/one; it has those of a/one" in found.missing["b/one"]


def test_ready_masks_that_name_no_frame(data, tmp_path):
    masks = ready(data, tmp_path)
    for file in (masks / "a/one").glob("*.png"):
        file.rename(file.with_name(f"mask-{file.name}"))
    found = outcome(data, tmp_path, EvalRun("x", f"masks:{masks}", Prompting.MASK))
    assert "are called mask-00000" in found.missing["a/one"]
    assert "name the masks after the frames of a/one" in found.missing["a/one"]
