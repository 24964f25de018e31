"""`sam2s demo`: generate a clip, track it, and compare the masks with the ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam2s.cli import options
from sam2s.cli.progress import stage_progress

if TYPE_CHECKING:
    from sam2s.formats.prompts_file import PromptEntry
    from sam2s.progress import ProgressCallback
    from sam2s.synth import Scene

TITLE = "drawn by sam2s demo"
"""Title of the clip, by which the next demo recognises what it may overwrite."""
SMALLEST = 0.02
"""Share of the first frame that an instrument must cover to be prompted."""


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the clip and the results.")] = Path("demo"),
    frames: Annotated[int, typer.Option(min=3, help="Length of the clip at 25 frames a second.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the clip.")] = 40,
    weights: options.Weights = "micro",
    as_json: options.QuietJson = False,
) -> None:
    """Generate a surgical clip, track two instruments from boxes on its first frame, and compare with ground truth.

    Needs no data and no network: the clip is generated, and the weights micro are part of the package.
    """
    import json

    from sam2s.device import use_threads
    from sam2s.runs import RunSettings, run

    use_threads(macs=0)  # scenes are made of small operations
    clip = out / "clip.mp4"
    _check_ours(clip, out / "run")
    scene, prompts = _scene(seed, frames)
    settings = RunSettings(
        str(clip), out / "run", weights, prompts, exports=("overlay", "davis", "csv"), overwrite=True
    )

    with stage_progress(quiet=as_json) as report_progress:
        _replace_clip(scene, clip, out / "run", report_progress)
        outcome = run(settings, report_progress)
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)
    scores = _score(out / "run", scene, prompts)
    places = {"clip": clip, "overlay": outcome.outputs["overlay"], "masks": outcome.outputs["davis"]}
    places["table"] = outcome.outputs["csv"]
    if as_json:
        shown = {kind: str(path) for kind, path in places.items()}
        print(json.dumps({"outputs": shown, "j_and_f": scores, "fps": round(outcome.fps, 2)}, indent=2))
        return
    print(f"tracked {len(prompts)} instruments through {outcome.frames} frames, {outcome.fps:.1f} frames/s")
    print("agreement with the ground truth (J&F, 100 is perfect):")
    for name, score in scores.items():
        print(f"  {name:<24} {score:.1f}")
    print("written:")
    for kind, path in places.items():
        print(f"  {kind:<8} {path}")
    if weights == "micro":
        print("The micro weights are a demonstration, and this clip suits them; see `sam2s weights list` for others.")
    print("Your own video: sam2s track VIDEO --weights sam2.1-tiny --box 1@0:X0,Y0,X1,Y1 --out DIR")
    print(f"Review and correct in the browser: sam2s app {out / 'run'}")


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
