"""Predicted IoU out of a table: frames by name or by number, and tables that cannot be read."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sam2s.cli import app
from sam2s.errors import DatasetError
from sam2s.evaluation.confidence import calibration
from sam2s.evaluation.sequence import FrameScore, ObjectScore


def score(video="v", names=("img_1", "img_2"), j=(0.8, 0.6), shown=True):
    return ObjectScore(video, 1, tuple(names), tuple(FrameScore(x, x, True, shown, None) for x in j))


def table(tmp_path, text):
    (tmp_path / "masks.csv").write_text(text)
    return tmp_path / "masks.csv"


FRAMES = {"v": ("img_0", "img_1", "img_2", "img_3")}


def test_frames_by_name(tmp_path):
    path = table(tmp_path, "frame,object_id,iou\nimg_1,1,0.9\nimg_2,1,0.7\nimg_2,2,0.1\n")
    assert calibration(path, [score()], FRAMES) == pytest.approx(10)


def test_frames_by_number_as_sam2s_track_writes_them(tmp_path):
    path = table(tmp_path, "frame,object_id,iou\n0,1,0.1\n1,1,0.9\n2,1,0.7\n3,1,\n")
    assert calibration(path, [score()], FRAMES) == pytest.approx(10)


def test_numbers_are_not_taken_for_names_that_are_numbers_too(tmp_path):
    """Pictures called 10 to 13; the table counts from 0 to 10 frames further on."""
    names = tuple(map(str, range(2, 8)))
    path = table(tmp_path, "frame,object_id,iou\n" + "".join(f"{t},1,{0.9 if t == 1 else 0.2}\n" for t in range(6)))
    assert calibration(path, [score(names=("3",), j=(0.9,))], {"v": names}) == pytest.approx(0)


def test_several_videos_need_their_names(tmp_path):
    path = table(tmp_path, "video,frame,object_id,iou\nv,img_1,1,0.9\nw,img_1,1,0.5\n")
    scores = [score(names=("img_1",), j=(0.8,)), score("w", names=("img_1",), j=(0.5,))]
    assert calibration(path, scores) == pytest.approx(5)
    with pytest.raises(DatasetError, match="has no column 'video'; it needs frame, object_id, iou, and video if"):
        calibration(table(tmp_path, "frame,object_id,iou\n0,1,0.5\n"), scores)


def test_frames_without_a_mask_do_not_count(tmp_path):
    path = table(tmp_path, "frame,object_id,iou\nimg_1,1,0.9\n")
    with pytest.raises(DatasetError, match="has no row for any counted frame"):
        calibration(path, [score(shown=False)], FRAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame,object_id\n1,1\n", "has no column 'iou'"),
        ("frame,object_id,iou\n1,one,0.5\n", "line 2: invalid literal"),
        ("frame,object_id,iou\n1,1,0.5\n2,1,good\n", "line 3: could not convert"),
        ("", "has no column 'frame'"),
        ("frame,object_id,iou\n9,1,0.5\n", r"has a row of frame 9, which is neither the name .* nor a number below 4"),
        ("frame,object_id,iou\n1,1\n", "has no row for any counted frame"),
    ],
)
def test_tables_that_cannot_be_read(text, message, tmp_path):
    with pytest.raises(DatasetError, match=message):
        calibration(table(tmp_path, text), [score()], FRAMES)


def test_a_byte_order_mark_is_read_and_other_bytes_are_refused(tmp_path):
    path = table(tmp_path, "\ufeffframe,object_id,iou\nimg_1,1,0.9\n")
    assert calibration(path, [score(names=("img_1",), j=(0.9,))], FRAMES) == pytest.approx(0)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot read"):
        calibration(path, [score()], FRAMES)


def test_the_command_reads_numbers_for_pictures_with_names(tmp_path):
    for side in ("pred", "gt"):
        (tmp_path / side / "v").mkdir(parents=True)
        for t in range(4):
            labels = np.zeros((20, 20), np.uint8)
            labels[4:12, 4:12] = 1
            Image.fromarray(labels).save(tmp_path / side / "v" / f"operation_{t + 7:04}.png")
    path = table(tmp_path, "frame,object_id,iou\n" + "".join(f"{t},1,0.9\n" for t in range(4)))
    words = ["score", str(tmp_path / "pred"), str(tmp_path / "gt"), "--confidence", str(path), "--workers", "1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "Calibration error of the predicted IoU: 10.0." in done.stdout
