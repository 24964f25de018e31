"""The card says what the metadata says, and nothing that nobody measured."""

from model_tools import NANO
from sam2s.checkpoints import Metadata
from sam2s.checkpoints.model_card import model_card


def test_free_terms_become_other_and_stand_in_full():
    card = model_card("lab/w", NANO, Metadata(licence="CC BY-NC 4.0, on request"), 3_800_000)
    assert "\nlicense: other\n" in card
    assert "CC BY-NC 4.0, on request" in card
    assert "3.8 M parameters" in card
    assert "No figures were given with these weights." in card
    assert "No training record is stored" in card


def test_names_and_the_record_of_training_are_listed():
    from dataclasses import replace

    config = replace(NANO, semantic="joint", categories=("grasper", "liver"))
    card = model_card("lab/w", config, Metadata(licence="MIT", training={"steps": 12, "data": ["a"]}), 1)
    assert "grasper, liver" in card
    assert '"steps": 12' in card
    assert "semantics joint" in card
