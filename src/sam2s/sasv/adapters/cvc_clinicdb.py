"""CVC-ClinicDB: 612 colonoscopy frames of 29 sequences, one TIF each, binary polyp masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.adapters._sequences import gaps
from sam2s.sasv.raw import DownloadForm, FileForm, FrameLabels, PublishedPart, RawFrame, RawMask, RawVideo, SourceInfo
from sam2s.sasv.reading import existing, files, locate, read_binary, require_all

INFO = SourceInfo(
    name="cvc-clinicdb",
    title="CVC-ClinicDB",
    procedure="colonoscopy",
    subsets=("ClinicDB",),
    url="https://polyp.grand-challenge.org/CVCClinicDB",
    access="registration",
    licence="research use, cite Bernal 2015 (unverified)",
    layout="Original/1.tif ... 612.tif, Ground Truth/1.tif ... 612.tif",
    assumes=("frames per sequence follow a third-party table; the official metadata was not seen",),
)
VERSION = 1

# First frame of each sequence; each ends where the next one begins. The order is that of the file numbers.
STARTS: tuple[int, ...] = (1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318)
STARTS += (343, 364, 384, 409, 429, 448, 467, 479, 504, 529, 547, 572, 592)
END = 613
_RANGES = {f"{n:02d}": range(*ends) for n, ends in enumerate(zip(STARTS, (*STARTS[1:], END), strict=True), 1)}
PARTS = (PublishedPart(frames=612, groups={name: len(numbers) for name, numbers in _RANGES.items()}),)
FORM = DownloadForm(
    files=(
        FileForm("Original/<n>.tif", "pictures 1 to 612", ("Original/[0-9]*.tif",), telling=False),
        FileForm("Ground Truth/<n>.tif", "masks, 0 and 255", ("Ground Truth/[0-9]*.tif",)),
    ),
    archives=("CVC-ClinicDB*",),
    words=("clinicdb",),
    codes={"above 127": "polyp"},
)


def find(root: Path) -> Path | None:
    """The folder with `Original` and `Ground Truth`."""
    return locate(root, "Original/*.tif", "Ground Truth")


def videos(folder: Path) -> Iterator[RawVideo]:
    """One video per sequence that has frames here."""
    numbers = {_number(path) for path in files(folder / "Original", ".tif")}
    for name, published in _RANGES.items():
        if present := sorted(numbers & set(published)):
            yield RawVideo(
                name=name,
                length=len(present),
                missing=gaps(present, published),
                subset="ClinicDB",
                split="train",
                patient=f"cvc-clinicdb:{name}",
            ).with_frames(partial(_find_frames, folder=folder, numbers=present))


def _find_frames(video: RawVideo, folder: Path, numbers: list[int]) -> RawVideo:
    require_all(folder / "Ground Truth" / f"{number}.tif" for number in numbers)
    return replace(video, frames=partial(_frames, folder, numbers))


def _number(path: Path) -> int:
    if path.stem.isdigit() and 1 <= int(path.stem) < END:
        return int(path.stem)
    raise DatasetError(f"{path} is not one of the official 1.tif to {END - 1}.tif; move it out of the folder")


def _frames(folder: Path, numbers: list[int]) -> Iterator[RawFrame]:
    for number in numbers:
        mask = read_binary(existing(folder / "Ground Truth" / f"{number}.tif"))
        yield RawFrame(number, existing(folder / "Original" / f"{number}.tif"), FrameLabels((RawMask("polyp", mask),)))
