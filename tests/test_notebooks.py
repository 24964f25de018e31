"""The notebooks of the documentation: they run on a processor without a network, and draw what is stored in them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed")


def kinds(cell):
    """Kinds of what a cell printed and drew."""
    return {kind for output in cell.get("outputs", []) for kind in output.get("data", {"text": ""})}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_stored_was_made_by_all_cells_in_order(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/jpeg" in kinds(cell) for cell in cells), "a notebook has pictures"
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    text = path.read_text("utf-8")
    assert len(text) < 1_500_000
    assert "/tmp/" not in text


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    stored = nbformat.read(path, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    for before, after in zip(stored.cells, notebook.cells, strict=True):
        assert kinds(before) == kinds(after), before.source
