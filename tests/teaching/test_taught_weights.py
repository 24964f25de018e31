"""The list of taught weights: what is in use, going back, and a damaged list."""

import pytest

from sam2s.errors import OutputError
from sam2s.teaching import TaughtFolder, TaughtWeights
from sam2s.teaching.taught_weights import score_table

SCORES = {"before": {"val_jf": 40.0, "val_jf_box": 40.0}, "after": {"val_jf": 52.5, "val_jf_box": 52.5}}


def taught(number, taken):
    return TaughtWeights(number, "micro", taken, 0.5 * taken, ("w",), 1.5, (30, 10), SCORES)


def test_better_weights_come_into_use_and_one_can_go_back(tmp_path):
    folder = TaughtFolder(tmp_path / "t", "micro")
    assert (folder.current, folder.next_number(), folder.all()) == ("micro", 1, [])
    folder.add(taught(1, True))
    folder.add(taught(2, False))
    folder.add(taught(3, True))
    assert folder.current == str(tmp_path / "t/003/weights.safetensors")
    folder.use(1)
    again = TaughtFolder(tmp_path / "t", "micro")
    assert again.current == str(tmp_path / "t/001/weights.safetensors")
    assert again.all() == [taught(1, True), taught(2, False), taught(3, True)]
    assert again.next_number() == 4
    again.use(0)
    assert again.current == "micro"


def test_weights_that_were_not_kept_cannot_be_used(tmp_path):
    folder = TaughtFolder(tmp_path, "micro")
    folder.add(taught(1, True))
    folder.add(taught(2, False))
    with pytest.raises(OutputError, match="has no weights 2; there are 0, 1"):
        folder.use(2)
    assert folder.current_number == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"taught": 3, "current": 0}', '{"taught": [], "current": "x"}'])
def test_a_damaged_list_is_told(tmp_path, text):
    (tmp_path / "taught.json").write_text(text)
    with pytest.raises(OutputError, match=r"taught\.json is damaged"):
        TaughtFolder(tmp_path, "micro").all()


def test_the_table_has_a_row_for_each_candidate():
    lines = score_table(taught(1, True))
    assert lines[0].split() == ["J&F", "box"]
    assert lines[1].split() == ["before", "40.0", "40.0"]
    assert lines[2].split() == ["after", "52.5", "52.5"]
