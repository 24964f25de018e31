"""The page that says how every source lies on disk, made from what the readers themselves state."""

from __future__ import annotations

from sam2s.sasv.raw import Adapter, PublishedPart
from sam2s.sasv.registry import all_adapters

_HEAD = """# Layouts of the source datasets

Made by `sam2s sasv sources --layouts` from the readers' own descriptions; a test compares this page with them. The
folders may lie anywhere below the folder of your downloads, at most three levels deep. `sam2s sasv sources --check
FOLDER` says what of it is there, and `sam2s sasv fixture SOURCE DIR` draws a tiny copy in the same layout.
"""


def layouts_page() -> str:
    """The whole page as Markdown."""
    return _HEAD + "".join(_section(adapter) for adapter in all_adapters().values())


def _section(adapter: Adapter) -> str:
    info, form = adapter.INFO, adapter.FORM
    lines = ["", f"## {info.name}", "", f"{info.title}, {info.procedure}. Rows of Table 1: {', '.join(info.subsets)}."]
    if form.archives:
        lines.append(f"Archives: {', '.join(f'`{name}`' for name in form.archives)}.")
    lines += ["", "| file | holds |", "|---|---|"]
    for file in form.files:
        lines.append(f"| `{file.path}` | {file.holds}{'' if file.needed else ' (where it is there)'} |")
    if form.codes:
        lines += ["", "| value of a pixel | label |", "|---|---|"]
        lines += [f"| {value} | {label} |" for value, label in form.codes.items()]
    if form.record:
        lines += ["", "```json", form.record, "```"]
    lines += ["", *[f"A complete copy: {_published(part)}." for part in adapter.PARTS]]
    if not adapter.PARTS:
        lines.append("What a complete copy holds is not known.")
    return "\n".join(lines) + "\n"


def _published(part: PublishedPart) -> str:
    counts = [f"{part.frames:,} frames"] if part.frames is not None else []
    counts += [f"{part.masks:,} masks"] if part.masks is not None else []
    counts += [f"{len(part.groups)} {part.unit}"] if part.groups else []
    name = f"{part.name}, " if part.name else ""
    return name + ", ".join(counts) + ("" if part.in_sasv else " (`--all`)")
