"""The film and the clicks are the same for every side that tracks it."""

import numpy as np

from sam2s.bench.film import clicks, film, write_film
from sam2s.video import open_source


def test_the_film_drifts_one_block_a_frame_and_repeats_exactly():
    first, second = film(2, 64, 96)
    assert np.array_equal(first[:, :-16], second[:, 16:])
    assert np.array_equal(next(film(1, 64, 96)), first)
    assert (np.ptp(first, axis=(0, 1)) > 100).all()


def test_clicks_lie_well_inside_and_do_not_depend_on_their_number():
    few, many = clicks(2, 100, 300), clicks(5, 100, 300)
    assert many[:2] == few
    assert all(60 <= x <= 240 and 20 <= y <= 80 for x, y in many)


def test_it_can_be_written_and_read(tmp_path):
    write_film(tmp_path / "film.mp4", 5, 64, 96)
    source = open_source(tmp_path / "film.mp4")
    assert source.size == (64, 96)
    assert source.fps == 25
    assert sum(1 for _ in source.frames()) == 5
    source.close()
