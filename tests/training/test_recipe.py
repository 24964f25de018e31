"""Recipes: every one can be read; overrides have types; what does not exist is refused with what does."""

import pytest
import yaml

from sam2s.errors import ConfigError
from sam2s.training.recipe import find_recipe, load_recipe, recipes


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_can_be_read_and_says_what_it_needs(name, tmp_path):
    recipe, lines = load_recipe(name), recipes()[name].read_text().splitlines()
    assert lines[0].startswith(f"# {name}: ")
    for word in ("Needs", "Command", "Cost"):
        assert any(line.startswith(f"# {word} ") for line in lines), f"{name} does not say {word}"
    copy = tmp_path / "copy.yaml"
    copy.write_text(yaml.safe_dump(recipe.to_dict()))
    assert load_recipe(str(copy)) == recipe


def test_the_recipe_of_the_paper():
    recipe = load_recipe("sam2s-base-plus")
    assert recipe.model.init == "sam2.1-base-plus"
    assert (recipe.data.clips.size, recipe.data.clips.frames, recipe.data.clips.objects) == (512, 8, 3)
    assert (recipe.data.clips.divemem, recipe.data.clips.picture_share) == (0.5, 0.2)
    loss = recipe.loss
    assert (loss.mask, loss.dice, loss.iou, loss.presence, loss.tsl, loss.arl) == (20, 1, 1, 1, 0.1, True)
    assert (recipe.optimiser.lr, recipe.optimiser.layer_decay, recipe.schedule.length) == (1e-5, 0.9, "30 epochs")
    assert recipe.optimiser.lr * recipe.schedule.factor(1.0) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("name", "dive", "tsl", "arl"),
    [
        ("sam2-finetuned", 0.0, 0.0, False),
        ("ablation/divemem", 0.5, 0.0, False),
        ("ablation/tsl", 0.0, 0.1, False),
        ("ablation/divemem-tsl", 0.5, 0.1, False),
        ("sam2s-base-plus", 0.5, 0.1, True),
    ],
)
def test_rows_of_table_7_differ_in_what_they_test_alone(name, dive, tsl, arl):
    recipe, full = load_recipe(name), load_recipe("sam2s-base-plus")
    assert (recipe.data.clips.divemem, recipe.loss.tsl, recipe.loss.arl) == (dive, tsl, arl)
    assert recipe.model.semantic == ("joint" if tsl else "off")
    assert (recipe.optimiser, recipe.schedule, recipe.run) == (full.optimiser, full.schedule, full.run)


def test_overrides_have_the_types_of_the_settings():
    recipe = load_recipe(
        "micro",
        [
            "optimiser.lr=5e-6",
            "data.clips.strides=[1, 3]",
            "data.clips.frames=8",
            "model.init=micro",
            "model.semantic=off",
            "run.compile=true",
            "data.sources.0.kind=robotic",
            "schedule.length=10 steps",
        ],
    )
    assert recipe.optimiser.lr == 5e-6
    assert (recipe.data.clips.strides, recipe.data.clips.frames) == ((1, 3), 8)
    assert recipe.model.semantic == "off", "which YAML takes for false"
    assert (recipe.model.init, recipe.run.compile, recipe.data.sources[0].kind) == ("micro", True, "robotic")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.lr=1", "recipe micro: there is no setting optimizer; did you mean optimiser?"),
        (
            "optimiser.learning_decay=1",
            r"there is no setting optimiser.learning_decay; did you mean optimiser.layer_decay\?",
        ),
        ("model.semantic=true", "model.semantic is True; choose one of off, joint, reader"),
        ("optimiser.zzz=1", "there is no setting optimiser.zzz; the keys there are lr, layer_decay"),
        ("data.sources.0.wait=1", "there is no setting data.sources.0.wait; did you mean data.sources.0.weight?"),
        ("optimiser.lr=fast", "optimiser.lr is 'fast'; it must be a number"),
        ("run.batch=1.5", "run.batch is 1.5; it must be a whole number"),
        ("run.compile=1", "run.compile is 1; it must be true or false"),
        ("learning.part=head", "learning.part is 'head'; choose one of all, decoder, memory, lora"),
        ("optimiser.betas=[0.9]", r"optimiser.betas is \[0.9\]; it has 2 values"),
        ("data.clips.strides=2", r"data.clips.strides is 2; give a list, such as \[2\]"),
        ("optimiser.lr=-1", "optimiser: lr is -1.0; it must be above 0"),
        ("schedule.length=50", "schedule: length is '50'; give a number and a unit, such as 5000 steps"),
        ("model.preset=[micro]", r"model.preset is \['micro'\]; it must be a word"),
        ("schedule.length=soon", "schedule: length is 'soon'; give a number and a unit, such as 5000 steps"),
        ("optimiser.lr.x=1", "--set optimiser.lr.x: lr holds '?1e-3'?, which has no settings of its own"),
        ("data.sources.7.weight=1", "--set data.sources.7.weight: '7' is not the number of an entry, 0 to 0"),
        ("optimiser", "--set optimiser is not of the form a.b=value"),
    ],
)
def test_what_cannot_be_set_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe("micro", [override])


def test_places_replace_those_of_a_recipe():
    recipe = load_recipe("sam2s-base-plus", data=["a", "b"])
    assert [(source.place, source.cap) for source in recipe.data.sources] == [("a", 500), ("b", 500)]


def test_a_recipe_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no recipe 'mikro': did you mean micro\?"):
        find_recipe("mikro")
    (tmp_path / "bad.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="is not a recipe; it must hold keys such as model"):
        load_recipe(str(tmp_path / "bad.yaml"))
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match="cannot be read as YAML"):
        load_recipe(str(tmp_path / "bad.yaml"))
