"""`sam2s weights`: list, fetch, convert and show weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sam2s.cli import options
from sam2s.errors import ConfigError

app = typer.Typer(help="List, fetch, convert and show weights.", no_args_is_help=True)

Mapping = Annotated[Path | None, typer.Option(help="YAML file that renames the tensors of a foreign checkpoint.")]


@app.command("list")
def list_(as_json: options.Json = False) -> None:
    """List named weights, and which of them are on this machine."""
    from sam2s.checkpoints import local_path, registry

    rows = [
        {
            "name": item.name,
            "network": item.preset,
            "megabytes": item.megabytes,
            "licence": item.licence,
            "path": str(found) if (found := local_path(item)) else None,
            "repository": item.repo,
            "note": item.note,
        }
        for item in registry().values()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        here = "not here" if row["path"] is None else "bundled" if row["repository"] is None else "cached"
        print(f"{row['name']:<17} {row['megabytes']:>4} MB  {row['licence']:<11} {here:<12} {row['note']}".rstrip())


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Names from `sam2s weights list`.")], as_json: options.Json = False
) -> None:
    """Download named weights into the cache of the Hugging Face hub, and print their paths."""
    from sam2s.checkpoints import find_weights, named_weights

    items = [named_weights(name) for name in names]  # a misspelt name stops us before the first download
    paths = {item.name: str(find_weights(item.name)) for item in items}
    print(json.dumps(paths, indent=2) if as_json else "\n".join(paths.values()))


@app.command()
def convert(
    source: Annotated[str, typer.Argument(help="Name or path: official .pt, transformers folder, safetensors.")],
    out: Annotated[Path, typer.Argument(help="File to write, ending in .safetensors.")],
    precision: Annotated[Literal["fp16", "fp32"], typer.Option(help="Precision of the stored numbers.")] = "fp16",
    licence: Annotated[str, typer.Option(help="Licence to record if the source states none.")] = "",
    mapping: Mapping = None,
    as_json: options.Json = False,
) -> None:
    """Check weights and write them as one safetensors file with their config inside."""
    from dataclasses import replace

    from sam2s.checkpoints import Renaming, load_checkpoint, save_checkpoint, state_licence

    config, state, metadata = load_checkpoint(source, renaming=Renaming.read(mapping) if mapping else None)
    if licence and not (combined := state_licence(metadata.licence, licence)):
        raise ConfigError(f"{source} states its licence, {metadata.licence}; omit --licence {licence!r}")
    metadata = replace(metadata, licence=combined if licence else metadata.licence)
    save_checkpoint(out, state, config, metadata, dtype=precision)
    size = out.stat().st_size
    if as_json:
        print(json.dumps({"path": str(out), "bytes": size, "network": config.name, "tensors": len(state)}, indent=2))
    else:
        print(f"{out}: {len(state)} tensors of network {config.name!r} in {precision}, {size / 1e6:.1f} MB")


@app.command()
def inspect(
    source: Annotated[Path, typer.Argument(help="File or folder of tensors, of any network.")],
    against: Annotated[str | None, typer.Option(help="Preset to compare with; by default the closest.")] = None,
    mapping: Mapping = None,
    limit: Annotated[int, typer.Option(help="Names to print per kind.", min=0)] = 8,
    as_json: options.Json = False,
) -> None:
    """Compare the tensors of any checkpoint with one of our networks, module by module."""
    from dataclasses import asdict

    from sam2s.checkpoints import Renaming, inspect_checkpoint

    found = inspect_checkpoint(source, against=against, renaming=Renaming.read(mapping) if mapping else None)
    if as_json:
        print(json.dumps(asdict(found), indent=2))
        return
    print(f"{source}: {found.tensors} tensors, compared with network {found.preset!r}")
    if found.family:
        print(f"It belongs to {found.family.name}: {found.family.reason}. To use it: {found.family.advice}.")
    width = max(len(module.module) for module in found.modules)
    print(f"{'module':<{width}} {'matched':>8} {'missing':>8} {'unexpected':>11} {'mis-shaped':>11}")
    for module in found.modules:
        counts = f"{module.matched:>8} {module.missing:>8} {module.unexpected:>11} {module.misshaped:>11}"
        print(f"{module.module:<{width}} {counts}")
    print(found.report.table(limit))


@app.command()
def push(
    source: Annotated[str, typer.Argument(help="Name or path of weights.")],
    repository: Annotated[str, typer.Argument(help="Repository of the Hugging Face hub, OWNER/NAME.")],
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    precision: Annotated[Literal["fp16", "fp32"], typer.Option(help="Precision of the stored numbers.")] = "fp16",
    figures: Annotated[
        Path | None, typer.Option(help="JSON list of rows for the table of scores in the model card.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write weights and model card here instead of uploading them.")
    ] = None,
) -> None:
    """Publish weights with a model card: training record, data, scores, limitations and licence."""
    from sam2s.checkpoints.publish import push_weights, write_publication

    rows = _rows(figures) if figures else []
    if out is None:
        print(push_weights(source, repository, private=private, precision=precision, figures=rows))
    else:
        write_publication(source, out, repository, precision=precision, figures=rows)
        print(out)


@app.command()
def average(
    first: Annotated[str, typer.Argument(help="Name or path of weights.")],
    second: Annotated[
        str, typer.Argument(help="Weights of the same network; the average gets their categories and training record.")
    ],
    out: Annotated[Path, typer.Argument(help="File to write, ending in .safetensors.")],
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the second in the average.")] = 0.5,
    precision: Annotated[Literal["fp16", "fp32"], typer.Option(help="Precision of the stored numbers.")] = "fp16",
) -> None:
    """Average the weights of one network from two trainings, such as before and after fine-tuning."""
    from sam2s.checkpoints import average_checkpoints, load_checkpoint, save_checkpoint

    config, state, metadata = average_checkpoints(load_checkpoint(first), load_checkpoint(second), share=share)
    save_checkpoint(out, state, config, metadata, dtype=precision)
    print(f"{out}: {1 - share:.0%} of {first}, {share:.0%} of {second}")


@app.command()
def calibrate(
    source: Annotated[str, typer.Argument(help="Name or path of weights.")],
    out: Annotated[Path, typer.Argument(help="File to write, ending in .safetensors.")],
    quantile: Annotated[
        float, typer.Option(min=0, max=1, help="Quantile of predicted IoU above which frames are confident.")
    ] = 0.5,
    missed: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="First raise presence until at most this share of visible objects is missed."),
    ] = None,
    videos: Annotated[int, typer.Option(min=1, help="Number of generated clips of 100 frames to track.")] = 6,
    precision: Annotated[Literal["fp16", "fp32"], typer.Option(help="Precision of the stored numbers.")] = "fp16",
) -> None:
    """Store the predicted IoU above which DiveMem may remember a frame: a quantile of the weights' predictions."""
    from dataclasses import replace

    from sam2s.checkpoints import assemble, load_checkpoint, save_checkpoint
    from sam2s.evaluation.calibrate import confident_iou, drawn_scenes, presence_shift, shifted_presence

    config, state, metadata = load_checkpoint(source)
    scenes = drawn_scenes(videos)
    if missed is not None:
        shift = presence_shift(assemble(config, state).float(), scenes, missed=missed)
        state = shifted_presence(state, shift)
        print(f"object scores were raised by {shift:.2f}")
    threshold = confident_iou(assemble(config, state).float(), scenes, quantile=quantile)
    save_checkpoint(out, state, replace(config, confident_iou=threshold), metadata, dtype=precision)
    print(f"{out}: frames with a predicted IoU above {threshold:.3f} are confident")


@app.command()
def show(
    source: Annotated[str, typer.Argument(help="Name or path of weights; nothing is fetched.")],
    as_json: options.Json = False,
) -> None:
    """Show config, licence, training record, categories and parameters of weights, and which tensors fit."""
    from dataclasses import asdict

    from sam2s.checkpoints import compare_with_network, find_weights, read_checkpoint

    config, state, metadata = read_checkpoint(source, download=False)
    parts: dict[str, int] = {}
    for name, tensor in state.items():
        part = name.split(".")[0]
        parts[part] = parts.get(part, 0) + tensor.numel()
    facts: dict[str, Any] = {
        "path": str(find_weights(source, download=False)),
        **asdict(metadata),
        "precision": sorted({str(tensor.dtype).removeprefix("torch.") for tensor in state.values()}),
        "config": asdict(config) | {"quality": json.loads(config.quality)["fitted"] if config.quality else ""},
        "parameters": sum(parts.values()),
        "parts": dict(sorted(parts.items(), key=lambda item: -item[1])),
    }
    report = compare_with_network(config, state)
    if as_json:
        print(json.dumps(facts | {"report": asdict(report)}, indent=2))
        return
    facts["licence"] = facts["licence"] or "not stated (the official SAM 2.1 weights are Apache-2.0)"
    for key, value in facts.items():
        if not value:
            continue
        if isinstance(value, dict):
            print(key)
            for name, entry in value.items():
                if entry in ("", (), []):
                    continue
                if isinstance(entry, list) and entry and isinstance(entry[0], dict):
                    for number, stage in enumerate(entry, 1):
                        print(f"    {f'{name} {number}':<22}{_settings(stage)}")
                else:
                    print(f"    {name:<22}{_text(entry)}")
        else:
            print(f"{key:<12}{_text(value)}")
    print(f"tensors\n{report.table()}")
    if report.missing == ("long_term_tpos_enc",):
        print("The additions of SAM2S are absent: these weights run as plain SAM 2.1.")


def _rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a table of scores, each with the command that prints it."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read --figures {path}: {error}") from error
    if not (
        isinstance(rows, list) and all(isinstance(row, dict) and isinstance(row.get("command"), str) for row in rows)
    ):
        raise ConfigError(f"--figures {path} must be a JSON list of objects, each with the key 'command'")
    return rows


def _settings(stage: dict[str, Any]) -> str:
    """A stage of a training record on one line; of a nested recipe only the schedule."""
    flat = stage | stage.pop("recipe", {}).get("schedule", {})
    return ", ".join(f"{name} {_text(value)}" for name, value in flat.items() if value not in (None, ""))


def _text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
