"""What there is to build: every video of every source found, and what makes it what it is."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sam2s.errors import DatasetError
from sam2s.sasv import assemble as assemble_module
from sam2s.sasv import instances as instances_module
from sam2s.sasv import linking as linking_module
from sam2s.sasv import mapping as mapping_module
from sam2s.sasv import reading as reading_module
from sam2s.sasv.ontology import load_ontology
from sam2s.sasv.patch import Patch, VideoPatch
from sam2s.sasv.raw import Adapter, RawVideo, SourceInfo
from sam2s.sasv.registry import all_adapters, get_adapter, list_videos
from sam2s.sasv.traces import tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildOptions:
    """How videos are built.

    Attributes:
        everything: also videos that SA-SV leaves out.
        hard_link: link frames instead of copying them.
        fresh: build again what is there already.
        patch: corrections to apply.
    """

    everything: bool = False
    hard_link: bool = False
    fresh: bool = False
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
    """

    builds: list[VideoBuild] = field(default_factory=list)
    without: dict[str, str] = field(default_factory=dict)
    recipes: dict[str, str] = field(default_factory=dict)


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
    code = _code_of(adapter, folder)
    with tracing() as read:
        videos = list_videos(adapter, folder)
    # What the folders held is in the videos: another name in one of them need not concern every video.
    listing = frozenset(path for path in read if not path.is_dir())
    chosen = [video for video in videos if video.subset is not None or options.everything]
    if not chosen:
        log.warning("%s: SA-SV leaves out all %d videos in %s; --all builds them", name, len(videos), folder)
    for video in videos:
        recipe = _fingerprint(code + repr(replace(video, frames=None)).encode())  # type: ignore[arg-type]
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


def _code_of(adapter: Any, folder: Path) -> bytes:
    """Everything but the data that decides what a source's videos become."""
    modules = [adapter, mapping_module, reading_module, assemble_module, instances_module, linking_module]
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    names = repr(load_ontology().sources.get(adapter.INFO.name)).encode()
    return code + names + (folder.read_bytes() if folder.is_file() else b"")


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _listed(video: RawVideo, root: Path) -> str:
    """Fingerprint of the files that were found for a video, wherever `root` lies."""
    frames = video.frames
    made_of = (frames.func.__qualname__, frames.args, frames.keywords) if isinstance(frames, partial) else ()
    return _fingerprint(repr(made_of).replace(f"'{root.as_posix()}/", "'").encode())
