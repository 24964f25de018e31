"""One door to everything that clips can be drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2s.errors import ConfigError, DatasetError
from sam2s.sasv.masklets import MANIFEST
from sam2s.synth import CutoutFolder
from sam2s.training.settings import require, require_positive, require_share

from .davis import davis_entries
from .masklet_set import masklet_entries
from .noise import MissedAs, Noisy
from .sav import sav_entries
from .sav_masks import sav_mask_entries
from .scenes import CutoutScenes, Scenes
from .video import Shelf, Source, TrainingEntry, divide

SYNTHETIC, CUTOUTS = "synthetic", "cutouts"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSettings:
    """A source and what to take from it.

    Attributes:
        place: a folder (a built set, DAVIS, YouTube-VOS, MOSE, SA-V, frames and masks), "synthetic", or "cutouts".
        weight: how much likelier its clips are than their number makes them; 0 leaves the source out.
        cap: most frames that a video counts for.
        split: part of the set, or None for all.
        split_file: what `sam2s sasv split` wrote, by which a built set is divided instead of by its own parts.
        hold_out: share of the annotated frames of each video that is left out at its end, to validate on.
        licence: terms of use of the data, in the written weights' record; a built set states its own.
        subset: row of Table 1 of the SAM2S paper (built sets).
        auto: whether to take automatic masklets too (SA-V).
        length, kind, tempo, drift: of drawn scenes, see `sam2s.synth.Scene`; `kind` is not for cut-outs.
        folder: pictures with alpha, in folders named after their categories ("cutouts").
        photos: pictures for grounds and skins of cut-outs, or None for drawn ones alone.
        jitter, missed, missed_as: label noise, see `NoisyVideo`.
    """

    place: str
    weight: float = 1.0
    cap: int = 500
    split: str | None = "train"
    split_file: str | None = None
    hold_out: float = 0.0
    licence: str = ""
    subset: str | None = None
    auto: bool = False
    length: int = 100
    kind: str | None = None
    tempo: float | None = None
    drift: float = 0.25
    folder: str | None = None
    photos: str | None = None
    jitter: float = 0.0
    missed: float = 0.0
    missed_as: MissedAs = "unknown"

    def __post_init__(self) -> None:
        if not self.place:
            raise ConfigError(f"place is empty; name a folder, or {SYNTHETIC!r}")
        require(self, "weight", least=0)
        require_share(self, "drift")
        require(self, "cap", "length", least=1)
        require(self, "jitter", "missed", "hold_out", least=0, below=1)
        if self.tempo is not None:
            require_positive(self, "tempo")
        if self.place == CUTOUTS and not self.folder:
            raise ConfigError(
                f"place is {CUTOUTS}, but no folder is named; give folder, one that holds pictures with alpha"
            )
        if self.place != CUTOUTS and (self.folder or self.photos):
            raise ConfigError(f"place is {self.place}; folder and photos go with place: {CUTOUTS} alone")

    @property
    def needs(self) -> tuple[str, ...]:
        """Folders that must be there."""
        if self.place == SYNTHETIC:
            return ()
        return (self.place,) if self.place != CUTOUTS else tuple(x for x in (self.folder, self.photos) if x)


def open_source(settings: SourceSettings, *, size: int) -> Source:
    """Find what is there; no video is opened yet.

    Args:
        settings: the source.
        size: side of drawn scenes in pixels; other sources have their own sizes.

    Raises:
        ConfigError: there is no such folder, or a setting has a value that cannot work.
        DatasetError: it holds nothing to train on.
    """
    source: Source
    if settings.place == SYNTHETIC:
        s = settings
        source = Scenes(size, s.length, s.kind, s.tempo, s.drift, s.weight)
    elif settings.place == CUTOUTS:
        s = settings
        photos = Path(s.photos).expanduser() if s.photos else None
        folder = CutoutFolder.open(Path(s.folder or "").expanduser(), photos)
        source = CutoutScenes(size, folder, s.length, s.tempo, s.drift, s.weight)
    else:
        entries = training_entries(settings)
        source = Shelf(settings.place, tuple(entries), settings.weight, settings.cap)
    noisy = settings.jitter or settings.missed
    return Noisy(source, settings.jitter, settings.missed, settings.missed_as) if noisy else source


def training_entries(settings: SourceSettings) -> list[TrainingEntry]:
    """Videos and pictures of a source that is a folder, without what is held out.

    Raises:
        ConfigError: there is no such folder.
        DatasetError: it has no form that is known, or nothing of this split.
    """
    entries = _entries(settings, settings.split)
    return [divide(entry, settings.hold_out)[0] if settings.hold_out else entry for entry in entries]


def held_out_entries(settings: SourceSettings, split: str | None) -> list[TrainingEntry]:
    """Videos of a folder on which nothing is trained: the ends that the source holds out, or a part of the set.

    A place without parts has none.

    Raises:
        ConfigError: there is no such folder.
        DatasetError: it has no form that is known.
    """
    trained = _entries(settings, settings.split)
    if settings.hold_out:
        parts = [divide(entry, settings.hold_out)[1] for entry in trained]
        return [part for part in parts if part.frames > 1]
    try:
        entries = _entries(settings, split)
    except DatasetError:
        return []  # there is no such part
    names = {entry.name for entry in trained}
    return [] if any(entry.name in names for entry in entries) else [e for e in entries if e.frames > 1]


def _entries(settings: SourceSettings, split: str | None) -> Sequence[TrainingEntry]:
    file = Path(settings.split_file).expanduser() if settings.split_file else None
    return find_entries(Path(settings.place), split=split, subset=settings.subset, auto=settings.auto, split_file=file)


def find_entries(
    root: Path,
    *,
    split: str | None = None,
    subset: str | None = None,
    auto: bool = False,
    split_file: Path | None = None,
) -> Sequence[TrainingEntry]:
    """Videos and pictures of a folder, whatever its form; see `SourceSettings`.

    Raises:
        ConfigError: there is no such folder.
        DatasetError: it has no form that is known, or nothing of this split.
    """
    root = root.expanduser()
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder; give a built set, a DAVIS or SA-V folder, or {SYNTHETIC!r}")
    if (root / MANIFEST).exists():
        return masklet_entries(root, split=split, subset=subset, split_file=split_file)
    if split_file is not None:
        raise ConfigError(
            f"{root} is not a built set, so {split_file} does not divide it; use ImageSets/train.txt there"
        )
    if entries := sav_mask_entries(root) or sav_entries(root, auto=auto):
        return entries
    return davis_entries(root, split=split)
