"""Build the site of this documentation into a folder that works without a server and without a network.

    python docs/build.py [FOLDER]        # by default site/

Pages are written to be read on a repository host as well, so their links are paths inside the repository. This script
copies pages, with those outside docs/, into one tree with the links turned; adds a page for each package of the
Python reference, made from docstrings, and one for each notebook; reads the navigation off docs/index.md; and lets
Zensical build it, strictly. Then it reads what was built: a link that leads nowhere, or anything that would be fetched
from elsewhere, is an error.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
FENCE = re.compile(r"(^ *```.*?^ *```)", re.M | re.S)
ELSEWHERE = ("http://", "https://", "mailto:")
ROOMS = {
    "sam2s": "The main API",
    "sam2s.tracking": "Tracking frame by frame",
    "sam2s.session": "Tracking from any frame, in both directions, with corrections",
    "sam2s.memory": "Memory bank and DiveMem filter",
    "sam2s.model": "The network",
    "sam2s.checkpoints": "Weights",
    "sam2s.video": "Video sources and writers",
    "sam2s.masks.rle": "Run-length encoding of masks",
    "sam2s.workspace": "Storage of masks and events",
    "sam2s.runs": "Tracking runs",
    "sam2s.quality": "Quality of masks, and events of the video",
    "sam2s.synth": "Synthetic scenes",
    "sam2s.errors": "Errors",
}


def place(path: Path) -> Path:
    """Where a file of the repository lies in the tree that is built, relative to its root."""
    if path.is_relative_to(DOCS):
        where = path.relative_to(DOCS)
        return where.with_suffix(".md") if where.suffix == ".ipynb" else where
    where = Path("project", *(part.lstrip(".") for part in path.relative_to(ROOT).parts))
    return where if path.suffix in (".md", ".png", ".jpg", ".svg") else where.with_name(where.name + ".txt")


def turn_links(text: str, page: Path, linked: set[Path]) -> str:
    """Turn the links of a page into those of the tree, and note the files that it links to."""

    def turned(match: re.Match[str]) -> str:
        target, hash_, anchor = match[2].partition("#")
        if match[2].startswith(ELSEWHERE) or not target:
            return match[0]
        path = Path(os.path.normpath(page.parent / unquote(target)))
        if path.is_dir():
            path = path / "README.md"
        if not path.is_file():
            raise SystemExit(f"{page.relative_to(ROOT)}: the link {match[2]} leads nowhere")
        linked.add(path)
        return f"{match[1]}{os.path.relpath(place(path), place(page).parent)}{hash_}{anchor}{match[3]}"

    parts = FENCE.split(text)  # every second part is code
    return "".join(part if i % 2 else LINK.sub(turned, part) for i, part in enumerate(parts))


def write_pages(tree: Path) -> None:
    """Copy all pages below docs/ into the tree, and all files that any page links to."""
    waiting = {path for suffix in ("md", "ipynb", "js") for path in DOCS.rglob(f"*.{suffix}")}
    written: set[Path] = set()
    while waiting:
        path = waiting.pop()
        written.add(path)
        target = tree / place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        linked: set[Path] = set()
        if path.suffix == ".ipynb":
            write_notebook(path, target)
        elif path.suffix == ".md":
            text = re.sub(r"^```(\w+) runnable$", r"```\1", path.read_text("utf-8"), flags=re.M)
            target.write_text(turn_links(text, path, linked), "utf-8")
        else:
            shutil.copyfile(path, target)
        waiting |= linked - written


def write_notebook(path: Path, target: Path) -> None:
    """Write a notebook as a page: its text, its code, what the code printed, and its pictures beside it."""
    from base64 import b64decode

    import nbformat

    parts, pictures = [], 0
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/jpeg" in data or "image/png" in data:
                kind = "jpeg" if "image/jpeg" in data else "png"
                pictures += 1
                name = f"{target.stem}-{pictures}.{kind}"
                (target.parent / name).write_bytes(b64decode(data[f"image/{kind}"]))
                parts.append(f"![What the code above draws]({name})")
            elif "text/markdown" in data:
                parts.append(data["text/markdown"])
            elif text := output.get("text") or data.get("text/plain"):
                parts.append(f"```text\n{text.rstrip()}\n```")
    parts.append(f"*This page is the notebook `docs/{path.relative_to(DOCS)}`, which the tests run.*")
    target.write_text("\n\n".join(parts) + "\n", "utf-8")


def exported(room: str) -> list[str]:
    """Names in `__all__` of a package, or the public functions and classes of a module."""
    base = ROOT / "src" / Path(*room.split("."))
    source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    body = ast.parse(source.read_text("utf-8")).body
    for node in body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return [n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]


def home(room: str, name: str) -> str:
    """The module in which a name that a package exports is written."""
    import importlib

    thing = getattr(importlib.import_module(room), name)
    module = getattr(thing, "__module__", None) or room
    return module if module.startswith("sam2s") else room


def write_reference(tree: Path) -> list[dict[str, str]]:
    """Write a page for each package; names are rendered from their docstrings, where they are written."""
    folder, entries = tree / "reference/api", []
    folder.mkdir(parents=True)
    for room, title in ROOMS.items():
        names = exported(room)
        blocks = "\n".join(f"::: {home(room, name)}.{name}\n" for name in names)
        (folder / f"{room}.md").write_text(f"# {room}\n\n{title}.\n\n{blocks}", "utf-8")
        entries.append({room: f"reference/api/{room}.md"})
    return entries


def navigation(tree: Path, reference: list[dict[str, str]]) -> list:
    """Read the navigation off the start page: a section for each heading, an entry for each page it links to.

    Pages that only other pages link to follow in the section of their folder.
    """
    seen = {"index.md"} | {next(iter(entry.values())) for entry in reference}
    sections: dict[str, list] = {}
    folders: dict[str, str] = {}
    for heading, body in re.findall(
        r"^## (.*?)\n(.*?)(?=^## |\Z)", (tree / "index.md").read_text("utf-8"), re.M | re.S
    ):
        sections[heading] = []
        for _, target, _ in LINK.findall(body):
            page = target.partition("#")[0]
            if page.endswith(".md") and not page.startswith("project/") and page not in seen:
                seen.add(page)
                folders.setdefault(str(Path(page).parent), heading)
                sections[heading].append({title(tree / page): page})
    sections["Reference"].append({"API reference": reference})
    for page in sorted({str(page.relative_to(tree)) for page in tree.rglob("*.md")} - seen):
        heading = folders.get(str(Path(page).parent), "Project")
        sections.setdefault(heading, []).append({title(tree / page): page})
    return [{"SAM2S": "index.md"}, *({heading: pages} for heading, pages in sections.items())]


def title(page: Path) -> str:
    """The heading of a page, or else its name."""
    found = re.search(r"^# (.*)$", page.read_text("utf-8"), re.M)
    return found[1].replace("`", "") if found else page.stem


class Links(HTMLParser):
    """What a page of the site has: its anchors, its links, and what a browser fetches by itself to show it."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sort the attributes of one tag."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.fetched.append(values.get("href", ""))
        elif "src" in values:
            self.fetched.append(values["src"])


def faults(site: Path) -> list[str]:
    """What is wrong with a site: links inside it that lead nowhere, and what it would fetch from elsewhere."""
    pages, found = {}, []
    for path in site.rglob("*.html"):
        pages[path.resolve()] = parser = Links()
        parser.feed(path.read_text("utf-8"))
    for path, parser in pages.items():
        name = path.relative_to(site.resolve())
        found += [f"{name} fetches {url}" for url in parser.fetched if url.startswith((*ELSEWHERE, "//"))]
        for url in (*parser.links, *parser.fetched):
            target, _, anchor = url.partition("#")
            if url.startswith((*ELSEWHERE, "//", "data:", "javascript:")) or name.name == "404.html":
                continue
            there = (path.parent / unquote(target)).resolve() if target else path
            there = there / "index.html" if there.is_dir() else there
            if not there.is_file():
                found.append(f"{name}: {url} leads nowhere")
            elif anchor and there in pages and unquote(anchor) not in pages[there].anchors:
                found.append(f"{name}: {url} names an anchor that is not there")
    sheets = (path for path in site.rglob("*.css") if re.search(r"url\(['\"]?(https?:)?//", path.read_text("utf-8")))
    return found + [f"{path.relative_to(site)} fetches from elsewhere" for path in sheets]


def build(site: Path) -> None:
    """Build the site into a folder, or end with what is wrong."""
    work = Path(tempfile.mkdtemp(prefix="sam2s-site-"))
    try:
        tree = work / "docs"
        tree.mkdir()
        write_pages(tree)
        settings = yaml.safe_load((DOCS / "site.yaml").read_text("utf-8"))
        settings["nav"] = navigation(tree, write_reference(tree))
        handler = next(plugin["mkdocstrings"] for plugin in settings["plugins"] if isinstance(plugin, dict))
        handler["handlers"]["python"]["paths"] = [str(ROOT / "src")]
        (work / "mkdocs.yml").write_text(yaml.safe_dump(settings, sort_keys=False), "utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{done.stdout}{done.stderr}\nthe site was not built")
        if wrong := faults(work / "site"):
            raise SystemExit("\n".join(wrong))
        shutil.rmtree(site, ignore_errors=True)
        shutil.move(work / "site", site)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{len(list(site.rglob('*.html')))} pages: {site / 'index.html'}")


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "site"))
