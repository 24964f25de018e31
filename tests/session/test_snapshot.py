"""Snapshots hold every kind of state, and notice one flipped bit anywhere."""

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model_tools import nano
from sam2s.errors import OutputError
from sam2s.memory import MemoryEntry, MemoryPolicy
from sam2s.session.snapshot import MAGIC, DamagedSnapshotError, read_snapshot, write_snapshot
from sam2s.tracking import Box, Mask, ObjectState, Points, Tracker
from sam2s.tracking.presence import PresenceState
from tracking_tools import bits, movie, same

CPU = torch.device("cpu")


def through_disk(path, state):
    write_snapshot(path, state)
    return read_snapshot(path, CPU)


def test_every_kind_of_value_comes_back(tmp_path):
    tensor = torch.randn(3, 4)[:, ::2].to(torch.bfloat16)
    state = {
        "numbers": [1, 2.5, None, True, "text"],
        3: (1, (2.0, "a"), [tensor]),
        "state": PresenceState(ObjectState.OCCLUDED, 4, True),
        "entry": MemoryEntry(5, tensor, 0.5, True, None),
        "prompts": [Box(1, 2, 3, 4), Points([(1, 2)], [0])],
        "again": tensor,
    }
    back = through_disk(tmp_path / "a", state)
    assert back["numbers"] == state["numbers"]
    assert back[3][:2] == (1, (2.0, "a"))
    assert back["state"] == state["state"]
    assert back["state"].state is ObjectState.OCCLUDED
    assert back["prompts"] == state["prompts"]
    assert torch.equal(back[3][2][0], tensor)
    assert back["again"] is back[3][2][0] is back["entry"].pointer
    assert (back["entry"].time, back["entry"].map) == (5, None)


def test_masks_come_back_and_a_state_without_tensors_too(tmp_path):
    mask = np.eye(5, 7, dtype=bool)
    assert np.array_equal(through_disk(tmp_path / "a", {"mask": Mask(mask)})["mask"].array, mask)


@pytest.mark.parametrize("policy", [MemoryPolicy(iou_threshold=0.0, candidates=2), MemoryPolicy(kind="sam2")])
def test_a_tracker_goes_on_from_disk_as_if_nothing_had_happened(tmp_path, policy):
    model = nano()
    tracker = Tracker(model, policy, batched="same-shape")
    tracker.add_prompt(object_id=1, prompt=Points([(30, 20)]))
    tracker.add_prompt(frame=2, object_id=2, prompt=Mask(np.tri(48, 80, dtype=bool)))
    tracker.add_prompt(frame=7, object_id=3, prompt=Box(4, 4, 40, 30))
    pictures = movie(10)
    for picture in pictures[:5]:
        tracker.step(picture)
    restored = Tracker(model)
    restored.load_state_dict(through_disk(tmp_path / "a", tracker.state_dict()))
    assert restored.settings == tracker.settings
    results = [(tracker.step(picture), restored.step(picture)) for picture in pictures[5:]]
    assert all(same(bits(a), bits(b)) for a, b in results)
    assert sorted(results[-1][1].objects) == [1, 2, 3]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshot") / "a.snapshot"
    write_snapshot(path, {"tensor": torch.arange(50.0), "number": 3})
    return path.read_bytes()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_an_error(written, tmp_path, data):
    place = data.draw(st.integers(0, len(written) * 8 - 1))
    damaged = bytearray(written)
    damaged[place // 8] ^= 1 << place % 8
    path = tmp_path / "b.snapshot"
    path.write_bytes(damaged)
    with pytest.raises(
        DamagedSnapshotError, match=r"b.snapshot is damaged \((its checksum differs|it is not a snapshot)"
    ):
        read_snapshot(path, CPU)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cut_or_lengthened_file_is_an_error(written, tmp_path, data):
    length = data.draw(st.integers(0, len(written) - 1))
    path = tmp_path / "c.snapshot"
    for content in (written[:length], written + b"x", b""):
        path.write_bytes(content)
        with pytest.raises(OutputError, match=r"recompute=True\), or give another output folder"):
            read_snapshot(path, CPU)


def test_a_missing_file_or_an_unknown_record_is_an_error(tmp_path):
    with pytest.raises(DamagedSnapshotError, match="No such file"):
        read_snapshot(tmp_path / "none", CPU)


def test_what_cannot_be_stored_is_not_stored_half(tmp_path):
    with pytest.raises(TypeError):
        write_snapshot(tmp_path / "a", {"odd": object()})
    assert not (tmp_path / "a").exists()


def test_the_format_is_named(written):
    assert written.startswith(MAGIC)
    header = written[len(MAGIC) + 32 :]
    length = int.from_bytes(header[:8], "little")
    assert "state" in json.loads(header[8 : 8 + length])["__metadata__"]
