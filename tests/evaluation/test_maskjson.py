"""Masks out of JSON: what other programs write, and faults that name the file and the entry."""

import copy
import json

import numpy as np
import pytest

from sam2s.errors import DatasetError, LimitError
from sam2s.evaluation.json_masks import decode, read_shape
from sam2s.evaluation.maskjson import read_json, read_sav
from sam2s.masks import rle

SIZE, FRAMES = (48, 64), 4
MASK = np.zeros(SIZE, bool)
MASK[10:20, 12:30] = True


def ytvis(**entry):
    video = {"id": 1, "height": 48, "width": 64, "length": FRAMES}
    video["file_names"] = [f"vid/{t:05d}.jpg" for t in range(FRAMES)]
    annotation = {"id": 1, "video_id": 1, "segmentations": [rle.encode(MASK)] * FRAMES, **entry}
    return {"videos": [video], "annotations": [annotation]}


def coco(**entry):
    images = [{"id": t, "file_name": f"vid/{t:05d}.jpg", "height": 48, "width": 64} for t in range(FRAMES)]
    return {
        "images": images,
        "annotations": [{"image_id": 2, "object_id": 1, "segmentation": rle.encode(MASK), **entry}],
    }


def sav():
    masks = [[rle.encode(MASK), None] for _ in range(FRAMES)]
    head = {"video_id": "v", "video_height": 48.0, "video_width": 64.0, "masklet_id": [3, 5]}
    return head | {"masklet": masks}


def read(folder, content, bom=b""):
    (folder / "x.json").write_bytes(bom + json.dumps(content).encode())
    return read_json(folder / "x.json")


def changed(content, change):
    content = copy.deepcopy(content)
    change(content)
    return content


def test_masks_by_video_frame_and_object(tmp_path):
    for content, frames in ((ytvis(), "0123"), (coco(), "2")):
        (video,) = read(tmp_path, content).items()
        assert video[0] == "vid"
        assert video[1].frames == ("0", "1", "2", "3")
        for t in range(FRAMES):
            frame = video[1].read(str(t))
            assert frame.regions.keys() == ({1} if str(t) in frames else set())
        region = video[1].read("2").regions[1]
        assert (region.top, region.left, region.mask.shape) == (10, 12, (10, 18))
        assert video[1].read("2").size == SIZE
    (video,) = read(tmp_path, sav()).values()
    assert video.frames == ("0", "4", "8", "12")
    assert video.read("8").regions.keys() == {3}


def test_byte_order_marks_and_backslashes_are_read(tmp_path):
    def turn(content):
        content["videos"][0]["file_names"] = [f"vid\\{t:05d}.jpg" for t in range(FRAMES)]

    ((name, video),) = read(tmp_path, changed(ytvis(), turn), b"\xef\xbb\xbf").items()
    assert (name, video.frames) == ("vid", ("0", "1", "2", "3"))
    images = changed(coco(), lambda c: [i.update(file_name=i["file_name"].replace("/", "\\")) for i in c["images"]])
    assert list(read(tmp_path, images)) == ["vid"]


def test_numbers_may_be_text_or_float(tmp_path):
    (video,) = read(tmp_path, ytvis(track_id="7", id=2.0)).values()
    assert video.read("0").regions.keys() == {7}


def test_a_folder_of_sav_files(tmp_path):
    for name in ("v2", "v10"):
        (tmp_path / f"{name}_manual.json").write_text(json.dumps(sav() | {"video_id": name}))
    assert list(read_sav(tmp_path)) == ["v2", "v10"]


def annotation(**values):
    return lambda c: c["annotations"][0].update(values)


def video(**values):
    return lambda c: c["videos"][0].update(values)


FAULTS = {
    "text track id": (ytvis(track_id="tool"), "'annotations' 0, 'track_id': 'tool' is not a whole number"),
    "text id": (ytvis(id="a"), "'annotations' 0, 'id': 'a' is not a whole number; give numbers to objects"),
    "broken id": (ytvis(id=1.5), "'annotations' 0, 'id': 1.5 is not a whole number"),
    "flag as id": (ytvis(id=True), "'id': True is not a whole number"),
    "no videos": ({"videos": [], "annotations": []}, "has no videos: its list 'videos' or 'images' is empty"),
    "no images": ({"images": [], "annotations": []}, "has no videos"),
    "no object": (changed(ytvis(), lambda c: c["annotations"][0].pop("id")), "'annotations' 0 names no object"),
    "two points": (
        ytvis(segmentations=[[[10, 10, 20, 10, 20, 20], [1, 1, 5, 5]]] * FRAMES),
        "video vid, frame 0, object 1: a polygon has 4 numbers; it needs x and y of at least three points",
    ),
    "far polygon": (ytvis(segmentations=[[[0, 0, 3e8, 3e8, 0, 3e8]]] * 4), "a corner at 300000000.0 lies far outside"),
    "no number in polygon": (ytvis(segmentations=[[[0, 0, "a", 1, 2, 3]]] * 4), "a polygon is a flat list of numbers"),
    "nested polygon": (ytvis(segmentations=[[[[0, 0], [1, 1], [2, 3]]]] * 4), "a polygon is a flat list of numbers"),
    "infinite polygon": (ytvis(segmentations=[[[0, 0, float("inf"), 1, 2, 3]]] * 4), "a corner at inf lies far"),
    "mask as text": (
        ytvis(segmentations=["mask"] * 4),
        "a mask is run lengths, a list of polygons or null, not 'mask'",
    ),
    "other size": (
        ytvis(segmentations=[{"size": [1000, 1000], "counts": [10**6]}] * 4),
        "frame 0, object 1: mask of size 1000x1000, expected 64x48",
    ),
    "no size": (ytvis(segmentations=[{"counts": [1]}] * 4), r"run lengths need 'size' \[height, width\] and 'counts'"),
    "counts of text": (
        ytvis(segmentations=[{"size": [48, 64], "counts": ["a"]}] * 4),
        "'counts' is neither a text nor",
    ),
    "no counts": (ytvis(segmentations=[{"size": [48, 64]}] * 4), "'counts' is neither a text nor a list"),
    "entry is a number": (
        changed(ytvis(), lambda c: c["annotations"].append(3)),
        "'annotations' 1 is 3, not an object",
    ),
    "video is text": (changed(ytvis(), lambda c: c["videos"].append("v")), "'videos' 1 is 'v', not an object"),
    "videos is a map": (ytvis() | {"videos": {"a": 1}}, "the file: 'videos' is {'a': 1}, not a list"),
    "video twice": (changed(ytvis(), lambda c: c["videos"].append(c["videos"][0])), "two videos have the id 1 or the"),
    "frame twice": (changed(ytvis(), video(file_names=["a/1.jpg", "b/01.jpg"])), "two of its frames are called 1"),
    "file name": (changed(ytvis(), video(file_names=[3])), "'videos' 0: 3 is not the name of a file"),
    "no length": (changed(ytvis(), lambda c: [c["videos"][0].pop(k) for k in ("file_names", "length")]), "no 'length'"),
    "height": (changed(ytvis(), video(height="tall")), "'videos' 0, 'height': 'tall' is not a whole number"),
    "nothing high": (changed(ytvis(), video(height=0)), "'videos' 0: a size of 64x0"),
    "id is a list": (changed(ytvis(), video(id=[1])), r"'videos' 0: \[1\] is not an id; give a number or a text"),
    "other image": (coco(image_id=9), "'annotations' 0: it is of image 9, which is not in 'images'"),
    "image twice": (changed(coco(), lambda c: c["images"].append(c["images"][0] | {"id": 9})), "vid a second time"),
    "image of other size": (changed(coco(), lambda c: c["images"][3].update(width=65)), "has another size than images"),
    "object twice": (
        changed(coco(), lambda c: c["annotations"].append(c["annotations"][0])),
        "comes twice on one frame",
    ),
    "masklet of text": (sav() | {"masklet": ["a"]}, "'masklet' 0: no list of masks for 2 ids in 'masklet_id'"),
    "too many masklets": (sav() | {"masklet_id": [3]}, "'masklet' 0: 2 masks for 1 ids in 'masklet_id'"),
    "masklet id": (sav() | {"masklet_id": [3, "x"]}, "'masklet_id': 'x' is not a whole number"),
    "a number": (7, "has no list 'annotations' or 'masklet'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_name_file_and_entry(fault, tmp_path):
    content, message = FAULTS[fault]
    with pytest.raises(DatasetError, match=message) as caught:
        read(tmp_path, content)
    assert "x.json" in str(caught.value)


def test_text_that_is_no_json(tmp_path):
    path = tmp_path / "deep.json"
    for text in ("[" * 100_000, "{", ""):
        path.write_text(text)
        with pytest.raises(DatasetError, match=r"cannot read .*deep\.json"):
            read_json(path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DatasetError, match=r"cannot read .*deep\.json"):
        read_json(path)
    path.write_text("[]")
    with pytest.raises(DatasetError, match=r"deep\.json is a bare list of results and cannot be the truth"):
        read_json(path, path)


@pytest.mark.parametrize(
    "counts",
    [[2**63 - 1, 2**63 - 1, 25602], [10**30], [-5, 48 * 64 + 5], [48 * 64 - 1], "0" * 40, "P" * 30, "\x10", "é"],
)
def test_counts_that_cannot_be_are_named_and_never_a_mask(counts):
    with pytest.raises(DatasetError, match=r"^file, object 1: damaged RLE"):
        decode({"size": [48, 64], "counts": counts}, "file, object 1")


def test_a_declared_size_takes_no_memory():
    shape = read_shape({"size": [100_000, 100_000], "counts": [10**10]}, None, "file, object 1")
    with pytest.raises(LimitError, match=r"file, object 1: 100000x100000 .* --max-pixels"):
        decode(shape, "file, object 1")


def test_both_forms_of_run_lengths_are_decoded():
    for shape in (rle.encode(MASK), rle.encode_uncompressed(MASK)):
        assert np.array_equal(decode(read_shape(shape, SIZE, "x"), "x"), MASK)
    box = [[12, 10, 30, 10, 30, 20, 12, 20]]
    assert np.array_equal(decode(read_shape(box, SIZE, "x"), "x"), MASK)
    assert read_shape(None, SIZE, "x") is None
