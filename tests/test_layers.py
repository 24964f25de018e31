"""The rooms of the package: imports point down, never sideways, and never to another room's private names."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src/sam2s"
LAYERS = [
    {"cli"},
    {"app"},
    {"archive", "analysis", "teaching"},
    {"runs", "bench"},
    {"training", "evaluation"},
    {"quality", "sasv", "synth", "formats"},
    {"workspace"},
    {"session"},
    {"tracking", "onnx"},
    {"memory", "checkpoints"},
    {"model", "video", "masks"},
]
LEVEL = {room: -depth for depth, rooms in enumerate(LAYERS) for room in rooms}


def imports(path):
    """(package path, name) of every import in a file, relative ones made absolute."""
    inside = ("sam2s", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split("."), None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = inside[: len(inside) - node.level + 1] if node.level else ()
            module = [*start, *(node.module.split(".") if node.module else ())]
            yield from ((module, alias.name) for alias in node.names)


def offences(path):
    """Imports of a file that its room may not make, as text."""
    parts = path.relative_to(PACKAGE).parts
    room = parts[0] if len(parts) > 1 else None
    for module, name in imports(path):
        target = [*module[1:], *([name] if name else [])]
        if module[0] != "sam2s" or not target or target[0] == room:
            continue
        other = target[0]
        if room in LEVEL and other in LEVEL and LEVEL[other] >= LEVEL[room]:
            yield f"{'/'.join(parts)} imports {other}, which is not below {room}"
        if room == "model" and (PACKAGE / other).exists():
            yield f"{'/'.join(parts)} imports {other}; model knows nothing of ours but modules of the package itself"
        if any(part.startswith("_") and part != "__version__" for part in target):
            yield f"{'/'.join(parts)} imports the private {'.'.join(target)}"


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()))
def test_imports_point_down(room):
    assert room in LEVEL, f"{room} has no place among the layers; see docs/explanation/architecture.md"
    assert not [text for path in (PACKAGE / room).rglob("*.py") for text in offences(path)]


def test_an_import_that_points_up_sideways_or_into_private_names_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path)
    file = tmp_path / "tracking" / "tracker.py"
    file.parent.mkdir()
    file.write_text("from sam2s.onnx import run\nfrom ..session.replay import x\nfrom sam2s.model.trunk import _keep\n")
    assert list(offences(file)) == [
        "tracking/tracker.py imports onnx, which is not below tracking",
        "tracking/tracker.py imports session, which is not below tracking",
        "tracking/tracker.py imports the private model.trunk._keep",
    ]
    file.write_text("import sam2s.memory\nfrom sam2s import __version__\nfrom .policy import _private\n")
    assert not list(offences(file))
