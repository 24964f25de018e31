"""The documentation: its code compiles or runs, its links lead somewhere, every verb and flag is described."""

import dataclasses
import inspect
import itertools
import re
import shlex
from pathlib import Path

import pytest
import typer

import sam2s
from sam2s.cli import app
from sam2s.training.recipe import load_recipe, recipes

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CODE = re.compile(r"^```python( runnable)?\n(.*?)^```", re.M | re.S)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name(page):
    return str(page.relative_to(ROOT))


def anchors(page):
    """Anchors that the headings of a page make, the way GitHub does."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def leaves(command, path):
    """All (verb path, command) that do something."""
    children = getattr(command, "commands", {})
    return [(path, command)] if not children else [x for n, c in children.items() for x in leaves(c, f"{path} {n}")]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{name(page)}: {link}"
        assert not anchor or anchor in anchors(there), f"{name(page)}: {link}"


@pytest.mark.parametrize("page", [page for page in PAGES if CODE.search(page.read_text())], ids=name)
def test_python_blocks_compile_and_the_runnable_ones_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for runnable, code in CODE.findall(page.read_text()):
        compiled = compile(code, name(page), "exec")
        if runnable:
            exec(compiled, {"__name__": "docs"})


@pytest.mark.parametrize(("path", "command"), leaves(typer.main.get_command(app), "sam2s"), ids=lambda x: str(x))
def test_every_verb_and_flag_is_in_the_reference(path, command):
    text = (ROOT / "docs/reference/cli.md").read_text()
    section = re.search(rf"^(#+) {re.escape(path)}\n(.*?)(?=^#+ |\Z)", text, re.M | re.S)
    assert section, f"docs/reference/cli.md has no section {path!r}"
    flags = {flag for option in command.params for flag in option.opts if flag.startswith("--") and flag != "--help"}
    assert {flag for flag in flags if flag not in section[2]} == set()


def test_every_page_of_the_documentation_is_reachable():
    seen, queue = set(), [ROOT / "README.md"]
    while queue:
        page = queue.pop()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            queue += [(page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(page.read_text())]
    assert {name(page) for page in PAGES} <= {name(page) for page in seen}


@pytest.mark.parametrize("public", sam2s.__all__)
def test_public_names_exist(public):
    assert getattr(sam2s, public) is not None
    assert public in dir(sam2s)


def test_unknown_public_name():
    with pytest.raises(AttributeError, match="module 'sam2s' has no attribute 'lode'"):
        sam2s.lode  # noqa: B018


def documented(heading):
    """Names in the first column of the table below a heading of the page on Python."""
    text = (ROOT / "docs/reference/python.md").read_text()
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    cells = re.findall(r"^\| (`[^|]*`) \|", section[1], re.M)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def test_the_page_on_python_has_every_argument_of_load_and_every_field_of_the_policy():
    assert documented("sam2s.load") == list(inspect.signature(sam2s.load).parameters)
    assert set(documented("MemoryPolicy")) == {field.name for field in dataclasses.fields(sam2s.MemoryPolicy)}


@pytest.mark.parametrize("made", [sam2s.Points, sam2s.Box, sam2s.Mask])
def test_prompts_are_shown_with_their_arguments(made):
    text = (ROOT / "docs/reference/python.md").read_text()
    shown = re.search(rf"^\| `{made.__name__}\(([^)]*)\)` \|", text, re.M)[1]
    assert [name.split("=")[0].strip() for name in shown.split(",")] == list(inspect.signature(made).parameters)


def train_commands():
    """Every `sam2s train RECIPE ...` of the documentation, as (page, words behind `train`)."""
    for page in PAGES:
        for block in re.findall(r"^```(?:sh|bash).*?\n(.*?)^```", page.read_text(), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if "train" in words and words[words.index("train") - 1] == "sam2s":
                    yield name(page), words[words.index("train") + 1 :]


def test_every_recipe_and_setting_of_a_documented_command_exists():
    seen = set()
    for page, words in train_commands():
        recipe = "your-data-laptop" if words[:1] == ["auto"] else "".join(words[:1])
        if recipe not in recipes():
            continue  # the list of recipes, or a file that a run wrote
        given = {flag: [w for f, w in itertools.pairwise(words) if f == flag] for flag in ("--set", "--data")}
        load_recipe(recipe, given["--set"], data=given["--data"])
        seen.add((page, recipe))
    assert {recipe for page, recipe in seen if page == "docs/how-to/train.md"} >= {"micro", "sam2s-base-plus"}
    assert ("docs/how-to/fine-tune.md", "your-data-laptop") in seen
