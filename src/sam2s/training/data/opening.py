"""One door to everything that clips can be drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sam2s.errors import ConfigError
from sam2s.sasv.masklets import MANIFEST
from sam2s.synth import CutoutFolder
from sam2s.training.settings import require, require_positive, require_share

from .davis import davis_entries
from .masklet_set import masklet_entries
from .noise import MissedAs, Noisy
from .sav import sav_entries
from .sav_masks import sav_mask_entries
from .scenes import CutoutScenes, Scenes
from .video import Entry, Shelf, Source

SYNTHETIC, CUTOUTS = "synthetic", "cutouts"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSettings:
    """A source and what to take from it.

    Attributes:
        place: a folder (a built set, DAVIS, YouTube-VOS, MOSE, SA-V, frames and masks), "synthetic", or "cutouts".
        weight: how much likelier its clips are than their number makes them; 0 leaves the source out.
        cap: most frames that a video counts for.
        split: part of the set, or None for all.
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
        require(self, "jitter", "missed", least=0, below=1)
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
        entries = find_entries(Path(settings.place), split=settings.split, subset=settings.subset, auto=settings.auto)
        source = Shelf(settings.place, tuple(entries), settings.weight, settings.cap)
    noisy = settings.jitter or settings.missed
    return Noisy(source, settings.jitter, settings.missed, settings.missed_as) if noisy else source


def find_entries(
    root: Path, *, split: str | None = None, subset: str | None = None, auto: bool = False
) -> Sequence[Entry]:
    """Videos and pictures of a folder, whatever its form; see `SourceSettings`.

    Raises:
        ConfigError: there is no such folder.
        DatasetError: it has no form that is known, or nothing of this split.
    """
    root = root.expanduser()
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder; give a built set, a DAVIS or SA-V folder, or {SYNTHETIC!r}")
    if (root / MANIFEST).exists():
        return masklet_entries(root, split=split, subset=subset)
    if entries := sav_mask_entries(root) or sav_entries(root, auto=auto):
        return entries
    return davis_entries(root, split=split)
