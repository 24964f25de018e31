import numpy as np
import pytest

from sam2s.errors import DatasetError
from sam2s.evaluation.baselines import copy_first, warp_by_flow
from sam2s.evaluation.sequence import score_sequence
from sam2s.formats.folders import find_sequences
from sam2s.masks.palette import write_label_map


def moving_square():
    """A textured square that moves 3 pixels a frame over a textured ground, with its label maps."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (2, 24, 32), np.uint8)
    ground, texture = (np.kron(part, np.ones((4, 4), np.uint8)) for part in coarse)
    frames, maps = [], []
    for step in range(8):
        picture, labels = ground.copy(), np.zeros(ground.shape, np.uint8)
        left = 20 + 3 * step
        picture[30:66, left : left + 36] = texture[:36, :36]
        labels[30:66, left : left + 36] = 2
        frames.append(np.repeat(picture[..., None], 3, 2))
        maps.append(labels)
    return frames, maps


def test_flow_follows_what_copying_loses():
    pytest.importorskip("cv2")
    frames, maps = moving_square()
    (copied,) = score_sequence(copy_first(frames, maps[0]), maps)
    (warped,) = score_sequence(warp_by_flow(frames, maps[0]), maps)
    assert copied.mean_j < 0.6 < 0.7 < warped.mean_j
    assert next(warp_by_flow(frames, maps[0])).tolist() == maps[0].tolist()


def test_sequences_are_found_and_read(tmp_path):
    frames, maps = moving_square()
    for number in (1, 2, 10):
        write_label_map(tmp_path / "set" / "seq" / "frames" / f"{number}.png", frames[number % 8][..., 0])
    write_label_map(tmp_path / "set" / "seq" / "masks" / "2.png", maps[2])
    (sequence,) = find_sequences(tmp_path)
    assert (sequence.name, sequence.subset) == ("set/seq", "set")
    read = list(sequence)
    assert [stem for stem, _, _ in read] == ["1", "2", "10"]
    assert read[0][1].shape == (96, 128, 3)
    assert read[0][2] is None
    np.testing.assert_array_equal(read[1][2], maps[2])
    with pytest.raises(DatasetError, match="no sequence in"):
        find_sequences(tmp_path / "set" / "seq" / "frames")
