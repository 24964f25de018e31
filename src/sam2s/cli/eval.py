"""`sam2s eval`: track videos whose masks are known, and score the result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.evaluation.rules import Prompting, Rules

if TYPE_CHECKING:
    from sam2s.evaluation.evaluate import Run
    from sam2s.evaluation.outcome import Outcome


def eval(
    data: Annotated[
        list[str], typer.Option(help="A built SA-SV set, a folder of sequences, or synthetic:N; may be repeated.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for masks, results and tables; what is done in it is kept.")],
    prompt: Annotated[list[Prompting] | None, typer.Option(help="How objects are shown; may be repeated.")] = None,
    weights: Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")] = "micro",
    method: Annotated[
        list[str] | None,
        typer.Option(help="sam2s, copy, flow, module:Class or command:LINE, NAME=... names it; may be repeated."),
    ] = None,
    memory: Annotated[list[str] | None, typer.Option(help="divemem or sam2, of method sam2s; may be repeated.")] = None,
    subset: Annotated[list[str] | None, typer.Option(help="Only objects of this subset; may be repeated.")] = None,
    split: Annotated[str, typer.Option(help="Part of a built set: train, val or test.")] = "test",
    rounds: Annotated[int, typer.Option(min=1, help="Most prompted frames an object, of offline and online.")] = 8,
    skip_first_last: Annotated[
        bool, typer.Option("--skip-first-last/--all-frames", help="Drop the first and the last frame of each object.")
    ] = True,
    image_size: Annotated[int | None, typer.Option(help="Side of the network's image, a multiple of 32.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    shard: Annotated[
        str, typer.Option(help="I/N: do every N-th video from I, counted from 0; one process a GPU.")
    ] = "0/1",
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do again what is done already.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON instead of the tables.")] = False,
) -> None:
    """Track videos whose masks are known by any method, and score it as the SAM2S paper does.

    Writes masks, report.json, report.md (Tables 2 to 4 with the published
    rows beside ours) and plots. After Ctrl-C the same command goes on; with
    --shard several processes share the work and the last one writes the
    whole report.

    Exit status: 0 all done; 1 some videos failed or are still missing; 2 invalid input or missing requirement.
    """
    import json

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from sam2s.evaluation.compare import Comparison
    from sam2s.evaluation.evaluate import Settings, evaluate
    from sam2s.evaluation.outcome import collect
    from sam2s.evaluation.report import remarks
    from sam2s.evaluation.tables import markdown
    from sam2s.evaluation.videos import open_videos, partial
    from sam2s.files import write_atomically

    part, parts = _shard(shard)
    rules = Rules(skip_first_last=skip_first_last)
    runs = plan(method or ["sam2s"], memory or ["divemem"], prompt or [Prompting.CLICK_3], weights)
    settings = Settings(weights, image_size, device, precision, rounds)
    videos = open_videos(data, split=split, subsets=subset or ())
    if overwrite:
        _forget(out, runs, [video.name for video in videos[part::parts]])
    columns = (
        TextColumn("videos"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        evaluate(
            videos[part::parts],
            runs,
            settings,
            out,
            workers=workers,
            tell=lambda done, total, name: bar.update(task, completed=done, total=total, description=name),
        )
    outcomes = [collect(out, run, videos, rules) for run in runs]
    parts_of = partial(data, videos)
    document = {"data": data, "weights": weights, "partial": parts_of, "runs": [o.to_json(rules) for o in outcomes]}
    notes = remarks(Comparison(outcomes[0].scores, rules))
    for name, text in parts_of.items():
        notes.append(f"Only a part of {name} is built: {text}. Its score is not that of the benchmark.")
    text = markdown(outcomes, notes)
    write_atomically(out / "report.json", (json.dumps(document, indent=1) + "\n").encode())
    write_atomically(out / "report.md", text.encode())
    plots = _plot(outcomes, out)
    print(json.dumps(document, indent=1) if json_ else text.rstrip())
    if not json_:
        print(f"\nMasks, report.md and report.json are in {out}, {plots}.")
    if any(outcome.missing for outcome in outcomes):
        raise typer.Exit(1)


def plan(methods: list[str], memories: list[str], prompts: list[Prompting], weights: str) -> list[Run]:
    """Make the runs out of what was asked for.

    Raises:
        ConfigError: an unknown memory, or two runs of one name.
    """
    from sam2s.errors import ConfigError
    from sam2s.evaluation.evaluate import OURS, Run
    from sam2s.memory import MemoryPolicy

    runs = []
    for text in methods:
        head, equals, tail = text.partition("=")
        named = bool(equals) and not set(head) & set(": /{")
        name, spec = (head, tail) if named else (_short(text, weights), text)
        for memory in dict.fromkeys(memories) if spec == OURS else ("divemem",):
            MemoryPolicy(kind=memory)  # type: ignore[arg-type]  # checks it
            label = f"{name} {memory}" if spec == OURS else name
            runs += [Run(label, spec, how, memory) for how in dict.fromkeys(prompts)]  # type: ignore[arg-type]
    folders = [run.folder for run in runs]
    if twice := [run.label for run in runs if folders.count(run.folder) > 1]:
        raise ConfigError(f"two methods are called {twice[0]!r}; name them: --method NAME=...")
    return runs


def _short(spec: str, weights: str) -> str:
    return Path(weights).name if spec == "sam2s" else "command" if spec.startswith("command:") else spec


def _plot(outcomes: list[Outcome], out: Path) -> str:
    """Draw decay curves and bars for each protocol; say where they are, or why there are none."""
    from sam2s.errors import MissingExtraError
    from sam2s.evaluation.diagnostics import decay_curve
    from sam2s.evaluation.plots import plot_decay, plot_subsets

    try:
        for how in dict.fromkeys(outcome.run.prompt for outcome in outcomes):
            mine = {o.run.label: o for o in outcomes if o.run.prompt is how and o.scores}
            plot_decay({name: decay_curve(o.scores) for name, o in mine.items()}, out / f"over-time-{how}.png", how)
            plot_subsets({name: o.subsets() for name, o in mine.items()}, out / f"subsets-{how}.png", how)
    except MissingExtraError as error:
        return f"without plots ({error})"
    return "with plots"


def _shard(text: str) -> tuple[int, int]:
    from sam2s.errors import ConfigError

    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and int(part) < int(parts)):
        raise ConfigError(f"--shard {text} is not I/N with I from 0 to N - 1, such as 0/4")
    return int(part), int(parts)


def _forget(out: Path, runs: list[Run], videos: list[str]) -> None:
    from sam2s.evaluation.evaluate import result_path

    for run in runs:
        for name in videos:
            result_path(out, run, name).unlink(missing_ok=True)
