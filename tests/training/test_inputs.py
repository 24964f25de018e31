"""What a recipe takes in: its initial weights, its stream of clips, its length."""

import pytest
import torch

from sam2s.errors import ConfigError, DatasetError
from sam2s.training.inputs import batches_of_a_step, find_initial_weights, open_stream, total_steps
from sam2s.training.processes import Processes

CPU = torch.device("cpu")
ALONE = Processes(0, 1, CPU)


@pytest.mark.parametrize(
    ("batch", "clips", "world", "batches"), [(1, 1, 1, 1), (4, 1, 1, 4), (4, 2, 1, 2), (12, 2, 3, 2), (8, 2, 4, 1)]
)
def test_a_step_is_shared_out_among_processes(small, batch, clips, world, batches):
    recipe = small(f"run.batch={batch}", f"data.clips.clips={clips}")
    found = [batches_of_a_step(recipe, Processes(rank, world, CPU)) for rank in range(world)]
    assert found == [batches] * world
    assert batches * clips * world == batch


@pytest.mark.parametrize(
    ("batch", "clips", "world", "text"),
    [
        (3, 2, 1, "1 process with data.clips.clips 2 take 2 clips at once; make run.batch a multiple of 2"),
        (4, 1, 3, "3 processes with data.clips.clips 1 take 3 clips at once; make run.batch a multiple of 3"),
        (1, 2, 2, "2 processes with data.clips.clips 2 take 4 clips at once; make run.batch a multiple of 4"),
    ],
)
def test_a_batch_that_cannot_be_shared_out_is_refused(small, batch, clips, world, text):
    recipe = small(f"run.batch={batch}", f"data.clips.clips={clips}")
    with pytest.raises(ConfigError) as caught:
        batches_of_a_step(recipe, Processes(0, world, CPU))
    assert str(caught.value) == f"run.batch {batch} cannot be shared out evenly: {text}, or change the others"


@pytest.mark.parametrize(
    ("length", "steps"),
    [
        ("7 steps", 7),
        ("7.4 steps", 7),
        ("1 epochs", 500),
        ("0.25 epochs", 125),
        ("0.0001 epochs", 1),
        ("5 minutes", None),
    ],
)
def test_the_length_in_steps(small, length, steps):
    """Drawn scenes count as 1000 clips an epoch, and a step takes two of them."""
    recipe = small(f"schedule.length={length}", "data.clips.picture_share=0")
    assert total_steps(recipe, open_stream(recipe, (), ALONE)) == steps


def test_processes_draw_other_clips_of_the_same_step(small):
    recipe = small("run.batch=2")
    first, second = (open_stream(recipe, (), Processes(rank, 2, CPU)) for rank in range(2))
    again = open_stream(recipe, (), Processes(0, 2, CPU))
    assert first.accumulate == second.accumulate == 1
    assert torch.equal(first.batch(0).images, again.batch(0).images)
    a, b = first.batch(0).images, second.batch(0).images
    assert a.shape != b.shape or not torch.equal(a, b)


def test_data_without_anything_to_train_on_are_refused(small, tmp_path):
    (tmp_path / "empty").mkdir()
    recipe = small(f"data.sources.0.place={tmp_path / 'empty'}")
    with pytest.raises((ConfigError, DatasetError), match="empty"):
        open_stream(recipe, (), ALONE)


def test_names_cannot_be_learned_without_the_token_that_learns_them(small):
    with pytest.raises(ConfigError) as caught:
        find_initial_weights(small("loss.tsl=0.1"))
    assert str(caught.value).startswith(
        "loss.tsl is 0.1, but the network has no CLS token to learn names with; set loss.tsl=0, "
    )


def test_names_are_learned_where_they_are_given(small):
    recipe = small("loss.tsl=0.1", "model.semantic=joint", "model.names=[hook, snare]")
    initial = find_initial_weights(recipe)
    assert (initial.config.semantic, initial.config.categories) == ("joint", ("hook", "snare"))
    assert initial.config.image_size == 64
