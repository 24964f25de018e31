"""What an adapter tells about a source dataset: facts for people, videos for the builder.

An adapter is a module of `sam2s.sasv.adapters` with `INFO`, `find` and `videos` (the `Adapter` protocol). It knows
where the official download keeps its files and how labels are encoded. Linking, cropping, renaming and writing are done
for all sources alike by `sam2s.sasv.build`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from sam2s.errors import DatasetError

Split = Literal["train", "val", "test"]


class MaskGrouping(StrEnum):
    """How the masks of one label on one frame become objects (masks that carry a `track` need nothing)."""

    EACH = "each"  # every mask is one object of this frame
    COMPONENTS = "components"  # their union is split into connected parts
    WHOLE = "whole"  # their union is one object, however many pieces are seen


@dataclass(frozen=True, slots=True)
class LinkRules:
    """How objects of neighbouring frames are joined to lasting ones.

    Attributes:
        by: "overlap" weighs mask overlap, distance and colour; "order" takes class and left-to-right order alone, for
            frames half a minute apart.
        gap: an object may be unseen for this many annotated frames and still keep its id ("order" has no limit).
        gate: links that score less (0 to 1) are refused and a new object begins; 0 joins whatever has one category,
            right where a category mostly has one object and frames are far apart.
        min_area: components smaller than this many pixels are specks and dropped.
        join: components nearer to each other than this many pixels are one object.
        most: by label, how many objects there are at most; a further piece goes to the one that it fits best.
    """

    by: Literal["overlap", "order"] = "overlap"
    gap: int = 5
    gate: float = 0.1
    min_area: int = 50
    join: int = 0
    most: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawMask:
    """One labelled region on one frame.

    Attributes:
        label: the source's own name of the class; `ontology.yaml` maps it to a category.
        mask: bool [H, W] (whole frame, or already cropped to `RawVideo.crop`).
        track: the source's lasting id of the object, unique in the video, or None where the source has none.
    """

    label: str
    mask: np.ndarray
    track: str | None = None


@dataclass(frozen=True, slots=True)
class FrameLabels:
    """All labels of one frame.

    Attributes:
        masks: the labelled regions; may be empty.
        scope: the labels somebody looked for on this frame. An object with a label in scope and without a mask is
            absent (state empty); out of scope it is unknown (state not annotated). None: every label was looked for.
        unknown: pixels with an undocumented code; reported per video, refused above 0.1 % of a frame.
    """

    masks: tuple[RawMask, ...]
    scope: frozenset[str] | None = None
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame as the source has it.

    Attributes:
        index: the source's own frame number (sorts in time; gaps are allowed).
        image: the file to copy, or uint8 [H, W, 3] RGB where the source has a video or pictures that need repair.
        labels: the labels, or None when nobody annotated this frame.
        pts: time in seconds where the source tells it.
    """

    index: int
    image: Path | np.ndarray
    labels: FrameLabels | None
    pts: Fraction | None = None


def no_frames() -> Iterator[RawFrame]:
    """Of a video whose files are still to be looked at, or are wrong."""
    return iter(())


@dataclass(frozen=True)
class RawVideo:
    """One video (or single image) of a source; must pickle, so `frames` is a `functools.partial` of a module function.

    Attributes:
        name: unique within the source; letters, digits, `-`, `_` and `.` only.
        subset: row of Table 1 of the paper ("ClinicDB"), or None for material that SA-SV leaves out.
        split: train, val or test in SA-SV (for material left out: the source's own split).
        patient: key of the patient, the same in every source that shows the patient (see `patients.py`).
        frames: called in a worker; yields frames in time order and reads pixels only then.
        length: number of frames.
        fps: annotated frames a second, or None where the spacing is irregular or unknown.
        images: whether this is a single picture rather than a video; its ids need not last.
        grouping: by label, how masks become objects; `MaskGrouping.COMPONENTS` where nothing is said.
        link_rules: how objects are joined over time.
        crop: (x, y, width, height) to cut from image and masks alike, or None.
        procedure: where it differs from the source's.
        problem: what is wrong with its files, so that it cannot be built; "" where nothing is.
        part: name of the `PublishedPart` that it belongs to.
        group: what the part counts it under, such as its folder; its own name where nothing is said.
        missing: numbers of frames that the publisher's numbering has and this copy has not.
        masks: masks that the source's records list for it, where that is known before any pixel is read.
        masklets: lasting objects that the source names for it, where that is known before any pixel is read.
    """

    name: str
    subset: str | None
    split: Split
    patient: str
    frames: Callable[[], Iterator[RawFrame]] = no_frames
    length: int = 0
    fps: Fraction | None = None
    images: bool = False
    grouping: Mapping[str, MaskGrouping] = field(default_factory=dict)
    link_rules: LinkRules = field(default_factory=LinkRules)
    crop: tuple[int, int, int, int] | None = None
    procedure: str | None = None
    problem: str = ""
    part: str = ""
    group: str = ""
    missing: tuple[int, ...] = ()
    masks: int | None = None
    masklets: int | None = None

    def description(self) -> str:
        """All that is said of it as text, but how its frames are read; the same in every process."""
        values = {item.name: getattr(self, item.name) for item in fields(self)} | {"frames": None}
        return f"RawVideo({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    def with_frames(self, find_frames: Callable[[RawVideo], RawVideo]) -> RawVideo:
        """`find_frames(self)`, which adds the frames; where their files are wrong, this video with that problem."""
        try:
            return find_frames(self)
        except DatasetError as error:
            return replace(self, problem=str(error))


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a person must know to get a source dataset.

    Attributes:
        name: as on the command line, for example "cvc-clinicdb".
        title: as in the literature.
        procedure: kind of surgery, one word or two.
        subsets: rows of Table 1 that it feeds.
        url: where to get it.
        access: what stands between a person and the download ("free", "registration", "request form", ...).
        licence: short name of the terms, with "unverified" where we could not read them.
        layout: the folders `find` looks for, relative to any folder at most three levels below the root.
        assumes: what this adapter had to assume, in sentences.
    """

    name: str
    title: str
    procedure: str
    subsets: tuple[str, ...]
    url: str
    access: str
    licence: str
    layout: str
    assumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileForm:
    """One kind of file in a download.

    Attributes:
        path: as a person reads it, relative to the folder of the source.
        holds: what is in it.
        patterns: relative globs, one for each way in which the folders may be nested.
        needed: whether nothing can be built without it.
        telling: whether such a file speaks for this source, where others have files of the same name.
    """

    path: str
    holds: str
    patterns: tuple[str, ...]
    needed: bool = True
    telling: bool = True


@dataclass(frozen=True, slots=True)
class DownloadForm:
    """What a download looks like on disk, for the layout page and for `sam2s sasv sources --check`.

    Attributes:
        files: kinds of files that are read.
        archives: globs of the names of the official archives.
        words: parts of names by which people call folders of this source, in lower case and without blanks.
        codes: what the values in label pictures mean.
        record: form of its JSON files, shortened.
    """

    files: tuple[FileForm, ...]
    archives: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    record: str = ""


@dataclass(frozen=True, slots=True)
class PublishedPart:
    """What a complete copy holds of one part of a source. What is not known is None or empty, and not checked.

    Attributes:
        name: of the part, such as "test videos"; `RawVideo.part` says which videos belong to it.
        frames: its annotated frames or single pictures.
        groups: frames by group (see `RawVideo.group`), for the groups whose names are known.
        count: number of groups, where their names are not known.
        masks: masks that its records list.
        masklets: lasting objects by group.
        unit: what a group is.
        in_sasv: whether SA-SV takes from it; other parts are built with `--all` alone.
        get: the archive or file that holds it.
    """

    name: str = ""
    frames: int | None = None
    groups: Mapping[str, int | None] = field(default_factory=dict)
    count: int | None = None
    masks: int | None = None
    masklets: Mapping[str, int] = field(default_factory=dict)
    unit: str = "videos"
    in_sasv: bool = True
    get: str = ""


class Adapter(Protocol):
    """What a module of `sam2s.sasv.adapters` offers.

    Attributes:
        INFO: what a person must know of the source.
        VERSION: goes up by one whenever the same files become other videos, masks or ids; `build` then makes videos of
            this source again. What all sources share has a version of its own (`sam2s.sasv.plan.CORE_VERSION`).
        PARTS: what a complete copy holds.
        FORM: what a download looks like.
    """

    INFO: SourceInfo
    VERSION: int
    PARTS: tuple[PublishedPart, ...]
    FORM: DownloadForm
    __name__: str

    def find(self, root: Path) -> Path | None:
        """The folder below `root` that holds this dataset (or the user's mapping file for it), or None."""
        ...

    def videos(self, folder: Path) -> Iterator[RawVideo]:
        """Yield all videos in a fixed order, without reading pixels. What is wrong with one is its `problem`.

        Raises:
            DatasetError: the source as a whole is not as documented; the message names the file and what to do.
        """
        ...
