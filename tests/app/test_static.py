"""The pages' scripts and styles: small modules, all there, nothing else shipped."""

import re

import pytest

from sam2s.app.server import static_folder

SCRIPTS = sorted(static_folder().glob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_small_and_their_imports_are_there(script):
    text = script.read_text()
    assert len(text.splitlines()) < 400
    for name in re.findall(r'from "\./([\w.]+)"', text):
        assert (static_folder() / name).exists(), name


def test_every_id_that_a_script_asks_for_is_on_a_page():
    pages = "".join(path.read_text() for path in static_folder().glob("*.html"))
    made = "".join(path.read_text() for path in SCRIPTS)
    for script in SCRIPTS:
        for name in re.findall(r'byId\("([\w-]+)"\)', script.read_text()):
            assert f'id="{name}"' in pages or f'id: "{name}"' in made, f"{script.name}: {name}"


def test_pages_load_what_is_there():
    for page in static_folder().glob("*.html"):
        for address in re.findall(r'(?:href|src)="(/static/[\w./-]+)"', page.read_text()):
            assert (static_folder() / address.removeprefix("/static/")).exists(), address
        assert "style=" not in page.read_text()  # the content policy of the pages forbids it
        assert "onclick=" not in page.read_text()
