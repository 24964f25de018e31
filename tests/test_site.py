"""The site of the documentation: built strictly, complete, and read in a browser that reaches nothing else."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from app_browser import chromium

ROOT = Path(__file__).parents[1]
pytest.importorskip("zensical", reason="the extra docs is not installed")


def load_builder():
    """The script docs/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "docs/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


builder = load_builder()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, str(ROOT / "docs/build.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def test_every_page_is_in_the_site_and_in_its_navigation(site):
    start = (site / "index.html").read_text("utf-8")
    for page in set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs/index.md"}:
        target = builder.place(page).with_suffix(".html")
        assert (site / target).is_file()
        assert f'href="./{target}"' in start, f"{target} is not in the navigation"
    for heading in ("How to", "Reference", "Explanation"):
        assert heading in start
    assert (site / "project/CHANGELOG.html").is_file()


def test_the_reference_is_made_of_docstrings(site):
    text = (site / "reference/api/sam2s.html").read_text("utf-8")
    for name in ("load", "VideoSession", "Tracker", "MemoryPolicy"):
        assert re.search(rf'id="sam2s\.\w+(\.\w+)*\.{name}"', text), name
    from sam2s.memory import MemoryPolicy

    first = MemoryPolicy.__doc__.strip().splitlines()[0].rstrip(".")
    assert first in re.sub(r"<[^>]+>", "", text)


def test_the_site_is_read_and_searched_from_its_folder_without_a_network(site):
    requests, errors = [], []
    with chromium() as browser:
        page = browser.new_context(offline=True).new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name in ("how-to/app.html", "reference/api/sam2s.tracking.html", "index.html"):
            page.goto((site / name).as_uri())
            assert page.locator("h1").first.inner_text()
            broken = "images => images.filter(image => !image.complete || !image.naturalWidth).map(image => image.src)"
            assert page.eval_on_selector_all("article img", broken) == []
        page.click(".md-search__button")
        page.locator("input[aria-label=Search]").fill("Slurm")
        found = page.locator(
            "a[role=option][href*='archive']", has=page.locator("mark", has_text=re.compile("slurm", re.I))
        )
        found.first.click()
        page.wait_for_url(re.compile(r"how-to/archive\.html"))
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert errors == []


def page_of(tmp_path, text, name="a.html"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('<a href="b.html">b</a>', r"a\.html: b\.html leads nowhere"),
        ('<a href="#there">b</a>', r"a\.html: #there names an anchor that is not there"),
        ('<script src="https://elsewhere.example/x.js"></script>', r"a\.html fetches https://elsewhere"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', r"a\.html fetches //fonts\.example"),
        ('<img src="no.png">', r"a\.html: no\.png leads nowhere"),
    ],
)
def test_faults_of_a_site_are_found(tmp_path, text, fault):
    page_of(tmp_path, text)
    (found,) = builder.faults(tmp_path)
    assert re.match(fault, found)


def test_a_style_sheet_that_fetches_is_found(tmp_path):
    page_of(tmp_path, "@font-face { src: url(https://fonts.example/a.woff2) }", "a.css")
    page_of(tmp_path, '<h1 id="x">x</h1><a href="#x">x</a><a href="https://elsewhere.example">y</a>')
    assert builder.faults(tmp_path) == ["a.css fetches from elsewhere"]


def test_links_of_the_repository_become_links_of_the_site(tmp_path):
    linked = set()
    page = ROOT / "docs/how-to/install.md"
    text = "[a](../../LICENSES.md#weights) [b](app.md) ![c](../images/app-work.jpg) [d](https://x.example) [e](#f) "
    text += "[g](../../Makefile)"
    turned = builder.turn_links(text + "\n```\n[h](nowhere.md)\n```\n", page, linked)
    assert turned.startswith(
        "[a](../project/LICENSES.md#weights) [b](app.md) ![c](../images/app-work.jpg) [d](https://x.example) [e](#f) "
        "[g](../project/Makefile.txt)"
    )
    assert "[h](nowhere.md)" in turned
    assert ROOT / "LICENSES.md" in linked
    with pytest.raises(SystemExit, match=r"docs/how-to/install\.md: the link nowhere\.md leads nowhere"):
        builder.turn_links("[a](nowhere.md)", page, linked)


def test_names_that_a_package_exports_are_found_where_they_are_written():
    assert builder.exported("sam2s.session") == ["VideoSession"]
    assert builder.home("sam2s", "VideoSession") == "sam2s.session.session"
    assert "encode" in builder.exported("sam2s.masks.rle")
    assert str(ROOT) in str(Path(sys.modules["sam2s"].__file__))


def test_the_gallery_is_made_by_its_script():
    page = (ROOT / "docs/gallery.md").read_text("utf-8")
    script = (ROOT / "docs/gallery.py").read_text("utf-8")
    shown = set(re.findall(r"images/gallery-(\w+)\.jpg", page))
    assert shown == set(re.findall(r'folder,\s+"(\w+)"', script))
    for name in shown:
        assert 10_000 < (ROOT / f"docs/images/gallery-{name}.jpg").stat().st_size < 250_000


def test_every_fact_on_peers_has_a_source():
    page = (ROOT / "docs/explanation/peers.md").read_text("utf-8")
    rows = re.findall(r"^\| \*\*(.*)$", page, re.M)
    assert len(rows) == 12
    assert all("](https://" in row for row in rows)


def test_the_citation_names_version_licence_and_paper():
    import sam2s

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert (cited["version"], cited["license"]) == (sam2s.__version__, "Apache-2.0")
    assert "arXiv:2511.16618" in str(cited["references"])
    assert f"version = {{{sam2s.__version__}}}" in (ROOT / "docs/cite.md").read_text("utf-8")
