"""What is fuzzed: each kind makes an input from a seed, gives it to the package, and says what came out.

A case answers "result" or "message" (an error of `sam2s.errors`); anything else it raises is a finding. A case that may
not be counted (the damage hit what is not judged) answers "result" as well.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fuzz import mutate
from sam2s.errors import Sam2sError, TruncatedSourceError

Case = Callable[[random.Random, Path], str]

# Containers that tell how many frames they hold, or of which every byte is accounted for.
_TELLING = {".mp4", ".mov", ".avi", ".mkv", ".webm"}
_VIDEOS = (
    "plain.mp4", "front.mp4", "fragmented.mp4", "plain.mov", "plain.mkv", "plain.flv", "plain.ts", "program.mpg",
    "plain.webm", "hidden.webm", "plain.avi", "motion.avi", "raw.h264", "open.mkv", "hevc.mkv", "hevc.mp4",
    "tenbit.mp4", "odd.mkv", "irregular.mkv",
)  # fmt: skip


class SilentLossError(AssertionError):
    """Frames are missing, the container tells, and nothing was said."""


@cache
def _clip(name: str) -> tuple[bytes, int, int]:
    """Bytes of a clip of 60 frames, and where its packets begin and end."""
    import tempfile

    import av

    from video_tools import CLIPS, write_clip

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_clip(path, **CLIPS[name])
        with av.open(str(path)) as container:
            places = [(p.pos, p.pos + p.size) for p in container.demux(video=0) if p.size and p.pos is not None]
        return path.read_bytes(), min((a for a, _ in places), default=0), max((b for _, b in places), default=0)


def videos(rng: random.Random, folder: Path) -> str:
    """A damaged video file, read to its end, then at random."""
    from sam2s.video import FileSource

    name = rng.choice(_VIDEOS)
    data, begin, end = _clip(name)
    # Damage of the header may turn the file into another whole one; of the packets it may not.
    packets_only = rng.random() < 0.7
    damaged = (
        data[:begin] + mutate.bytes_of(rng, data[begin:end]) + data[end:]
        if packets_only
        else mutate.bytes_of(rng, data)
    )
    path = folder / name
    path.write_bytes(damaged)
    count, said = 0, False
    try:
        opened = FileSource(path)
    except Sam2sError:
        return "message"
    with opened as source:
        try:
            for _ in source.frames():
                count += 1
        except TruncatedSourceError:
            said = True
        if rng.random() < 0.2:
            for index in rng.sample(range(70), 3):
                with contextlib.suppress(Sam2sError):
                    source.frame(index)
    if packets_only and not said and count < 60 and path.suffix in _TELLING and damaged != data:
        raise SilentLossError(f"{name}: {count} of 60 frames, and nothing was said")
    return "message" if said else "result"


@cache
def _recordings() -> list[bytes]:
    import tempfile

    from pydicom.uid import RLELossless

    from dicom_tools import CAPTURE, data_set, jpeg_file, pictures_file, save, video_file
    from video_tools import numbered

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.dcm"
        made = [video_file(path, name, parts=2).read_bytes() for name in ("mpeg2", "h264 in mp4", "h264 in ts", "hevc")]
        made += [pictures_file(path, FrameTime="40").read_bytes(), jpeg_file(path, split=2).read_bytes()]
        coded = data_set(CAPTURE, frames=2)
        coded.PixelData = numbered(0).tobytes() + numbered(1).tobytes()
        coded.compress(RLELossless, generate_instance_uid=False)
        return [*made, save(coded, path).read_bytes()]


def dicom(rng: random.Random, folder: Path) -> str:
    """A damaged DICOM recording, its header alone in half of the cases, read to its end, then at random."""
    from sam2s.video import open_source

    data = rng.choice(_recordings())
    pixels = data.index(b"\xe0\x7f\x10\x00") + 20
    header = rng.random() < 0.5
    path = folder / "case.dcm"
    path.write_bytes(mutate.bytes_of(rng, data[:pixels], 132) + data[pixels:] if header else mutate.bytes_of(rng, data))
    try:
        source = open_source(path)
        for _ in source.frames(0, 200):
            pass
        with contextlib.suppress(Sam2sError):
            source.frame(rng.randrange(30))
    except Sam2sError:
        return "message"
    return "result"


@cache
def _segmentations() -> list[bytes]:
    import tempfile

    from dicom_tools import plain_segmentation, segment_masks
    from result_tools import make_result
    from sam2s.formats.dicom_seg import write_dicom_seg
    from sam2s.formats.export_info import ExportInfo
    from sam2s.video.dicom import DicomReference
    from sam2s.workspace import to_record

    records = [to_record(make_result(index)) for index in range(4)]
    reference = DicomReference("1.2.840.10008.5.1.4.1.1.77.1.1.1", "1.2.3", "1.2.4", "1.2.5")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.dcm"
        write_dicom_seg(lambda: records, ExportInfo("clip", (48, 64), None), reference, path)
        made = [path.read_bytes()]
        for kind in ("FRACTIONAL", "LABELMAP"):
            masks = segment_masks()[:, :48, :64, : 1 if kind == "LABELMAP" else 2]
            change = lambda data: data.update({"Rows": 48, "Columns": 64})  # noqa: E731
            made.append(plain_segmentation(path, masks, kind=kind, frames=[1, 2, 3, 4], change=change).read_bytes())
    return made


def segmentations(rng: random.Random, folder: Path) -> str:
    """A damaged DICOM segmentation, its header alone in half of the cases, read as objects of a video."""
    from sam2s.formats.dicom_seg_read import read_dicom_seg
    from sam2s.workspace import VideoIdentity

    data = rng.choice(_segmentations())
    pixels = data.index(b"\xe0\x7f\x10\x00")
    header = rng.random() < 0.5
    path = folder / "masks.dcm"
    path.write_bytes(mutate.bytes_of(rng, data[:pixels], 132) + data[pixels:] if header else mutate.bytes_of(rng, data))
    try:
        for shape in read_dicom_seg(path, VideoIdentity("clip", "f", (48, 64), None, None, 4)):
            assert shape.frame >= 0
    except Sam2sError:
        return "message"
    return "result"


@cache
def _pictures() -> list[bytes]:
    import io

    from sam2s.masks.palette import encode_label_map

    rows, columns = np.mgrid[:48, :64]
    disc = (columns - 20) ** 2 + (rows - 24) ** 2 < 100
    labels = np.where(disc, 2, np.where(columns > 50, 3, 0)).astype(np.uint8)
    colours = np.dstack([labels * 60, labels * 20, labels * 40])
    made: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (Image.fromarray((disc * 255).astype(np.uint8)), "PNG", {}),
        (Image.fromarray(disc), "PNG", {}),
        (Image.fromarray(labels.astype(np.uint16)), "PNG", {}),
        (Image.fromarray(np.dstack([colours, (disc * 255).astype(np.uint8)])), "PNG", {}),
        (Image.fromarray(colours), "JPEG", {}),
        (Image.fromarray(colours), "WEBP", {"lossless": True}),
        (Image.fromarray(colours), "TIFF", {"compression": "tiff_deflate"}),
        (Image.fromarray(labels.astype(np.float32)), "TIFF", {}),
        (Image.fromarray(colours), "BMP", {}),
        (Image.fromarray(colours), "PNG", {"save_all": True, "append_images": [Image.fromarray(colours[::-1].copy())]}),
        (Image.fromarray(colours), "TIFF", {"save_all": True, "append_images": [Image.fromarray(colours)]}),
    ]
    files = [encode_label_map(labels)]
    for image, kind, options in made:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        files.append(buffer.getvalue())
    return files


def pictures(rng: random.Random, folder: Path) -> str:
    """A damaged picture, read as a mask, as frames, and of a folder."""
    from sam2s.masks.mask_pictures import read_mask_picture
    from sam2s.video import open_source

    path = folder / rng.choice(["a.png", "a.jpg", "a.tif", "a.webp", "a.bmp"])
    path.write_bytes(mutate.bytes_of(rng, rng.choice(_pictures())))
    said = False
    for read in (
        lambda: read_mask_picture(path).of_object(2),
        lambda: list(open_source(path).frames()),
        lambda: list(open_source(folder).frames()),
    ):
        try:
            read()
        except Sam2sError:
            said = True
    return "message" if said else "result"


def rle(rng: random.Random, folder: Path) -> str:
    """RLE and polygons, of which the readers may raise ValueError too."""
    from sam2s.masks import polygon, rle

    mask = np.zeros((24, 32), bool)
    mask[5:15, 10:20] = True
    value = rng.choice([rle.encode(mask), rle.encode_uncompressed(mask), [[1, 1, 20, 3, 9, 15.5]]])
    value = json.loads(json.dumps(mutate.value_of(rng, value)))
    try:
        if isinstance(value, dict):
            decoded = rle.decode(value)  # type: ignore[arg-type]
            if int(decoded.sum()) != rle.area(value):  # type: ignore[arg-type]
                raise AssertionError("area and mask differ")
            rle.bbox(value), rle.centroid(value)  # type: ignore[arg-type]
        else:
            polygon.fill(value, (24, 32))
    except (Sam2sError, ValueError):
        return "message"
    except TypeError:
        if isinstance(value, list):
            raise
        return "message"  # no RLE and no list of polygons at all
    return "result"


def prompts(rng: random.Random, folder: Path) -> str:
    """A prompts file, and flags of the command line."""
    from sam2s.formats.prompts_file import parse_box, parse_mask, parse_points, read_prompts

    (folder / "hook.png").write_bytes(_pictures()[0])
    content = {
        "frame": 0,
        "objects": [
            {"id": 1, "label": "grasper", "box": [5, 6, 20, 30]},
            {"id": 2, "label": "hook", "points": [[3, 4], [10, 10]], "labels": [1, 0]},
            {"id": 2, "frame": 40, "mask": "hook.png"},
        ],
    }
    (folder / "p.json").write_bytes(mutate.json_of(rng, content))
    said = False
    text = mutate.text_of(rng, rng.choice(["1@0:195,48,550,293", "2=hook@3:+300,200 -10,10", "1@0:hook.png"]))
    flag = rng.choice([parse_box, parse_points, parse_mask])
    for read in (lambda: read_prompts(folder / "p.json"), lambda: flag(text.decode("utf-8", "replace"))):
        try:
            read()
        except Sam2sError:
            said = True
    return "message" if said else "result"


@cache
def _scores() -> list[dict[str, Any]]:
    from sam2s.masks import rle

    mask = np.zeros((24, 32), bool)
    mask[5:15, 10:20] = True
    names = [f"vid/{t:05d}.jpg" for t in range(3)]
    video = {"id": 1, "height": 24, "width": 32, "length": 3, "file_names": names}
    note = {"id": 1, "video_id": 1, "category_id": 1, "segmentations": [rle.encode(mask), None, [[1, 1, 9, 1, 9, 9]]]}
    image = {"id": 1, "file_name": "vid/00000.jpg", "height": 24, "width": 32}
    shape = {"id": 1, "image_id": 1, "category_id": 1, "track_id": 1, "segmentation": rle.encode_uncompressed(mask)}
    sav = {"video_id": "vid", "video_height": 24, "video_width": 32, "masklet_id": [0], "masklet": [[rle.encode(mask)]]}
    return [{"videos": [video], "annotations": [note]}, {"images": [image], "annotations": [shape]}, sav]


def score_json(rng: random.Random, folder: Path) -> str:
    """A JSON file of masks as `sam2s score` reads it; every mask is made."""
    from sam2s.evaluation.maskjson import read_json

    (folder / "m.json").write_bytes(mutate.json_of(rng, rng.choice(_scores())))
    try:
        for masks in read_json(folder / "m.json").values():
            for key in masks.frames:
                masks.read(key)
    except Sam2sError:
        return "message"
    return "result"


_RENAMES = "prefix: {image_encoder.: trunk.}\nnames:\n  a.weight: b.weight\n"


def yaml(rng: random.Random, folder: Path) -> str:
    """Recipes, names of foreign tensors, patches and the ontology of SA-SV."""
    import sam2s.sasv
    import sam2s.training
    from sam2s.checkpoints import Renaming
    from sam2s.sasv.ontology import parse_ontology
    from sam2s.sasv.patch import read_patches
    from sam2s.training.recipe import load_recipe

    recipes = sorted((Path(sam2s.training.__file__).parent / "recipes").glob("*.yaml"))
    ontology = next(Path(sam2s.sasv.__file__).parent.rglob("ontology*.yaml"))
    patch = "format: sasv-patch\nversion: 1\nvideos:\n  a/1:\n    edits: [{do: rename, id: 1, name: polyp}]\n"
    path = folder / "f.yaml"
    kind = rng.randrange(4)
    try:
        if kind == 0:
            path.write_bytes(mutate.text_of(rng, rng.choice(recipes).read_text()))
            load_recipe(str(path))
        elif kind == 1:
            path.write_bytes(mutate.text_of(rng, _RENAMES))
            Renaming.read(path)
        elif kind == 2:
            path.write_bytes(mutate.text_of(rng, patch))
            read_patches([path])
        else:
            parse_ontology(mutate.text_of(rng, ontology.read_text()).decode("utf-8", "replace"))
    except Sam2sError:
        return "message"
    return "result"


@cache
def _weights() -> tuple[bytes, bytes]:
    import tempfile

    import torch

    from model_tools import nano
    from sam2s.checkpoints import Metadata, save_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        network, path = nano(), Path(folder) / "w.safetensors"
        save_checkpoint(path, network.state_dict(), network.config, Metadata())
        torch.save({"model": dict(list(network.state_dict().items())[:8])}, Path(folder) / "w.pt")
        return path.read_bytes(), (Path(folder) / "w.pt").read_bytes()


def checkpoints(rng: random.Random, folder: Path) -> str:
    """A damaged file of weights, its header changed by meaning in half of the cases."""
    from sam2s.checkpoints import inspect_checkpoint, load_checkpoint

    ours, official = _weights()
    path = folder / ("w.safetensors" if rng.random() < 0.75 else "w.pt")
    if path.suffix == ".pt":
        path.write_bytes(mutate.bytes_of(rng, official))
    elif rng.random() < 0.5:
        path.write_bytes(mutate.bytes_of(rng, ours, keep=rng.choice([0, 8])))
    else:
        size = int.from_bytes(ours[:8], "little")
        header = json.loads(ours[8 : 8 + size])
        if rng.random() < 0.7:
            notes = {
                key: mutate.json_of(rng, json.loads(text)).decode("utf-8", "replace") if text[:1] in "{[" else text
                for key, text in header["__metadata__"].items()
            }
            header["__metadata__"] = notes
        else:
            header = mutate.value_of(rng, header)
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + ours[8 + size :])
    said = False
    for read in (load_checkpoint, inspect_checkpoint) if rng.random() < 0.1 else (load_checkpoint,):
        try:
            read(path)
        except Sam2sError:
            said = True
    return "message" if said else "result"


@cache
def _set() -> Path:
    """A small built set of SA-SV, kept for the process."""
    import tempfile

    from sam2s.masks import rle as encoding
    from sam2s.sasv.fixtures.drawing import SIZE, disc, picture, save
    from sam2s.sasv.manifest import write_manifest
    from sam2s.sasv.video_labels import LabelledFrame, LabelledObject, VideoLabels, write_labels

    root = Path(tempfile.mkdtemp(prefix="sam2s-fuzz-set"))
    folder = root / "videos/a/x"
    files = [f"frames/{t:05d}.png" for t in range(3)]
    for t, file in enumerate(files):
        save(folder / file, picture(t))
    header = {"id": "a/x", "source": "a", "subset": None, "split": "train", "patient": "a/x", "procedure": "none"}
    header |= {"licence": "none", "images": False, "fps": "1", "crop": None, "recipe": "r"}
    frames = [LabelledFrame(10 * t, None, t < 2) for t in range(3)]
    masks = [encoding.encode(disc(20 + t, 20, 8)) for t in range(2)]
    objects = {i: LabelledObject("hook", "instrument", "tool", [*masks, None]) for i in (1, 2)}
    write_labels(VideoLabels(header, SIZE, frames, objects), files, folder)
    write_manifest(root)
    return root


def masklets(rng: random.Random, folder: Path) -> str:
    """A built set with a damaged record, manifest, mask or frame."""
    from sam2s.sasv.masklets import MaskletDataset

    root = folder / "set"
    shutil.copytree(_set(), root)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    records = [path for path in files if path.suffix == ".json"]
    path = rng.choice(records) if rng.random() < 0.7 else rng.choice(files)
    if path.suffix == ".json" and rng.random() < 0.8:
        path.write_bytes(mutate.json_of(rng, json.loads(path.read_text())))
    else:
        path.write_bytes(mutate.bytes_of(rng, path.read_bytes()))
    try:
        for video in MaskletDataset(root):
            for frame in range(len(video)):
                video.masks(frame)
                video.image(frame)
    except Sam2sError:
        return "message"
    return "result"


@cache
def _workspace() -> bytes:
    import tempfile

    from sam2s.workspace import Workspace
    from workspace_tools import VIDEO, fill

    with tempfile.TemporaryDirectory() as name:
        with Workspace.create(Path(name), VIDEO) as workspace:
            fill(workspace, range(0, 40, 2))
        return (Path(name) / "workspace.sqlite").read_bytes()


def workspaces(rng: random.Random, folder: Path) -> str:
    """A damaged workspace: opened, read whole, checked, repaired and read again."""
    from sam2s.workspace import Workspace
    from sam2s.workspace.repair import repair_workspace

    (folder / "workspace.sqlite").write_bytes(mutate.bytes_of(rng, _workspace(), keep=rng.choice([0, 100, 4096])))
    said = False

    def read() -> None:
        with Workspace.open(folder) as workspace:
            list(workspace.frames())
            workspace.events()
            workspace.objects()

    for act in (read, lambda: repair_workspace(folder), read):
        try:
            act()
        except Sam2sError:
            said = True
    return "message" if said else "result"


KINDS: dict[str, Case] = {
    case.__name__: case
    for case in (
        videos,
        dicom,
        segmentations,
        pictures,
        rle,
        prompts,
        score_json,
        yaml,
        checkpoints,
        masklets,
        workspaces,
    )
}
