import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sam2s.errors import PromptError
from sam2s.formats.prompts_file import PromptEntry, arrange, names, parse_box, parse_mask, parse_points, read_prompts
from sam2s.masks.palette import write_label_map
from sam2s.tracking.prompts import Box, Mask, Points


def write(tmp_path, content):
    path = tmp_path / "prompts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_boxes(tmp_path):
    content = {
        "frame": 0,
        "objects": [
            {"id": 1, "label": "grasper", "box": [195, 48, 550, 293]},
            {"id": 2, "label": "grasper", "box": [332, 5, 490, 316]},
        ],
    }
    assert read_prompts(write(tmp_path, content)) == [
        PromptEntry(0, 1, "grasper", Box(195, 48, 550, 293)),
        PromptEntry(0, 2, "grasper", Box(332, 5, 490, 316)),
    ]


def test_points_masks_and_frames(tmp_path):
    labels = np.array([[0, 1, 2], [2, 2, 0]], np.uint8)
    write_label_map(tmp_path / "labels.png", labels)
    Image.fromarray((labels > 1).astype(np.uint8) * 255).save(tmp_path / "binary.png")
    content = {
        "frame": 3,
        "objects": [
            {"id": 1, "points": [[10, 20.5], [1, 2]], "labels": [1, 0], "box": [0, 0, 5, 5]},
            {"id": 1, "label": "hook", "frame": 40, "points": [[7, 8]]},
            {"id": 2, "mask": "labels.png"},
            {"id": 9, "mask": "binary.png"},
        ],
    }
    *clicks, labelled, binary = read_prompts(write(tmp_path, content))
    assert clicks == [
        PromptEntry(3, 1, None, Box(0, 0, 5, 5)),
        PromptEntry(3, 1, None, Points([(10, 20.5), (1, 2)], [1, 0])),
        PromptEntry(40, 1, "hook", Points([(7, 8)])),
    ]
    for entry, object_id in ((labelled, 2), (binary, 9)):
        assert entry[:3] == (3, object_id, None)
        assert isinstance(entry.prompt, Mask)
        assert np.array_equal(entry.prompt.array, labels == 2)
    assert names([*clicks, labelled]) == {1: "hook"}


def one(**item):
    return {"objects": [{"id": 1, **item}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"prompts file .*prompts.json is not JSON: .*line 1 column 2"),
        ([], r"prompts.json is \[\]; give an object in braces with frame, objects"),
        ({}, r'"objects" is missing; give a list of at least one object'),
        ({"objects": []}, r'"objects" is \[\]; give a list'),
        ({"object": []}, r"unknown key 'object' \(did you mean 'objects'\?\); allowed are frame, objects"),
        ({"objects": [7]}, r"objects\[0\] is 7; give an object in braces with id, label"),
        (one(point=[1, 2]), r"objects\[0\]: unknown key 'point' \(did you mean 'points'\?\)"),
        ({"objects": [{"box": [1, 2, 3, 4]}]}, r"objects\[0\]: id is missing; give a whole number from 1 up"),
        ({"objects": [{"id": 0}]}, r"id is 0; give a whole number from 1 up"),
        ({"objects": [{"id": "1"}]}, r'id is "1"; give a whole number'),
        (one(frame=-1), r"frame is -1; give a whole number from 0 up"),
        (one(frame=1.5), r"frame is 1.5; give a whole number"),
        (one(), r"objects\[0\] \(id 1\): nothing is pointed at; give box, points or mask"),
        (one(label=3, box=[1, 2, 3, 4]), r"label is 3; give a name in quotes"),
        (one(box=[1, 2, 3]), r"box is \[1, 2, 3\]; give four numbers x0, y0, x1, y1 in pixels"),
        (one(box=[1, 2, 3, "a"]), r'"a" is not a coordinate; give a number of pixels'),
        (one(box=[1, 2, True, 5]), r"true is not a coordinate"),
        ('{"objects": [{"id": 1, "box": [1, 2, NaN, 5]}]}', r"NaN is not a coordinate"),
        (one(box=[5, 2, 3, 4]), r"box .*5, ?2, ?3, ?4.* is empty; give x0,y0,x1,y1 with x1 > x0 and y1 > y0"),
        (one(points=[1, 2]), r"points are \[1, 2\]; give a list of pairs like \[\[300, 200\], \[10, 10\]\]"),
        (one(points=[]), r"Points needs at least one"),
        (one(points=[[1, 2]], labels=[1, 0]), r"1 coordinates but 2 labels; give one label per point"),
        (one(points=[[1, 2]], labels=[2]), r"point label 2 is not allowed; use 1 .* or 0"),
        (one(points=[[1, 2]], labels=["1"]), r'labels are \["1"\]; give a list with 1'),
        (one(box=[1, 2, 3, 4], labels=[1]), r"labels belong to points, and there are none"),
        (one(mask=5), r"mask is 5; give the name of a PNG file"),
        (one(mask="none.png"), r"objects\[0\] \(id 1\): cannot read mask .*none.png"),
        (one(mask="empty.png"), r"empty.png has no object at all; pixels must be 1 for this object, or 0 and 255"),
        (one(mask="other.png"), r"other.png has the values 3, 4; pixels must be 1 for this object"),
        (one(mask="colour.png"), r"colour.png is a RGB picture: its pixels are colours, not ids"),
        (
            {"objects": [{"id": 1, "label": a, "box": [1, 2, 3, 4]} for a in "ab"]},
            r"object 1 is called 'a' and 'b'; give one name, or another id",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, message):
    Image.new("L", (3, 2)).save(tmp_path / "empty.png")
    Image.fromarray(np.array([[3, 4]], np.uint8)).save(tmp_path / "other.png")
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "colour.png")
    with pytest.raises(PromptError, match=message):
        read_prompts(write(tmp_path, content))


def test_a_box_comes_before_the_clicks_and_a_mask_alone(tmp_path):
    click, other, box = parse_points("1@0:+3,4"), parse_points("2@0:+3,4"), parse_box("1@0:1,1,5,5")
    assert arrange([click, other, box]) == [box, click, other]
    Image.fromarray(np.ones((4, 4), np.uint8)).save(tmp_path / "mask.png")
    mask = parse_mask(f"1@0:{tmp_path / 'mask.png'}")
    with pytest.raises(PromptError, match="object 1 has a mask and points or a box on frame 0; give the mask alone"):
        arrange([click, mask])


def test_missing_file(tmp_path):
    with pytest.raises(PromptError, match=r"cannot read prompts file .*none.json: No such file"):
        read_prompts(tmp_path / "none.json")


def test_flags(tmp_path):
    assert parse_box("1@0:195,48,550,293") == PromptEntry(0, 1, None, Box(195, 48, 550, 293))
    assert parse_box("2=left grasper@17:1.5,2,3,4") == PromptEntry(17, 2, "left grasper", Box(1.5, 2, 3, 4))
    assert parse_points("1@0:+300,200") == PromptEntry(0, 1, None, Points([(300, 200)], [1]))
    assert parse_points("1@0:-10,10").prompt == Points([(10, 10)], [0])
    several = Points([(300, 200), (10, 10), (5, 6)], [1, 0, 1])
    for text in ("+300,200 -10,10 5,6", "+300,200;-10,10;5,6", " +300,200 ; -10,10 ;5,6;"):
        assert parse_points("12@3:" + text) == PromptEntry(3, 12, None, several)
    file = tmp_path / "C:odd name.png"
    write_label_map(file, np.array([[0, 4]], np.uint8))
    entry = parse_mask(f"4@2:{file}")
    assert entry[:3] == (2, 4, None)
    assert isinstance(entry.prompt, Mask)
    assert entry.prompt.array.tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (
            parse_box,
            "1:1,2,3,4",
            r"--box '1:1,2,3,4' is not understood; write OBJECT@FRAME:..., for example 1@0:",
        ),
        (parse_box, "0@0:1,2,3,4", r"--box '0@0:1,2,3,4': object ids begin at 1"),
        (parse_box, "1@0:1,2,3", r"--box '1@0:1,2,3': box is \[\"1\", \"2\", \"3\"\]; give four numbers"),
        (parse_box, "1@0:1,2,3,x", r"--box .*\"x\" is not a coordinate"),
        (parse_box, "1@0:9,2,3,4", r"--box .*is empty"),
        (parse_points, "1@-1:1,2", r"--point '1@-1:1,2' is not understood"),
        (
            parse_points,
            "1@0:+300",
            r"--point '1@0:\+300': '\+300' is not a click; write \+x,y on the object or -x",
        ),
        (parse_points, "1@0:1,2,3", r"'1,2,3' is not a click"),
        (parse_points, "1@0: ", r"'' is not a click"),
        (parse_mask, "1@0:", r"--mask '1@0:' is not understood"),
        (parse_mask, "1@0:none.png", r"--mask '1@0:none.png': cannot read mask none.png"),
    ],
)
def test_bad_flags(parse, text, message):
    with pytest.raises(PromptError, match=message):
        parse(text)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    path = write(tmp_path, {"objects": [{"id": 1, "box": [1, 2, 3, 4]}]})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_prompts(path) == [PromptEntry(0, 1, None, Box(1, 2, 3, 4))]


BIG = "1" + "0" * 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"objects":[{"id":1,"box":[1,2,30,BIG]}]}', "is not a coordinate; give a number of pixels"),
        ('{"objects":[{"id":BIG,"box":[1,2,3,4]}]}', "id is 10+...; give a whole number from 1 to 999999999"),
        ('{"objects":[{"id":1,"frame":BIG,"box":[1,2,3,4]}]}', "frame is 10+...; give a whole number from 0 to"),
        ('{"objects":[{"id":1,"frame":' + "9" * 5000 + "}]}", "is not JSON: Exceeds the limit"),
        ("[" * 100000, "is nested too deeply"),
        ('{"objects":[{"id":1,"label":"\\ud800","box":[1,2,3,4]}]}', r"label is .*ud800.*; give a name in quotes"),
        ('{"objects":[{"id":1,"mask":"a\\u0000.png"}]}', "give the name of a PNG file"),
        ('{"objects":[{"id":1,"points":[[1,NaN]]}]}', "NaN is not a coordinate"),
        ('{"objects":[{"id":1,"points":[[1,2]],"labels":[true]}]}', r"labels are \[true\]; give a list"),
        (b"\xff\xfe", "is not JSON: 'utf-8' codec"),
    ],
)
def test_malformed_text_is_told(tmp_path, text, message):
    path = tmp_path / "prompts.json"
    path.write_bytes(text if isinstance(text, bytes) else text.replace("BIG", BIG).encode())
    with pytest.raises(PromptError, match=message):
        read_prompts(path)


@pytest.mark.parametrize("parse", [parse_box, parse_points, parse_mask])
@given(text=st.text(max_size=30) | st.from_regex(r"[0-9]{1,30}(=x)?@[0-9]{1,30}:[+-]?[0-9.,x ;]*", fullmatch=True))
def test_any_flag_is_a_prompt_or_an_error_of_ours(parse, text):
    with contextlib.suppress(PromptError):
        assert parse(text).object_id > 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "box", "points"]), inner),
    max_leaves=8,
)
KEYS = ["id", "label", "frame", "box", "points", "labels", "mask"]


@settings(max_examples=80, deadline=None)
@given(
    VALUES | st.fixed_dictionaries({"objects": st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=2)})
)
def test_any_json_is_prompts_or_an_error_of_ours(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("p") / "prompts.json"
    path.write_text(json.dumps(content))
    with contextlib.suppress(PromptError):
        assert read_prompts(path)
