"""Weights carry the terms of everything that went into them."""

import json

import pytest

from model_tools import nano
from sam2s.checkpoints import Metadata, load_checkpoint, save_checkpoint
from sam2s.sasv.splits import write_split
from sam2s.sasv.video_labels import sha256
from sam2s.training.initial_weights import read_initial_weights
from sam2s.training.lineage import data_licence, describe_lineage
from sam2s.training.loop import train


@pytest.fixture
def lineage(small):
    """What the weights of the small recipe with some changes would say."""

    def describe(*overrides):
        recipe = small(*overrides)
        return describe_lineage(recipe, read_initial_weights(recipe.model, 64), 1)

    return describe


def folder(path):
    path.mkdir(parents=True, exist_ok=True)
    return path


def test_drawn_scenes_add_no_terms(lineage, weights):
    about = lineage()
    assert about.licence == "Apache-2.0"
    (stage,) = about.training["stages"]
    assert stage["data"] == [{"place": "synthetic", "licence": None}]
    assert stage["parent"] == {"init": str(weights), "licence": "Apache-2.0", "sha256": sha256(weights)}
    assert stage["recipe"]["optimiser"]["lr"] == 1e-3


def test_data_without_stated_terms_are_said_to_have_none_stated(lineage, tmp_path):
    place = f"data.sources=[{{place: {folder(tmp_path / 'mine')}}}]"
    about = lineage(place)
    assert about.licence == "Apache-2.0 and terms not stated"
    assert about.note.startswith("Trained from ")
    assert about.note.endswith(" on mine.")
    stated = lineage(place, "data.sources.0.licence=CC BY-NC 4.0")
    assert stated.licence == "Apache-2.0 and CC BY-NC 4.0"
    assert lineage(place, "model.licence=MIT", "data.sources.0.licence=CC0-1.0").licence == "Apache-2.0 and MIT"


def test_a_recipe_cannot_drop_the_terms_of_what_it_starts_from(lineage, tmp_path):
    path = tmp_path / "nc.safetensors"
    save_checkpoint(
        path, nano().state_dict(), nano().config, Metadata(licence="CC BY-NC 4.0", note="Old."), dtype="fp32"
    )
    about = lineage(f"model.init={path}", "model.licence=Apache-2.0")
    assert about.licence == "Apache-2.0 and CC BY-NC 4.0"
    assert about.note == "Old.", "which drawn scenes leave true"
    nothing = tmp_path / "none.safetensors"
    save_checkpoint(nothing, nano().state_dict(), nano().config, Metadata(), dtype="fp32")
    assert lineage(f"model.init={nothing}").licence == "terms not stated"


def test_a_built_set_states_the_terms_of_its_sources(lineage, tmp_path, add_video, discs):
    add_video(tmp_path, "a/film", {1: discs(6)})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"licences": {"a": "CC BY-NC-SA 4.0", "b": "MIT"}}))
    file = tmp_path / "split.json"
    write_split(file, "mine", 1, {"a/film": "train"})
    about = lineage(f"data.sources=[{{place: {tmp_path}, split_file: {file}, hold_out: 0.25}}]")
    assert about.licence == "Apache-2.0 and CC BY-NC-SA 4.0", "b is not a source of its videos"
    (entry,) = about.training["stages"][0]["data"]
    assert entry["split_file"] == "split.json"
    assert entry["split_sha256"] == sha256(file)
    assert entry["hold_out"] == 0.25


def test_terms_go_through_trainings_that_follow_each_other(small, tmp_path):
    quick = ("data.clips.picture_share=1", "data.clips.pictures=1", "run.batch=1", "schedule.length=1 steps")
    options = {"device": "cpu", "report_progress": lambda _: None}
    first = train(small(*quick, "data.sources.0.licence=x"), tmp_path / "a", **options)
    again = train(small(*quick, f"model.init={first.weights}", "model.note=Mine."), tmp_path / "b", **options)
    about = load_checkpoint(again.weights).metadata
    assert (about.licence, about.note) == ("Apache-2.0", "Mine.")
    assert [stage["steps"] for stage in about.training["stages"]] == [1, 1]
    assert about.training["stages"][1]["parent"]["sha256"] == sha256(first.weights)


def test_terms_of_places(tmp_path):
    from sam2s.training.data import SourceSettings

    assert data_licence(SourceSettings(place="synthetic")) is None
    assert data_licence(SourceSettings(place=str(tmp_path))) == ""
