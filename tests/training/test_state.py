"""Checkpoints of a run: which are there, which settings may change, and what cannot be gone on with."""

import pytest
import torch

from model_tools import nano
from sam2s.checkpoints import Metadata, load_checkpoint
from sam2s.errors import CheckpointError, OutputError
from sam2s.training.freeze import Learning, freeze
from sam2s.training.optim import OptimiserSettings, make_optimisers
from sam2s.training.state import FREE, TrainState, check_same, checkpoints, flat, newest


@pytest.fixture
def state(tmp_path):
    """A run that stands at its beginning."""

    def make(recipe=None, ema=None):
        network = nano()
        freeze(network, Learning())
        optimisers = make_optimisers(network, OptimiserSettings(lr=1e-3))
        about = Metadata(training={"stages": [{}]})
        return TrainState(tmp_path / "run", recipe or {"run": {"seed": 1}}, network, optimisers, ema, about)

    return make


def test_nested_settings_get_dotted_names():
    assert flat({"a": {"b": 1, "c": [2, {"d": 3}]}, "e": None}) == {"a.b": 1, "a.c.0": 2, "a.c.1.d": 3, "e": None}
    assert flat(5) == {"": 5}


@pytest.mark.parametrize("name", sorted(FREE))
def test_settings_that_change_nothing_that_is_learned_may_change(name, tmp_path):
    section, key = name.split(".")
    check_same({section: {key: 1}}, {section: {key: 2}}, tmp_path)


def test_other_settings_may_not(tmp_path):
    before = {"optimiser": {"lr": 1.0, "muon": 0}, "data": {"sources": [{"place": "a"}]}}
    now = {"optimiser": {"lr": 2.0, "muon": 0}, "data": {"sources": [{"place": "a"}, {"place": "b"}]}}
    with pytest.raises(
        OutputError, match=r'begun with data\.sources\.1\.place null \(now "b"\), optimiser\.lr 1\.0 \('
    ):
        check_same(before, now, tmp_path)


def test_the_newest_checkpoint_is_that_of_the_highest_step(tmp_path):
    assert newest(tmp_path) is None
    for name in (
        "step-00000009.pt",
        "step-00000010.pt",
        "step-9.pt",
        "step-00000011.pt.bak",
        ".partial-step-00000012.pt",
    ):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in checkpoints(tmp_path)] == ["step-00000009.pt", "step-00000010.pt"]
    assert newest(tmp_path) == tmp_path / "step-00000010.pt"


def test_everything_comes_back(state):
    first = state(ema={"x": torch.ones(2)})
    for parameter in first.model.parameters():
        parameter.grad = torch.ones_like(parameter)
    first.optimisers[0].step()
    first.step, first.elapsed = 7, 12.5
    first.validation.note(7, {"val_jf": 33.0})
    first.save_checkpoint(keep=1)
    second = state(ema={"x": torch.zeros(2)})
    assert second.resume()
    assert (second.step, second.elapsed, second.validation) == (7, 12.5, first.validation)
    assert second.ema["x"].tolist() == [1, 1]
    for name, tensor in first.model.state_dict().items():
        assert torch.equal(second.model.state_dict()[name], tensor)
    moments = [s.optimisers[0].state_dict()["state"][0]["exp_avg"] for s in (first, second)]
    assert torch.equal(*moments)


def test_a_folder_without_checkpoints_begins_a_run(state):
    fresh = state()
    assert not fresh.resume()
    assert fresh.step == 0


@pytest.mark.parametrize("key", ["model", "optimisers", "validation", "step"])
def test_a_checkpoint_that_lacks_a_part_is_named(state, key):
    first = state()
    first.save_checkpoint(keep=1)
    path = newest(first.folder)
    kept = torch.load(path, weights_only=True)
    del kept[key]
    torch.save(kept, path)
    with pytest.raises(
        CheckpointError, match=r"step-00000000\.pt is damaged \(.*\); remove it to go on from the one before"
    ):
        state().resume()


def test_the_record_tells_how_long_was_trained(state):
    run = state()
    run.step, run.elapsed = 5, 90.0
    run.write_weights(run.weights, run.learned(), validation={"val_jf": 40.0})
    stage = load_checkpoint(run.weights).metadata.training["stages"][-1]
    assert stage == {"steps": 5, "minutes": 1.5, "validation": {"val_jf": 40.0}}
