import numpy as np
import pytest

import sam2s
from model_tools import nano
from sam2s.errors import ConfigError, PromptError
from sam2s.segmentation_pipeline import VideoSegmentationPipeline, pipeline
from tracking_tools import movie

BOX = (4, 4, 40, 30)


@pytest.fixture(scope="module")
def segment():
    return pipeline("video-segmentation", nano())


def test_frames_are_those_of_the_tracker(segment):
    found = list(segment(movie(6), input_boxes=[BOX, (20, 10, 70, 40)], labels=["grasper", "liver"]))
    tracker = sam2s.Tracker(segment.model)
    tracker.add_prompt(object_id=1, prompt=sam2s.Box(*BOX))
    tracker.add_prompt(object_id=2, prompt=sam2s.Box(20, 10, 70, 40))
    for index, (frame, picture) in enumerate(zip(found, movie(6), strict=True)):
        right = tracker.step(picture).objects
        assert [entry["object_id"] for entry in frame] == [1, 2]
        assert [entry["label"] for entry in frame] == ["grasper", "liver"]
        for entry in frame:
            assert np.array_equal(np.asarray(entry["mask"]) > 0, right[entry["object_id"]].mask)
            assert entry["mask"].mode == "L"
            assert (entry["score"], entry["presence"]) == (
                right[entry["object_id"]].iou,
                right[entry["object_id"]].presence,
            )
            assert (entry["frame"], entry["timestamp"]) == (index, None)


def test_clicks_masks_and_where_to_begin(segment):
    frames = list(segment(movie(6), input_points=[[(20, 20), (2, 2)]], input_labels=[[1, 0]], frame=2, num_frames=3))
    assert [entry["frame"] for frame in frames for entry in frame] == [2, 3, 4]
    assert frames[0][0]["label"] == "object 1"
    mask = np.zeros((48, 80), bool)
    mask[10:30, 10:40] = True
    first = next(iter(segment(movie(2), input_masks=[mask])))
    assert np.array_equal(np.asarray(first[0]["mask"]) > 0, mask)
    assert len(list(segment(movie(2), input_points=[[(20, 20)]]))) == 2


def test_frames_are_read_one_at_a_time(segment):
    frames = segment(movie(6), input_boxes=[BOX])
    assert iter(frames) is frames
    assert len(next(frames)) == 1
    frames.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give one of input_boxes, input_points and input_masks"),
        ({"input_boxes": []}, "give one of"),
        ({"input_boxes": [BOX], "input_points": [[(1, 1)]]}, "give one of"),
        ({"input_boxes": [(1, 2, 3)]}, r"box \[1, 2, 3\] has not four numbers"),
        ({"input_boxes": [BOX], "labels": ["a", "b"]}, "labels has 2 names for 1 objects"),
        ({"input_points": [[(1, 1)]], "input_labels": [[1, 0]]}, "input_labels has not a label for each"),
    ],
)
def test_what_cannot_be_asked(segment, given, message):
    with pytest.raises(PromptError, match=message):
        segment(movie(2), **given)


def test_tasks_and_models_by_name():
    with pytest.raises(ConfigError, match="task 'mask-generation' is not known; the only one is 'video-segmentation'"):
        pipeline("mask-generation")
    assert VideoSegmentationPipeline("micro", device="cpu").model.config.name == "micro"
    assert sam2s.pipeline is pipeline
