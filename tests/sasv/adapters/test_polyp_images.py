import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.sasv.adapters import bkai_igh, kvasir_seg
from sam2s.sasv.fixtures import bkai_igh as bkai_fixture
from sam2s.sasv.fixtures import kvasir_seg as kvasir_fixture
from sam2s.sasv.fixtures.drawing import disc


def frames(adapter, folder):
    return {video.name: next(video.frames()) for video in adapter.videos(folder)}


def test_kvasir_masks_survive_jpeg(tmp_path):
    kvasir_fixture.draw(tmp_path)
    found = frames(kvasir_seg, kvasir_seg.find(tmp_path))
    assert list(found) == ["cju0a", "cju0b", "cju0c"]
    (mask,) = found["cju0a"].labels.masks
    assert np.array_equal(mask.mask, disc(20, 20, 9))


def test_kvasir_missing_mask_is_named(tmp_path):
    kvasir_fixture.draw(tmp_path)
    (tmp_path / "Kvasir-SEG" / "masks" / "cju0b.jpg").unlink()
    problems = [video.problem for video in kvasir_seg.videos(kvasir_seg.find(tmp_path))]
    assert [bool(problem) for problem in problems] == [False, True, False]
    assert "masks/cju0b.jpg is missing; unpack" in problems[1]


@pytest.mark.parametrize("flat", [False, True])
def test_bkai_colours_are_classes(tmp_path, flat):
    bkai_fixture.draw(tmp_path)
    base = tmp_path / "bkai-igh-neopolyp"
    if flat:
        for name in ("train", "train_gt"):
            for path in (base / name / name).iterdir():
                path.rename(base / name / path.name)
            (base / name / name).rmdir()
    found = frames(bkai_igh, bkai_igh.find(tmp_path))
    assert list(found) == ["0a5f", "1c2d"]  # the test image has no mask
    masks = {raw.label: raw.mask for raw in found["0a5f"].labels.masks}
    red, green = disc(18, 22, 9), disc(48, 30, 8)
    assert (masks["neoplastic"] ^ red).sum() < 0.15 * red.sum()  # lossy colours move edges a little
    assert (masks["non-neoplastic"] ^ green).sum() < 0.15 * green.sum()
    assert not masks["neoplastic"][green].any()


def test_damaged_mask_is_named(tmp_path):
    kvasir_fixture.draw(tmp_path)
    (tmp_path / "Kvasir-SEG" / "masks" / "cju0a.jpg").write_bytes(b"not a picture" * 20)
    with pytest.raises(DatasetError, match=r"cannot read mask .*cju0a\.jpg"):
        frames(kvasir_seg, kvasir_seg.find(tmp_path))
