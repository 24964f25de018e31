"""Which frames of a video make a clip, and which of its objects are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from .absence import consecutive_with_absence, divemem_with_absence, draw_absent
from .clip_settings import ClipSettings
from .sampling import TRIES, consecutive, divemem
from .video import TrainingVideo

Group = tuple[int, ...]
"""Ids that count as one object: one id, or two where they are taken for one."""

ATTEMPTS = 4
"""First frames from which a clip with absent frames is sought before one is taken as it comes."""


def choose_frames(
    video: TrainingVideo, settings: ClipSettings, rng: np.random.Generator, *, frames: int, dive: bool
) -> tuple[list[int], list[Group]] | None:
    """Numbers of a clip's frames, and its objects; None where no frame was found that shows one."""
    if not video.frames:
        return None
    choice = _Choice(video, settings, rng, frames)
    found = choice.with_absence(dive) if settings.absent is not None and frames > 1 else None
    found = found or (choice.divemem() if dive else choice.consecutive())
    if found is None:
        return None
    positions, groups = found
    return [video.frames[position] for position in positions], groups


class _Choice:
    """One choice; positions count the annotated frames of the video.

    Args:
        video: where from.
        settings: what the clip is like.
        rng: chooses.
        frames: frames of the clip.
    """

    def __init__(self, video: TrainingVideo, settings: ClipSettings, rng: np.random.Generator, frames: int) -> None:
        self.video, self.settings, self.rng, self.frames = video, settings, rng, frames
        self.count = len(video.frames)
        self.stride = int(rng.choice(settings.strides))
        self.reverse = bool(rng.random() < settings.reverse)

    def consecutive(self) -> tuple[list[int], list[Group]] | None:
        """Consecutive frames, with the absences that come."""
        positions = consecutive(
            self.count, self.frames, self._shown, self.rng, stride=self.stride, reverse=self.reverse
        )
        return None if positions is None else (positions, self._groups(positions[0]))

    def divemem(self) -> tuple[list[int], list[Group]] | None:
        """A DiveMem clip, with the absences that come."""
        groups: list[Group] = []

        def recalled(first: int) -> Callable[[int], float]:
            groups.extend(self._groups(first))
            return self._share(groups)

        wanted = recalled if self.settings.long_term_visible else None
        positions = divemem(self.count, self.frames, self._shown, self.rng, stride=self.stride, recalled=wanted)
        return None if positions is None else (positions, groups or self._groups(positions[0]))

    def with_absence(self, dive: bool) -> tuple[list[int], list[Group]] | None:
        """A clip with about as many absent frames as are drawn, or None where a few attempts find none."""
        assert self.settings.absent is not None
        absent = draw_absent(self.settings.absent, self.frames, self.rng)
        for _ in range(ATTEMPTS if absent else TRIES):
            first = next((p for p in self.rng.permutation(self.count)[:TRIES].tolist() if self._shown(p)), None)
            if first is None:
                return None
            lead, *_ = groups = self._groups(first)
            visible = partial(self._is_visible, lead)
            positions = None
            if dive:
                share = self._share(groups) if self.settings.long_term_visible else None
                positions = divemem_with_absence(
                    self.count, self.frames, first, visible, self.rng, absent=absent, share=share, stride=self.stride
                )
            else:
                positions = consecutive_with_absence(
                    self.count,
                    self.frames,
                    first,
                    visible,
                    self.rng,
                    absent=absent,
                    stride=self.stride,
                    reverse=self.reverse,
                )
            if positions is not None:
                return positions, self._joined(lead, positions, absent)
        return None

    def _shown(self, position: int) -> bool:
        """Whether a position shows an object to start from."""
        return any(share >= self.settings.min_area for share in self._cover(position).values())

    def _groups(self, first: int) -> list[Group]:
        """Objects of a clip that begins at a position."""
        settings, cover = self.settings, self._cover(first)
        visible = [i for i in sorted(cover) if cover[i] >= settings.min_area]
        groups: list[Group] = [(i,) for i in self.rng.permutation(visible)[: settings.objects].tolist()]
        if len(visible) > 1 and self.rng.random() < settings.merge:
            groups[0] = tuple(self.rng.permutation(visible)[:2].tolist())
        return groups

    def _joined(self, lead: Group, positions: list[int], absent: int) -> list[Group]:
        """The object that was followed, and others that are absent on no more frames than were asked for."""
        others = [group for group in self._groups(positions[0]) if not set(group) & set(lead)]
        missing = {group: sum(not self._is_visible(group, position) for position in positions) for group in others}
        return [lead, *(group for group in others if missing[group] <= absent)][: self.settings.objects]

    def _share(self, groups: list[Group]) -> Callable[[int], float]:
        """Share of some objects that a position shows."""
        return lambda position: sum(self._is_visible(group, position) for group in groups) / len(groups)

    def _is_visible(self, group: Group, position: int) -> bool:
        cover = self._cover(position)
        return any(cover.get(i, 0) > 0 for i in group)

    def _cover(self, position: int) -> Mapping[int, float]:
        return self.video.cover(self.video.frames[position])
