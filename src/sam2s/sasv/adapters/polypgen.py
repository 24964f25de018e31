"""PolypGen (v3): colonoscopy from six centres; 23 sequences with polyps, 23 without, 1,537 single images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sam2s.sasv.raw import Facts, Labels, Link, RawFrame, RawMask, RawVideo
from sam2s.sasv.reading import existing, files, last_number, locate, read_binary, subfolders

FACTS = Facts(
    name="polypgen",
    title="PolypGen",
    procedure="colonoscopy",
    subsets=("PolypGen",),
    url="https://www.synapse.org/#!Synapse:syn26376615 (PolypGen2021_MultiCenterData_v3.zip)",
    access="Synapse account",
    licence="CC BY 4.0",
    layout="sequenceData/positive/seq1..23/{images,masks}_seqN, sequenceData/negativeOnly, data_C1..C6",
    assumes=(
        "seq1 and seq7 are the two positive sequences that SA-SV leaves out",
        "single images and sequences without polyps are no part of SA-SV; --all builds them",
    ),
)

# The paper has 21 of the 23 sequences; these two are described as normal mucosa.
LEFT_OUT = ("seq1", "seq7")
_LINK = Link(gap=1000, gate=0.0)  # irregular frames, nearly always one polyp a sequence


def find(root: Path) -> Path | None:
    """The folder with `sequenceData`."""
    return locate(root, "sequenceData/positive/seq*")


def videos(folder: Path) -> Iterator[RawVideo]:
    """Sequences with polyps, sequences without, then the single images of each centre."""
    for sequence in subfolders(folder / "sequenceData" / "positive"):
        images = _in_order(sequence / f"images_{sequence.name}")
        masks = sequence / f"masks_{sequence.name}"
        subset = None if sequence.name in LEFT_OUT else "PolypGen"
        yield _video(sequence.name, images, masks, subset, f"polypgen:{sequence.name}")
    for sequence in subfolders(folder / "sequenceData" / "negativeOnly"):
        yield _video(sequence.name, _in_order(sequence), None, None, f"polypgen:{sequence.name}")
    for centre in (f"C{number}" for number in range(1, 7)):
        base = folder / f"data_{centre}"
        for image in files(base / f"images_{centre}", ".jpg") if base.is_dir() else []:
            name = f"{centre}_{image.stem}"
            yield _video(name, [image], base / f"masks_{centre}", None, _patient(centre, image.stem), images=True)


def _video(
    name: str, pictures: list[Path], masks: Path | None, subset: str | None, patient: str, *, images: bool = False
) -> RawVideo:
    return RawVideo(
        name=re.sub(r"[^\w.-]", "_", name, flags=re.ASCII),
        frames=partial(_frames, pictures, masks),
        length=len(pictures),
        subset=subset,
        split="test",
        patient=patient,
        images=images,
        link=_LINK,
    )


def _in_order(folder: Path) -> list[Path]:
    """Stems vary (0_endocv2021_positive_104, seq1_C6_10); the last number counts."""
    return sorted(files(folder, ".jpg"), key=lambda image: (last_number(image), image.name))


def _patient(centre: str, stem: str) -> str:
    """Single images name the patient in two centres; elsewhere a centre is taken as one patient, to be safe."""
    if centre == "C1":
        return f"polypgen:C1:{stem[:3]}"
    if centre == "C4" and (number := re.match(r"\d+", stem)):
        return f"polypgen:C4:{number[0]}"
    return f"polypgen:{centre}"


def _frames(pictures: list[Path], masks: Path | None) -> Iterator[RawFrame]:
    for image in pictures:
        regions = () if masks is None else (RawMask("polyp", read_binary(_mask_of(image, masks))),)
        yield RawFrame(last_number(image), existing(image), Labels(regions))


def _mask_of(image: Path, masks: Path) -> Path:
    """X.jpg has X_mask.jpg; one file of centre 3 ends in a stray underscore."""
    mask = masks / f"{image.stem}_mask.jpg"
    return existing(mask if mask.exists() else masks / f"{image.stem.rstrip('_')}_mask.jpg")
