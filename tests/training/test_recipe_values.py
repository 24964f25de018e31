"""Recipe files: where a base is sought, what cannot be a base, and files and changes of a wrong form."""

import pytest

from sam2s.errors import ConfigError
from sam2s.training.recipe import load_recipe
from sam2s.training.recipe_values import find_recipe, merge, override, parse_yaml, read_values, replace_places


def written(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_base_is_sought_beside_the_file_that_names_it(tmp_path, monkeypatch):
    home = written(tmp_path / "mine", parent="base: micro\nrun: {seed: 5}", child="base: parent.yaml\nrun: {keep: 3}")
    written(tmp_path / "elsewhere", parent="base: micro\nrun: {seed: 6}")
    monkeypatch.chdir(tmp_path / "elsewhere")
    recipe = load_recipe(str(home / "child.yaml"))
    assert (recipe.run.seed, recipe.run.keep) == (5, 3)
    with pytest.raises(ConfigError, match=r"there is no recipe 'gone\.yaml' in .*mine: give a YAML file or one of"):
        read_values(written(home, orphan="base: gone.yaml") / "orphan.yaml")


@pytest.mark.parametrize(
    "files",
    [
        {"a": "base: a.yaml"},
        {"a": "base: b.yaml", "b": "base: a.yaml"},
        {"a": "base: ../mine/b.yaml", "b": "base: a.yaml"},
    ],
)
def test_a_recipe_that_starts_from_itself_is_refused(tmp_path, files):
    home = written(tmp_path / "mine", **files)
    with pytest.raises(ConfigError, match=r"a\.yaml starts from .*a\.yaml; a recipe cannot be its own base"):
        load_recipe(str(home / "a.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a recipe; it must hold keys such as model, data, schedule"),
        ("base: [micro]", r"base is \['micro'\]; give the name of a recipe, or a YAML file beside this one"),
        ("base: 7", "base is 7; give the name of a recipe"),
        ("run: 2020-13-45", "cannot be read as YAML: month must be in 1"),
        ("[" * 3000, "cannot be read as YAML"),
        ("{[1]: 2}", "cannot be read as YAML"),
        ("a: *b", "cannot be read as YAML"),
        ("base: micro\ndata:", r"data is None; it must hold keys: sources, clips, workers"),
        ("base: micro\ndata: {sources: [videos]}", "data.sources.0 is 'videos'; it must hold keys: place"),
        ("base: micro\ndata: {sources: []}", "data: sources is empty; name at least one"),
        ("base: micro\nrun: fast", "run is 'fast'; it must hold keys"),
        ("base: micro\n7: fast", "there is no setting 7"),
    ],
)
def test_a_file_of_a_wrong_form_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe(str(written(tmp_path, bad=text) / "bad.yaml"))


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe\x00run")
    with pytest.raises(ConfigError, match=r"bad\.yaml cannot be read as text"):
        load_recipe(str(tmp_path / "bad.yaml"))
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbfbase: micro")
    assert load_recipe(str(tmp_path / "marked.yaml")) == load_recipe("micro"), "a byte order mark changes nothing"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "~nobody-of-that-name/x", "", "."])
def test_names_that_no_file_can_have(name):
    with pytest.raises(ConfigError, match="there is no recipe"):
        find_recipe(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data:", "data.clips is missing; it has no default"),
        ("data: 3", "data is 3; it must hold keys: sources, clips"),
        ("data: {sources: videos}", r"data.sources is 'videos'; give a list, such as \[\{place: my-videos\}\]"),
        ("data: {sources: [videos]}", r"data.sources.0 is 'videos'; it must hold keys, such as \{place: videos\}"),
        ("data: {sources: {place: x}}", r"data.sources is \{'place': 'x'\}; give a list"),
    ],
)
def test_places_for_a_file_of_a_wrong_form(tmp_path, text, message):
    (tmp_path / "bad.yaml").write_text(f"model: {{}}\nschedule: {{length: 1 steps}}\n{text}")
    with pytest.raises(ConfigError, match=message):
        load_recipe(str(tmp_path / "bad.yaml"), data=["a"])


def test_places_take_the_other_settings_of_the_first_source():
    values = {"data": {"sources": [{"place": "a", "cap": 3}, {"place": "b"}]}}
    replace_places(values, ["c", "d"])
    assert values["data"]["sources"] == [{"place": "c", "cap": 3}, {"place": "d", "cap": 3}]
    empty = {"data": None}
    replace_places(empty, ["c"])
    assert empty == {"data": {"sources": [{"place": "c"}]}}


def test_merging_goes_as_deep_as_both_are_mappings():
    below = {"a": {"b": 1, "c": {"d": 2}}, "e": [1, 2]}
    assert merge(below, {"a": {"c": {"d": 3}}, "e": [4]}) == {"a": {"b": 1, "c": {"d": 3}}, "e": [4]}
    assert merge({"a": {"b": 1}}, {"a": None}) == {"a": None}


def test_changes_make_what_is_missing():
    values = {"run": None, "list": [{"a": 1}, {"a": 2}]}
    for text in ("run.seed=5", "new.deep.key=[1, x]", "list.1.a=3", "list.0=7"):
        override(values, text)
    assert values == {"run": {"seed": 5}, "list": [7, {"a": 3}], "new": {"deep": {"key": [1, "x"]}}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.b=2020-13-45", "--set a.b=2020-13-45: the value cannot be read as YAML: month must be"),
        ("a.b=[", r"--set a\.b=\[: the value cannot be read as YAML"),
        ("list.9" + "9" * 5000 + ".a=1", "is not the number of an entry, 0 to 0"),
        ("list.²=1", "'²' is not the number of an entry, 0 to 0"),
        ("list.-1=1", "'-1' is not the number of an entry, 0 to 0"),
        ("none.0=1", "'0' is not the number of an entry, there is none"),
        ("=1", "--set =1 is not of the form a.b=value"),
    ],
)
def test_changes_of_a_wrong_form(text, message):
    with pytest.raises(ConfigError, match=message):
        override({"list": [1], "none": []}, text)


def test_yaml_that_is_right():
    assert parse_yaml("{a: [1, 2.5, off]}", "x") == {"a": [1, 2.5, False]}
