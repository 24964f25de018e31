"""Mapping files: names are changed by patterns in order; every malformed file is refused with its place."""

import pytest
import torch

from sam2s.checkpoints import Renaming
from sam2s.errors import CheckpointError

ONE, TWO = torch.ones(1), torch.zeros(1)


def renaming(tmp_path, text):
    path = tmp_path / "names.yaml"
    path.write_text(text)
    return Renaming.read(path)


def test_prefix_then_patterns_in_order_then_drops(tmp_path):
    rules = renaming(
        tmp_path,
        "prefix: model.\nrename:\n  - ['^enc[.]', 'encoder.']\n  - ['^encoder[.](\\d+)', 'encoder.blocks.\\1']\n"
        "drop: [num_batches]\n",
    )
    state = {"model.enc.3.weight": ONE, "model.enc.num_batches": TWO, "optimizer.step": TWO}
    assert rules.apply(state) == {"encoder.blocks.3.weight": ONE}


def test_an_empty_file_changes_nothing(tmp_path):
    assert renaming(tmp_path, "").apply({"a.b": ONE}) == {"a.b": ONE}


def test_two_tensors_never_share_a_name(tmp_path):
    rules = renaming(tmp_path, "rename: [['^(a|b)[.]', '']]")
    with pytest.raises(CheckpointError, match=r"gives b\.x and a\.x the same name x"):
        rules.apply({"a.x": ONE, "b.x": TWO})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "must be a YAML mapping with the keys prefix, rename and drop; found list"),
        ("renames: []", "with the keys prefix, rename and drop; found renames"),
        ("rename: {a: b}", "rename must be a list, not {'a': 'b'}"),
        ("rename: [a]", r"each entry of rename is a list \[pattern, replacement\]; found 'a'"),
        ("rename: [['(', '']]", r"'\(' is not a regular expression"),
        ("rename: [['a', '\\2']]", "names a group that 'a' does not have"),
        ("drop: [3]", "a pattern must be text, not 3"),
        ("prefix: [a]", r"prefix must be text, not \['a'\]"),
        ("a: b: c", "cannot read the mapping file"),
        ("\x00", "cannot read the mapping file"),
    ],
)
def test_malformed_files_are_refused(tmp_path, text, message):
    with pytest.raises(CheckpointError, match=message):
        renaming(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot read the mapping file .*names\.yaml"):
        Renaming.read(tmp_path / "names.yaml")
