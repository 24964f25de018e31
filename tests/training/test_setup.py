"""What a run is made of before its first step: the network, what is kept of its start, and where it goes on."""

import pytest
import torch

from sam2s.checkpoints import load_checkpoint
from sam2s.errors import ConfigError, OutputError
from sam2s.training.clip_objective import ClipObjective
from sam2s.training.processes import Processes
from sam2s.training.setup import set_up

ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.fixture
def prepare(small, tmp_path):
    """Set up such a run in a folder, which it does not make: `prepare("run.batch=1")`."""
    return lambda *overrides, said=None: set_up(
        small(*overrides), tmp_path / "run", ALONE, (lambda _: None) if said is None else said.append
    )


def test_a_new_run_starts_from_the_weights_of_its_recipe(prepare, weights, tmp_path):
    said = []
    setup = prepare(said=said)
    start, state = load_checkpoint(weights).state, setup.state.model.state_dict()
    assert start.keys() == state.keys()
    assert all(torch.equal(start[name], state[name]) for name in start)
    assert (setup.state.step, setup.steps, setup.seconds) == (0, 4, 0)
    assert isinstance(setup.objective, ClipObjective)
    assert said[0] == f"training nano at 64 px, from {weights}, no CLS token"
    assert said[1].split()[:2] == ["learns", "frozen"]
    assert not (tmp_path / "run").exists(), "nothing is written"


def test_the_network_is_ready_to_learn(prepare):
    setup = prepare("learning.part=memory")
    network = setup.state.model
    assert network.training
    assert network.memory_attention.layers[0].linear1.weight.requires_grad
    assert not any(p.requires_grad for p in network.image_encoder.parameters())
    held = {id(p) for o in setup.state.optimisers for group in o.param_groups for p in group["params"]}
    assert held == {id(p) for p in network.parameters() if p.requires_grad}


def test_a_length_in_minutes_is_one_by_the_clock(prepare):
    setup = prepare("schedule.length=1.5 minutes")
    assert (setup.steps, setup.seconds) == (None, 90)


def test_a_moving_average_begins_as_a_copy_of_the_weights(prepare):
    assert prepare("run.ema_decay=0").state.ema is None
    state = prepare("run.ema_decay=0.9").state
    with torch.no_grad():
        before = {name: tensor.clone() for name, tensor in state.model.state_dict().items()}
        for parameter in state.model.parameters():
            parameter.add_(1.0)
    assert all(torch.equal(state.ema[name], before[name]) for name in before)


def test_the_start_is_kept_where_it_will_be_averaged_with(prepare):
    assert prepare().start is None
    setup = prepare("run.average_start=[0.5]")
    with torch.no_grad():
        before = setup.state.model.no_obj_ptr.detach().clone()
        setup.state.model.no_obj_ptr.add_(1.0)
    assert torch.equal(setup.start["no_obj_ptr"], before)
    assert not any(tensor.requires_grad for tensor in setup.start.values())


def test_the_start_that_is_kept_knows_no_adapters(prepare, weights):
    setup = prepare("run.average_start=[0.5]", "learning.part=lora", "learning.rank=2")
    assert setup.start.keys() == load_checkpoint(weights).state.keys()
    assert setup.state.ema.keys() == setup.start.keys()


def test_a_run_goes_on_from_its_checkpoint(prepare):
    setup = prepare()
    setup.state.step = 3
    with torch.no_grad():
        setup.state.model.no_obj_ptr.fill_(7.0)
    setup.state.folder.mkdir()
    setup.state.save(keep=1)
    said = []
    resumed = prepare(said=said)
    assert resumed.state.step == 3
    assert resumed.state.model.no_obj_ptr.eq(7).all()
    assert said[0].startswith("going on with nano at 64 px")
    assert said[1] == "from step 3, to step 4"
    prepare("schedule.length=2 minutes", said=(by_clock := []))
    assert by_clock[1] == "from step 3, to 2 minutes"
    with pytest.raises(OutputError, match=r"begun with optimiser\.lr 0\.001 \(now 0\.5\)"):
        prepare("optimiser.lr=0.5")


def test_what_the_objective_is_told_comes_from_the_recipe(prepare):
    objective = prepare("run.seed=5", "run.precision=bf16", "run.real_distances=true", "loss.dice=3").objective
    assert (objective.seed, objective.precision, objective.real_distances) == (5, torch.bfloat16, True)
    assert objective.weights.dice == 3
    assert prepare("run.precision=fp32").objective.precision == torch.float32


def test_recomputed_blocks_give_the_same_gradients(prepare):
    gradients = []
    for setting in ("false", "true"):
        setup = prepare(f"run.activation_checkpointing={setting}", "model.drop_path=0", "model.dropout=0")
        batch = setup.stream.batch(0)
        loss, _, _ = setup.objective(batch, 0, 0, objects=float(len(batch.owner)), teacher=0.0, scale=100.0, keep=False)
        loss.backward()
        gradients.append({n: p.grad for n, p in setup.state.model.named_parameters() if p.grad is not None})
    plain, recomputed = gradients
    assert plain.keys() == recomputed.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(recomputed[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_a_recipe_that_cannot_be_followed_is_refused_before_anything_is_built(prepare, tmp_path):
    with pytest.raises(ConfigError, match=r"run\.batch 3 cannot be shared out evenly"):
        prepare("run.batch=3", "data.clips.clips=2")
    with pytest.raises(ConfigError, match=r"no CLS token to learn names with"):
        prepare("loss.tsl=0.1")
    assert not (tmp_path / "run").exists()
