"""The rule by which weights are kept."""

import pytest

from sam2s.teaching.trial import Candidate, choose


def candidate(share, jf, false_masks=None):
    return Candidate(share, {"val_jf": jf} | ({} if false_masks is None else {"val_false_masks": false_masks}))


@pytest.mark.parametrize(
    ("candidates", "share"),
    [
        ([candidate(0, 50.0), candidate(0.5, 55.0), candidate(1, 54.0)], 0.5),
        ([candidate(0, 50.0), candidate(0.5, 49.0), candidate(1, 48.0)], 0),
        ([candidate(0, 50.0), candidate(1, 50.0)], 0),
        ([candidate(0, 50.0), candidate(0.5, 50.4), candidate(1, 50.2)], 0),
        ([candidate(0, 50.0), candidate(0.5, 50.5), candidate(1, 50.2)], 0.5),
        ([candidate(0, 50.0, 10.0), candidate(0.5, 60.0, 12.5), candidate(1, 55.0, 11.9)], 1),
        ([candidate(0, 50.0, 90.0), candidate(1, 51.0, 5.0)], 1),
    ],
    ids=[
        "an average may be best",
        "no gain",
        "a tie keeps what is known",
        "so does chance",
        "half a point is a gain",
        "false masks are bounded",
        "fewer are welcome",
    ],
)
def test_the_best_is_chosen(candidates, share):
    assert choose(candidates).share == share


def test_candidates_have_names():
    assert [candidate(share, 1.0).name for share in (0.0, 0.25, 1.0)] == ["before", "average, 0.25 new", "after"]
