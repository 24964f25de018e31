import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.ontology import load_ontology, parse_ontology
from sam2s.sasv.registry import all_adapters


def test_paper_counts_21_instruments_and_16_tissues():
    categories = [c for c in load_ontology().categories.values() if c.in_paper]
    assert sum(c.kind == "instrument" for c in categories) == 21 == len(load_ontology().instruments())
    assert sum(c.kind == "tissue" for c in categories) == 16


def test_every_source_has_names():
    assert set(all_adapters()) <= set(load_ontology().sources)


def test_labels_are_mapped_whatever_their_case():
    ontology = load_ontology()
    assert ontology.category("cholecseg8k", "L-hook Electrocautery").name == "hook"
    assert ontology.category("cholecseg8k", "black background") is None


def test_unknown_label_says_where_to_add_it():
    with pytest.raises(DatasetError, match=r"label 'stapler' of grasp is not in.*Add it under sources\.grasp"):
        load_ontology().category("grasp", "stapler")


def test_mapping_to_a_missing_category_is_refused():
    text = "version: 1\ninstruments: {}\ntissues: {}\nextra: {instruments: {}, tissues: {}}\nsources: {a: {x: y}}\n"
    with pytest.raises(DatasetError, match="a maps 'x' to 'y', an unknown category"):
        parse_ontology(text)
