"""`sam2s demo`: the whole way once, on a generated clip whose true masks are known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sam2s.formats.prompts_file import PromptEntry
    from sam2s.runs import ProgressCallback, RunOutcome
    from sam2s.synth import Scene

TITLE = "drawn by sam2s demo"
"""Noted in the clip, so that the next demo knows what it may overwrite."""
SMALLEST = 0.02
"""Share of the first frame that an instrument must cover to be worth pointing at."""


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the clip and the results.")] = Path("demo"),
    frames: Annotated[int, typer.Option(min=3, help="Length of the clip at 25 frames a second.")] = 100,
    seed: Annotated[int, typer.Option(help="Another number, another clip.")] = 40,
    weights: Annotated[str, typer.Option(help="A name from `sam2s weights list`, or a file.")] = "micro",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, and no progress.")] = False,
) -> None:
    """Draw a surgical clip, box two instruments on its first frame, track them, and compare with the exact truth.

    Needs no data and no network: the clip is generated and the weights named micro come with the package.
    """
    import json

    from sam2s.cli.track import with_progress
    from sam2s.device import use_threads
    from sam2s.runs import RunSettings, run

    use_threads(macs=0)  # scenes are made of small operations
    clip = out / "clip.mp4"
    _check_ours(clip, out / "run")
    scene, prompts = _scene(seed, frames)
    settings = RunSettings(
        str(clip), out / "run", weights, prompts, exports=("overlay", "davis", "csv"), overwrite=True
    )

    def work(report_progress: ProgressCallback) -> RunOutcome:
        _replace_clip(scene, clip, out / "run", report_progress)
        return run(settings, report_progress)

    outcome = work(lambda *_: None) if as_json else with_progress(work)
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)
    scores = _score(out / "run", scene, prompts)
    places = {"clip": clip, "overlay": outcome.outputs["overlay"], "masks": outcome.outputs["davis"]}
    places["table"] = outcome.outputs["csv"]
    if as_json:
        shown = {kind: str(path) for kind, path in places.items()}
        print(json.dumps({"outputs": shown, "j_and_f": scores, "fps": round(outcome.fps, 2)}, indent=2))
        return
    print(f"tracked {len(prompts)} instruments through {outcome.frames} frames, {outcome.fps:.1f} a second")
    print("agreement with the exact masks (J&F, 100 is perfect):")
    for name, score in scores.items():
        print(f"  {name:<24} {score:.1f}")
    print("written:")
    for kind, path in places.items():
        print(f"  {kind:<8} {path}")
    if weights == "micro":
        print("The micro weights are a demonstration, and this clip suits them; `sam2s weights list` names others.")
    print("Your own video: sam2s track VIDEO --weights sam2.1-tiny --box 1@0:X0,Y0,X1,Y1 --out DIR")
    print(f"Look at it and correct it in the browser: sam2s app {out / 'run'}")


def _check_ours(clip: Path, run: Path) -> None:
    """Refuse to overwrite a clip that no demo drew, or a run of another video than the clip of a demo.

    Raises:
        OutputError: naming what is in the way.
    """
    from sam2s.errors import OutputError, SourceError
    from sam2s.video import FileSource
    from sam2s.workspace import Workspace

    drawn = None
    if clip.exists():
        try:
            source = FileSource(clip)
            drawn = source.fingerprint() if source.title == TITLE else None
        except SourceError:
            pass
        if drawn is None:
            raise OutputError(f"{clip} is there and was not drawn by sam2s demo; move it or give another --out")
    if Workspace.exists(run):
        with Workspace.open(run) as workspace:
            held = workspace.video.fingerprint
        if held != drawn:
            raise OutputError(f"{run} holds a run of another video than the demo's; move it or give another --out")


def _scene(seed: int, frames: int) -> tuple[Scene, list[PromptEntry]]:
    """The first scene from `seed` on that shows two instruments at once, and a box round each."""
    import numpy as np

    from sam2s.formats.prompts_file import PromptEntry
    from sam2s.synth import Scene, SceneKind
    from sam2s.tracking import Box

    while True:
        scene = Scene(seed, 256, frames, kind=SceneKind.LAPAROSCOPY)
        _, labels = scene.render(0)
        entries = []
        for item in scene.objects:
            y, x = np.nonzero(labels == item.id)
            if item.type == "instrument" and len(y) > SMALLEST * labels.size:
                box = Box(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))
                entries.append(PromptEntry(0, item.id, item.name, box))
        if len(entries) >= 2:
            return scene, entries[:2]
        seed += 1


def _replace_clip(scene: Scene, path: Path, run: Path, report_progress: ProgressCallback) -> None:
    """Draw the clip; the run of the clip that was there goes with it, so that no stop leaves one beside another."""
    from sam2s.files import replacing
    from sam2s.formats import outputs
    from sam2s.video import VideoWriter
    from sam2s.workspace import forget

    with replacing(path) as partial, VideoWriter(partial, (scene.size, scene.size), 25, title=TITLE) as writer:
        for t in range(len(scene)):
            writer.write(scene.render(t)[0])
            report_progress("drawing", t + 1, len(scene))
        outputs.remove(run)
        forget(run)


def _score(folder: Path, scene: Scene, prompts: list[PromptEntry]) -> dict[str, float]:
    """Mean J&F of each object in percent, without the first and the last frame."""
    import numpy as np

    from sam2s.evaluation.measures import boundary_f, jaccard
    from sam2s.workspace import Workspace

    values: dict[int, list[float]] = {entry.object_id: [] for entry in prompts}
    with Workspace.open(folder) as workspace:
        for record in list(workspace.frames())[1:-1]:
            _, labels = scene.render(record.index)
            for object_id, scores in values.items():
                mask, truth = record.objects[object_id].mask, labels == object_id
                scores.append((jaccard(mask, truth) + boundary_f(mask, truth)) / 2)
    titles = {entry.object_id: f"{entry.object_id} ({entry.name})" for entry in prompts}
    return {titles[object_id]: round(100 * float(np.mean(scores)), 1) for object_id, scores in values.items()}
