"""`sam2s synth`: generate a surgical clip with masks and prompts, to try everything without patient data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from sam2s.cli import options
from sam2s.errors import ConfigError

Kind = Literal["laparoscopy", "colonoscopy", "robotic", "microscope", "generic", "reentry"]


def synth(
    out: Annotated[Path, typer.Argument(help="New folder for video.mp4, masks/, prompts.json and scene.json.")],
    seed: Annotated[int, typer.Option(help="Seed for everything that the other flags do not set.", min=0)] = 0,
    length: Annotated[int, typer.Option(help="Number of frames.", min=1)] = 100,
    size: Annotated[int, typer.Option(help="Width and height in pixels.", min=32, max=4096)] = 512,
    kind: Annotated[Kind | None, typer.Option(help="Kind of scene; by default sampled from the seed.")] = None,
    fps: Annotated[int, typer.Option(help="Frame rate.", min=1, max=240)] = 25,
    tempo: Annotated[
        float | None,
        typer.Option(help="Speed of motion: 0.2 slow, 1 normal, 3 very fast; by default sampled from the seed.", min=0),
    ] = None,
    drift: Annotated[
        float, typer.Option(help="How often tools leave and return and the view jumps, 0 to 1.", min=0, max=1)
    ] = 0.25,
    events: Annotated[
        str | None,
        typer.Option(
            help="Add video events, with their true spans in events.json: all, or a comma-separated list of cut, "
            "out_of_body, smoke, blurred, lens_wash, blood, black, frozen, test_pattern."
        ),
    ] = None,
    prompt: Annotated[
        Literal["box", "points", "mask"],
        typer.Option(help="Kind of prompt in prompts.json for each object, on its first frame."),
    ] = "box",
    frames: Annotated[bool, typer.Option("--frames", help="Also write frames/ as lossless images.")] = False,
    as_json: options.Json = False,
) -> None:
    """Generate a surgical clip with ground-truth masks, and prompts to track it with."""
    from sam2s.device import use_threads
    from sam2s.synth import Scene
    from sam2s.synth.export import write_clip
    from sam2s.synth.video_events import EventScene, plan_events

    if size % 2:
        raise ConfigError(f"--size {size} is odd, and video needs even sides; give {size + 1}")
    use_threads(macs=0)  # scenes are made of small operations
    if events is None:
        scene = Scene(seed, size, length, kind=kind, tempo=tempo, drift=drift)
    else:
        planned = plan_events(seed, length, None if events == "all" else [k.strip() for k in events.split(",")])
        scene = EventScene(seed, size, length, kind=kind, tempo=tempo, drift=drift, events=planned)
    with typer.progressbar(length=length, label=f"{scene.kind}, seed {seed}", hidden=as_json) as bar:
        prompts = write_clip(scene, out, fps=fps, prompt=prompt, frames=frames, on_frame=lambda _: bar.update(1))
    objects = [{"id": o.id, "label": o.name, "type": o.type} for o in scene.objects]
    if as_json:
        summary = {"path": str(out), "kind": str(scene.kind), "objects": objects, "prompts": prompts}
        print(json.dumps(summary, indent=2))
        return
    print(f"{out}: {length} frames of {size}x{size}, objects " + ", ".join(f"{o.id} {o.name}" for o in scene.objects))
    print(f"track it: sam2s track {out / 'video.mp4'} --prompts {out / 'prompts.json'} --out {out / 'tracked'}")
