"""No code is invented: each is in the standard as pydicom lists it, or of our own scheme."""

from pathlib import Path

import pytest
import yaml
from pydicom.sr.codedict import codes

from sam2s.formats.dicom_codes import SCHEME, private_value, segment_codes

ONTOLOGY = yaml.safe_load((Path(__file__).parents[2] / "src/sam2s/sasv/ontology.yaml").read_text())
INSTRUMENTS = [*ONTOLOGY["instruments"], *ONTOLOGY["extra"]["instruments"]]
TISSUES = [*ONTOLOGY["tissues"], *ONTOLOGY["extra"]["tissues"]]
INSTRUMENT = ("57134006", "SCT", "Instrument, device")


def standard_values():
    listed = {(code.value, code.scheme_designator) for code in codes.cid7151.concepts.values()}
    return listed | {(codes.SCT.InstrumentDevice.value, "SCT")}


@pytest.mark.parametrize("name", [*INSTRUMENTS, *TISSUES])
def test_names_of_the_benchmark_have_a_category_and_a_type_of_the_standard_where_there_is_one(name):
    found = segment_codes(name)
    categories = {(code.value, code.scheme_designator, code.meaning) for code in codes.cid7150.concepts.values()}
    assert found.category in categories
    assert found.category[2] != "Spatial and Relational Concept"
    assert (found.category[2] == "Physical object") == (name in INSTRUMENTS)
    assert found.kind[:2] in standard_values() or found.kind == (private_value(name), SCHEME, name)
    if name in INSTRUMENTS:
        assert found.kind[1] == "SCT"
    if found.modifier is not None:
        assert found.modifier == (private_value(name), SCHEME, name)


def test_some_by_hand():
    assert segment_codes("Liver").kind == ("10200004", "SCT", "Liver")
    assert segment_codes("  small   bowel ").kind == ("30315005", "SCT", "Small intestine")
    assert segment_codes("thread").kind == ("27065002", "SCT", "Suture")
    assert segment_codes("suturing needle").kind == ("79068005", "SCT", "Needle")
    assert segment_codes("grasper").kind == segment_codes("hook").kind == INSTRUMENT
    assert segment_codes("grasper").modifier == ("grasper", SCHEME, "grasper")
    assert segment_codes("instrument").modifier is None
    assert segment_codes("polyp").kind[2] == "Lesion"
    assert segment_codes("Bile").category[2] == "Body Substance"
    free = segment_codes("left hand of Ana")
    assert (free.category[2], free.kind[1], free.modifier) == ("Spatial and Relational Concept", SCHEME, None)


def test_private_values_fit_and_differ():
    names = ["object", "clip applier", "clip-applier", "hæmostat, left", "hæmostat, right", "x" * 64, "x" * 63, "器具"]
    values = [private_value(name) for name in names]
    assert all(1 <= len(value) <= 16 for value in values)
    assert len(set(values)) == len(names) - 1, "a hyphen is a space"
    assert private_value("Clip  Applier") == private_value("clip applier")
