import logging
import warnings
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom_tools import CAPTURE, SECRET, data_set, name_persons, pictures_file, save, video_file
from sam2s.errors import Sam2sError, SourceError
from sam2s.video import open_source
from sam2s.video.dicom.attributes import ATTRIBUTES, read_attributes
from video_tools import numbered


def test_values_by_their_kind(tmp_path):
    path = pictures_file(
        tmp_path / "a.dcm",
        FrameTime="33.37",
        CineRate="30",
        FrameTimeVector=["0", "1e1", ".5"],
        PixelAspectRatio=["4", "3"],
        BurnedInAnnotation="NO",
        FrameIncrementPointer=0x00181063,
    )
    found, place = read_attributes(path)
    assert path.read_bytes()[place : place + 4] == b"\xe0\x7f\x10\x00"
    assert {
        name: found[name]
        for name in ("Rows", "FrameTime", "CineRate", "FrameTimeVector", "PixelAspectRatio", "FrameIncrementPointer")
    } == {
        "Rows": 64,
        "FrameTime": Fraction(3337, 100),
        "CineRate": 30,
        "FrameTimeVector": [0, 10, Fraction(1, 2)],
        "PixelAspectRatio": [4, 3],
        "FrameIncrementPointer": [0x00181063],
    }
    assert (found["BurnedInAnnotation"], found["PhotometricInterpretation"]) == ("NO", "RGB")
    assert found["TransferSyntaxUID"] == ExplicitVRLittleEndian


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [
        ("FrameTime", "DS", "DOE^JOHN"),
        ("FrameTime", "DS", "nan"),
        ("CineRate", "IS", "1e3"),
        ("NumberOfFrames", "IS", "12\\JOHN"),
        ("BurnedInAnnotation", "CS", "JOHN"),
        ("PhotometricInterpretation", "CS", "JOHN DOE"),
        ("SOPClassUID", "UI", "1.2.JOHN"),
        ("FrameTimeVector", "DS", "0\\40\\JOHN"),
    ],
)
def test_values_of_another_form_are_dropped(tmp_path, name, kind, value):
    made = data_set(CAPTURE, frames=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.PixelData = numbered(0).tobytes()
        path = save(made, tmp_path / "a.dcm")
    tag = next(tag for tag, (known, _) in ATTRIBUTES.items() if known == name)
    whole = path.read_bytes()
    head = tag.to_bytes(4, "big")
    head = head[1::-1] + head[3:1:-1] + kind.encode()
    place = whole.find(head)
    raw = value.encode() + b" " * (len(value) % 2)
    new = head + len(raw).to_bytes(2, "little") + raw
    if place >= 0:
        size = int.from_bytes(whole[place + 6 : place + 8], "little")
        whole = whole[:place] + new + whole[place + 8 + size :]
    else:
        pixels = whole.index(b"\xe0\x7f\x10\x00OB")
        whole = whole[:pixels] + new + whole[pixels:]
    path.write_bytes(whole)
    assert name not in read_attributes(path)[0]


def test_the_list_names_nobody():
    """Every attribute that is read is of a kind, and by a name, that cannot tell who somebody is."""
    assert {kind for _, kind in ATTRIBUTES.values()} <= {"UI", "IS", "DS", "CS", "US", "AT", "OW"}
    words = ("Patient", "Physician", "Operator", "Person", "Date", "Birth", "Institution", "Accession", "Comment")
    assert not [name for name, _ in ATTRIBUTES.values() if any(word in name for word in words)]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_nothing_of_a_person_is_kept(tmp_path, syntax, recwarn):
    made = data_set(CAPTURE, syntax, frames=1)
    texts = name_persons(made)
    made.PixelData = numbered(0).tobytes()
    path = save(made, tmp_path / "a.dcm")
    assert all(text.encode() in path.read_bytes() for text in texts)
    recwarn.clear()
    found, _ = read_attributes(path)
    assert not [text for text in texts if text in repr(found)]
    assert not recwarn.list
    assert open_source(path).length == 1


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_message_of_a_damaged_file_names_anybody(tmp_path_factory, data):
    """Bytes of a data set full of names are changed, cut and moved; errors, logs and warnings are searched."""
    folder = tmp_path_factory.mktemp("damaged")
    whole = bytearray(_named(folder))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(132, len(whole) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "move"]))
        if kind == "change":
            whole[place : place + 2] = data.draw(st.binary(min_size=2, max_size=2))
        elif kind == "cut":
            del whole[place : place + data.draw(st.integers(1, 40))]
        else:
            other = data.draw(st.integers(132, len(whole) - 1))
            whole[place : place + 24] = whole[other : other + 24]
    (folder / "case.dcm").write_bytes(whole)
    said = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                source = open_source(folder / "case.dcm")
                said.append(source.name)
                list(source.frames(0, 3))
            except Sam2sError as error:
                said += [str(error), repr(error.__cause__)]
        said += [str(warning.message) for warning in caught]
    finally:
        logging.getLogger().removeHandler(handler)
    assert not [text for text in said if SECRET in text or "19470531" in text]


def _named(folder, cache={}):  # noqa: B006
    if not cache:
        path = video_file(folder / "named.dcm")
        import pydicom

        made = pydicom.dcmread(path)
        name_persons(made)
        cache["bytes"] = save(made, path).read_bytes()
    return cache["bytes"]


def test_damage_is_told_without_values(tmp_path):
    path = pictures_file(tmp_path / "a.dcm", count=1)
    whole = path.read_bytes()
    nested = b"\x08\x00\x10\x11SQ\0\0\xff\xff\xff\xff" + (
        b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x08\x00\x10\x11SQ\0\0\xff\xff\xff\xff" * 3000
    )
    place = whole.index(b"\x28\x00\x02\x00US")
    path.write_bytes(whole[:place] + nested + whole[place:])
    with pytest.raises(SourceError, match=r"a\.dcm: its DICOM header is damaged \(RecursionError\)"):
        open_source(path)
    path.write_bytes(whole[:140])
    with pytest.raises(SourceError, match="does not say its transfer syntax"):
        open_source(path)
