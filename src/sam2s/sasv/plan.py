"""What there is to build: every video of every source found, and what makes it what it is."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sam2s.errors import DatasetError
from sam2s.sasv.completeness import Shortfall, shortfalls
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.patch import Patch, VideoPatch
from sam2s.sasv.raw import Adapter, RawVideo, SourceInfo
from sam2s.sasv.registry import all_adapters, get_adapter, list_videos, published_parts
from sam2s.sasv.traces import tracing

CORE_VERSION = 1
"""Goes up by one whenever the code that all sources share (reading, grouping, linking, mapping files) makes other
videos, masks or ids of the same files; every video is built again then. An adapter's own `VERSION` does the same for
its source alone."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildOptions:
    """How videos are built.

    Attributes:
        everything: also videos that SA-SV leaves out.
        hard_link: link frames instead of copying them.
        fresh: build again what is there already.
        partial: build sources of which something is missing, and mark them so.
        patch: corrections to apply.
    """

    everything: bool = False
    hard_link: bool = False
    fresh: bool = False
    partial: bool = False
    patch: Patch = field(default_factory=Patch)


@dataclass(frozen=True)
class VideoBuild:
    """One video to build.

    Attributes:
        id: "source/name".
        info: of its source.
        video: the video.
        root: of the downloads.
        out: the built set.
        recipe: fingerprint of the code and settings.
        listed: fingerprint of the files that were found for it.
        read: files below `root` that its source was listed from.
        hard_link: link frames instead of copying them.
        fresh: build it even if it is there already.
        patch: corrections to apply.
    """

    id: str
    info: SourceInfo
    video: RawVideo
    root: Path
    out: Path
    recipe: str
    listed: str
    read: frozenset[Path] = frozenset()
    hard_link: bool = False
    fresh: bool = False
    patch: VideoPatch | None = None


@dataclass(frozen=True)
class BuildPlan:
    """What there is to build.

    Attributes:
        builds: the videos.
        without: by source why it cannot be built ("not found", or what is wrong with its files).
        recipes: by id, of all videos of the sources that were found, to be built now or not.
        shortfalls: by source, what is missing of those that are built all the same.
    """

    builds: list[VideoBuild] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    recipes: dict[str, str] = field(default_factory=dict)
    shortfalls: dict[str, list[Shortfall]] = field(default_factory=dict)


def plan_build(root: Path, out: Path, *, sources: Iterable[str] = (), options: BuildOptions | None = None) -> BuildPlan:
    """What there is to build below `root`.

    Args:
        root: folder with the unpacked downloads.
        out: folder of the built set.
        sources: names of sources; all that are found by default.
        options: how to build them.
    """
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the one that holds the unpacked downloads (--root)")
    options = options or BuildOptions()
    plan = BuildPlan()
    for name in list(sources) or list(all_adapters()):
        try:
            _plan_source(plan, get_adapter(name), root, out, options)
        except DatasetError as error:
            if name not in all_adapters():
                raise
            plan.without[name] = str(error)
        except Exception as error:  # a fault in one source's files must not stop the others
            log.debug("listing %s", name, exc_info=True)
            plan.without[name] = f"its files cannot be listed: {type(error).__name__}: {error}"
    if strangers := sorted(set(options.patch.videos) - {build.id for build in plan.builds}):
        log.warning("the patch names %d videos that are not built here, such as %s", len(strangers), strangers[0])
    return plan


def _plan_source(plan: BuildPlan, adapter: Adapter, root: Path, out: Path, options: BuildOptions) -> None:
    """Add the videos of one source to the plan."""
    name = adapter.INFO.name
    folder = adapter.find(root)
    if folder is None:
        plan.without[name] = f"not found below {root}; it should have {adapter.INFO.layout}"
        return
    settings = _settings_of(adapter, folder)
    with tracing() as read:
        videos = list_videos(adapter, folder)
    missing = shortfalls(published_parts(adapter, folder), videos, adapter.INFO.subsets, everything=options.everything)
    if missing and not options.partial:
        raise DatasetError(
            f"incomplete: {'; '.join(map(str, missing))}. {_advice(missing)}, or build what is there with --partial, "
            "which marks it so in all tables"
        )
    plan.shortfalls[name] = missing
    # What the folders held is in the videos: another name in one of them need not concern every video.
    listing = frozenset(path for path in read if not path.is_dir())
    chosen = [video for video in videos if video.subset is not None or options.everything]
    if not chosen:
        log.warning("%s: SA-SV leaves out all %d videos in %s; --all builds them", name, len(videos), folder)
    for video in videos:
        recipe = _fingerprint(settings + video.description().encode())
        plan.recipes[f"{name}/{video.name}"] = recipe
    for video in chosen:
        video_id = f"{name}/{video.name}"
        plan.builds.append(
            VideoBuild(
                id=video_id,
                info=adapter.INFO,
                video=video,
                root=root,
                out=out,
                recipe=plan.recipes[video_id],
                listed=_listed(video, root),
                read=listing,
                hard_link=options.hard_link,
                fresh=options.fresh,
                patch=options.patch.videos.get(video_id),
            )
        )


def _advice(missing: Iterable[Shortfall]) -> str:
    archives = list(dict.fromkeys(shortfall.part.get for shortfall in missing if shortfall.part.get))
    return f"Unpack {' and '.join(archives)}" if archives else "Unpack the rest of the official download"


def _settings_of(adapter: Adapter, folder: Path) -> bytes:
    """Everything but the data that decides what a source's videos become: versions, names, and a mapping file."""
    names = load_ontology().sources.get(adapter.INFO.name)
    settings = repr((CORE_VERSION, adapter.VERSION, names)).encode()
    return settings + (folder.read_bytes() if folder.is_file() else b"")


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _listed(video: RawVideo, root: Path) -> str:
    """Fingerprint of the files that were found for a video, wherever `root` lies."""
    frames = video.frames
    made_of = (frames.func.__qualname__, frames.args, frames.keywords) if isinstance(frames, partial) else ()
    return _fingerprint(repr(made_of).replace(f"'{root.as_posix()}/", "'").encode())
