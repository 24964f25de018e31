"""Which pictures are gone, by the masks that are left."""

from sam2s.sasv.fixtures.drawing import disc, save
from sam2s.sasv.lost_pictures import find_lost_pictures, video_name
from sam2s.sasv.path_template import PathTemplate


def draw(folder, *names):
    for name in names:
        save(folder / name, disc(5, 5, 2))


def test_masks_without_a_picture_name_video_and_frame(tmp_path):
    draw(tmp_path, "a/1_left.png", "a/1_right.png", "a/2_left.png", "b/07_left.png")
    masks = [PathTemplate("{video}/{frame}_{object}.png")]
    pictures = [{"video": "a", "frame": "1"}]
    assert find_lost_pictures(tmp_path, masks, pictures, images=False) == {"a": {2}, "b": {7}}
    assert find_lost_pictures(tmp_path, masks, [*pictures, {"video": "a", "frame": "2"}], images=False) == {"b": {7}}


def test_pictures_that_stand_alone_are_named_by_all_fields(tmp_path):
    draw(tmp_path, "train/3.png", "val/4.png")
    masks = [PathTemplate("{part}/{frame}.png")]
    lost = find_lost_pictures(tmp_path, masks, [{"part": "val", "frame": "4"}], images=True)
    assert lost == {"train-3": {3}}
    assert video_name({"part": "a b", "frame": "3"}, images=True) == "a-b-3"


def test_masks_that_do_not_name_the_video_tell_nothing(tmp_path):
    draw(tmp_path, "3.png")
    assert find_lost_pictures(tmp_path, [PathTemplate("{frame}.png")], [], images=False) == {}
