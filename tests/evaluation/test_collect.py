"""What result files add up to, on files written by hand."""

import json
import math

import pytest

from evaluation_tools import TinyVideo
from sam2s.evaluation.collect import collect
from sam2s.evaluation.plan import EvalRun
from sam2s.evaluation.probe import ProbeCounts
from sam2s.evaluation.record import MemoryUse
from sam2s.evaluation.result_files import RESULT_FORMAT, error_path, result_path
from sam2s.evaluation.rules import Prompting, Rules

RUN = EvalRun("x", "sam2s", Prompting.CLICK_3)
ALL = Rules(skip_first_last=False)
SEEN, LOST, AWAY, FALSE = (
    [0.8, 0.6, True, True, 1],
    [0, 0, True, False, None],
    [1, 1, False, False, None],
    [0, 0, False, True, None],
)


class Video(TinyVideo):
    @property
    def fingerprint(self):
        return f"fingerprint of {self.name}"

    columns = frozenset({"tiny"})


def document(video, frames, claims=None, **values):
    """A result of object 1 on frames 0, 5, 10, ... of a video."""
    names = [f"{5 * t:05}" for t in range(len(frames))]
    return {
        "format": RESULT_FORMAT,
        "video": video.fingerprint,
        "settings": {},
        "image_size": 256,
        "subsets": {"1": "tiny"},
        "categories": {},
        "known_categories": [],
        "hardware": "a chip",
        "frames": len(frames),
        "probes": {},
        "names": names,
        "indices": [5 * t for t in range(len(frames))],
        "annotated": {"1": names},
        "frame_scores": [{"1": frame} for frame in frames],
        "claims": {"1": claims or [[0.9, 0.8, frame[3], None] for frame in frames]},
        "memory": {},
        "clicks": {"1": 3},
        "first_frame_j": {"1": [0.5, 0.7, 0.9]},
        "notes": [],
        "frames_read": len(frames),
        "seconds": 2.0,
        "latency_ms": [],
        **values,
    }


def outcome(tmp_path, *documents, videos=None, rules=ALL):
    for data in documents:
        path = result_path(tmp_path, RUN, data["video"].removeprefix("fingerprint of "))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))
    return collect(tmp_path, RUN, videos or [ONE], rules)


ONE, TWO = Video("tiny/one"), Video("tiny/two")


def test_scores_and_presence(tmp_path):
    found = outcome(tmp_path, document(ONE, [SEEN, LOST, AWAY, FALSE, SEEN]))
    (score,) = found.scores
    assert (score.video, score.subset, score.frames) == (
        "tiny/one",
        "tiny",
        ("00000", "00005", "00010", "00015", "00020"),
    )
    assert score.mean_j == pytest.approx((0.8 + 0 + 1 + 0 + 0.8) / 5)
    assert found.diagnostics.by_mask == (2, 1, 1, 1)
    assert found.diagnostics.by_claim == (2, 1, 1, 1)
    assert (found.hardware, found.image_size) == (("a chip",), 256)
    inner = outcome(tmp_path, document(ONE, [SEEN, LOST, AWAY, FALSE, SEEN]), rules=Rules())
    assert inner.diagnostics.by_mask == (0, 1, 1, 1)


def test_states_that_contradict_masks_are_counted_apart(tmp_path):
    claims = [[0.9, 0.8, True, None], [0.9, 0.7, True, None], [0.9, 0.7, True, None], [None] * 4]
    found = outcome(tmp_path, document(ONE, [SEEN, LOST, AWAY, AWAY], claims))
    assert found.diagnostics.by_mask == (1, 0, 1, 2)
    assert found.diagnostics.by_claim == (2, 1, 0, 0)
    silent = outcome(tmp_path, document(ONE, [SEEN, AWAY], [[None] * 4] * 2))
    assert silent.diagnostics.by_claim is None
    assert math.isnan(silent.diagnostics.calibration)


def test_presence_is_ranked_over_all_thresholds(tmp_path):
    claims = [[0.9, presence, True, None] for presence in (0.9, 0.6, 0.7, 0.5)]
    found = outcome(tmp_path, document(ONE, [SEEN, LOST, AWAY, AWAY], claims))
    assert found.diagnostics.presence_auroc == 0.75  # of four pairs only (0.6, 0.7) is the wrong way round
    always = outcome(tmp_path, document(ONE, [SEEN, LOST], claims[:2]))
    assert math.isnan(always.diagnostics.presence_auroc)


def test_calibration_is_of_masks_that_are_there(tmp_path):
    claims = [[0.9, 1, True, None], [0.3, 1, True, None], [0.7, 1, True, None]]
    found = outcome(tmp_path, document(ONE, [SEEN, LOST, SEEN], claims))
    # 0.9 and 0.7 against 0.8 lie in two bins; the frame without a mask is left out
    assert found.diagnostics.calibration == pytest.approx(10)
    assert [n for *_, n in found.diagnostics.reliability] == [1, 1]


def test_names_count_where_the_object_is_seen_and_the_network_knows_it(tmp_path):
    def named(*names, truth="needle driver", known=("Needle_Driver", "hook"), video=ONE):
        claims = [[0.9, 0.9, True, name] for name in names]
        frames = [SEEN] * (len(names) - 1) + [AWAY]
        return document(video, frames, claims, categories={"1": truth}, known_categories=list(known))

    found = outcome(tmp_path, named("needle driver", "hook", None, "hook")).diagnostics.names
    assert (found.accuracy, found.objects, found.names) == (0.5, 1, 1)
    both = outcome(tmp_path, named("hook", "hook", "hook", video=TWO), videos=[ONE, TWO]).diagnostics.names
    assert (both.accuracy, both.objects, both.names) == (0.25, 2, 1)
    unknown = outcome(tmp_path, named("hook", "hook", truth="spoon")).diagnostics.names
    assert (math.isnan(unknown.accuracy), unknown.objects) == (True, 0)


def test_clicks_count_only_where_something_was_clicked(tmp_path):
    rows = {"1": [0.5, 0.9, 0.95]}
    found = outcome(tmp_path, document(ONE, [SEEN], first_frame_j=rows))
    assert (found.clicks.given, found.clicks.needed, found.clicks.reached) == (3, 2, 1)
    assert found.diagnostics.first_frame == [0.5, 0.9, 0.95]
    both = outcome(tmp_path, document(TWO, [SEEN], first_frame_j={"1": [0.1, 0.2, 0.3]}), videos=[ONE, TWO])
    assert (both.clicks.needed, both.clicks.reached) == (2.5, 0.5)
    assert both.diagnostics.first_frame == pytest.approx([0.3, 0.55, 0.625])
    boxed = outcome(tmp_path, document(ONE, [SEEN], clicks={}, first_frame_j={"1": [0.6]}))
    assert math.isnan(boxed.clicks.needed)
    assert boxed.diagnostics.first_frame == [0.6]


def test_returns_are_measured_in_frames_of_the_video(tmp_path):
    found = outcome(tmp_path, document(ONE, [SEEN, AWAY, AWAY, SEEN, SEEN]))
    groups = {group.label: group for group in found.diagnostics.reentry if group.returns}
    assert groups.keys() == {"5-19"}  # frames 1 to 14
    assert groups["5-19"].jf == pytest.approx(0.7)


def test_memory_and_probes_are_added_up(tmp_path):
    use = {"places": 4, "frames": 10, "filled": 8, "used": 5, "stored": 2}
    probes = {"black": {"frames": 8, "masks": 2, "visible": 4}, "scene": "another"}
    first = document(ONE, [SEEN], memory={"1": use}, probes=probes)
    second = document(
        TWO, [SEEN], memory={"1": use, "2": use}, probes={"black": {"frames": 8, "masks": 0, "visible": 8}}
    )
    found = outcome(tmp_path, first, second, videos=[ONE, TWO]).diagnostics
    assert found.memory == MemoryUse(4, 30, 24, 15, 6)
    assert found.probes == {"black": ProbeCounts(16, 2, 12)}
    document_json = found.to_json()
    assert document_json["long_term_memory"] == {"fill": 20, "used": 50, "stored_per_100_frames": 20}
    assert document_json["absence"]["black"] == {"frames": 16, "masks": 12.5, "visible": 75}


def test_speed(tmp_path):
    found = outcome(tmp_path, document(ONE, [SEEN] * 4, latency_ms=[10.0, 20.0, 30.0, 40.0])).speed
    assert (found.fps, found.p50, found.p95, found.objects) == (40, 25, 38.5, 1)
    whole = outcome(tmp_path, document(ONE, [SEEN] * 4)).speed
    assert (whole.fps, math.isnan(whole.p50)) == (2, True)
    assert math.isnan(outcome(tmp_path, document(ONE, [SEEN] * 4, frames_read=0)).speed.fps)


def test_what_is_missing_has_its_reason(tmp_path):
    failed = error_path(tmp_path, RUN, "tiny/two")
    failed.parent.mkdir(parents=True)
    failed.write_text("no memory\n")
    stale = document(Video("tiny/three"), [SEEN]) | {"video": "another"}
    path = result_path(tmp_path, RUN, "tiny/three")
    path.write_text(json.dumps(stale))
    found = outcome(tmp_path, document(ONE, [SEEN]), videos=[ONE, TWO, Video("tiny/three"), Video("tiny/four")])
    assert found.missing == {
        "tiny/two": "no memory",
        "tiny/three": "changed since it was done",
        "tiny/four": "not done yet",
    }
    assert found.incomplete == {"tiny"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', "\u00e9"])
def test_a_damaged_result_is_none(text, tmp_path):
    path = result_path(tmp_path, RUN, "tiny/one")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="latin-1")
    assert collect(tmp_path, RUN, [ONE], ALL).missing.keys() == {"tiny/one"}


def test_notes_name_their_videos(tmp_path):
    documents = [document(video, [SEEN], notes=["read so"]) for video in (ONE, TWO)]
    assert outcome(tmp_path, *documents, videos=[ONE, TWO]).notes == {"read so": ["tiny/one", "tiny/two"]}
