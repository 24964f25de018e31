"""Names and places of taught weights."""

from pathlib import Path

from sam2s.app.teaching.lineage import Lineage


def test_each_beginning_has_a_list_of_its_own_that_stays_in_the_folder(tmp_path):
    other = tmp_path / "a" / "mine.safetensors"
    same_name = tmp_path / "b" / "mine.safetensors"
    for path in (other, same_name):
        path.parent.mkdir()
        path.write_bytes(b"")
    places = [
        Lineage(tmp_path, first).path for first in ("micro", "sam2.1-tiny", str(other), str(same_name), "../../x")
    ]
    assert len(set(places)) == 5
    assert all(place.parent == tmp_path / ".sam2s" / "taught" for place in places)
    assert places[0].name == "micro"


def test_before_anything_is_taught_the_first_weights_are_in_use(tmp_path):
    lineage = Lineage(tmp_path, "micro")
    assert (lineage.current, lineage.taught(), lineage.number_of("micro")) == ("micro", [], 0)
    assert lineage.name_of("micro") == "micro"
    assert Lineage(tmp_path, "/weights/big.safetensors").name_of("/weights/big.safetensors") == "big.safetensors"
    assert not Path(lineage.path).exists()
