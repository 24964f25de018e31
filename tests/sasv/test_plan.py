"""What makes a video be built again: its files, its rules, and the versions that the code states."""

import inspect
from pathlib import Path

import pytest

from sam2s.sasv import plan as plan_module
from sam2s.sasv.adapters import cvc_clinicdb as adapter
from sam2s.sasv.fixtures import autolaparo, cvc_clinicdb
from sam2s.sasv.plan import BuildOptions, plan_build
from sam2s.sasv.registry import all_adapters
from sasv.building import build


@pytest.fixture
def root(tmp_path):
    cvc_clinicdb.draw(tmp_path / "root")
    autolaparo.draw(tmp_path / "root")
    return tmp_path / "root"


def states(root, out):
    return {name: outcome.state for name, outcome in build(root, out).items()}


def test_a_new_version_of_an_adapter_builds_its_videos_again(root, tmp_path, monkeypatch):
    states(root, tmp_path / "set")
    monkeypatch.setattr(adapter, "VERSION", adapter.VERSION + 1)
    again = states(root, tmp_path / "set")
    assert {name for name, state in again.items() if state == "built"} == {
        f"cvc-clinicdb/{n}" for n in ("01", "02", "05")
    }
    assert {name for name, state in again.items() if state == "kept"} == {"autolaparo/001", "autolaparo/171"}


def test_a_new_version_of_the_core_builds_everything_again(root, tmp_path, monkeypatch):
    states(root, tmp_path / "set")
    monkeypatch.setattr(plan_module, "CORE_VERSION", plan_module.CORE_VERSION + 1)
    assert set(states(root, tmp_path / "set").values()) == {"built"}


def test_another_comment_in_the_code_builds_nothing_again(root, tmp_path, monkeypatch):
    states(root, tmp_path / "set")
    edited = tmp_path / "cvc_clinicdb.py"
    edited.write_text("# Another comment.\n" + inspect.getsource(adapter))
    monkeypatch.setattr(adapter, "__file__", str(edited))
    assert set(states(root, tmp_path / "set").values()) == {"kept"}


def test_every_adapter_states_a_version():
    assert all(isinstance(module.VERSION, int) and module.VERSION >= 1 for module in all_adapters().values())


def test_no_code_is_read_to_tell_what_is_stale():
    assert "__file__" not in Path(plan_module.__file__).read_text()


def test_recipes_do_not_depend_on_where_the_download_lies(root, tmp_path):
    before = plan_build(root, tmp_path / "set", options=BuildOptions(partial=True))
    root.rename(tmp_path / "moved")
    after = plan_build(tmp_path / "moved", tmp_path / "set", options=BuildOptions(partial=True))
    assert before.recipes == after.recipes
    assert [b.listed for b in before.builds] == [b.listed for b in after.builds]
