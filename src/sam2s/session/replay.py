"""Putting a tracker before any frame of a video that passes have gone over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import copy

from sam2s.model import Segmentation
from sam2s.tracking.object_track import ObjectTrack, Prompted
from sam2s.tracking.presence import PresenceRule
from sam2s.tracking.tracker import Tracker

from .propagation import Propagation, covering

Replay = Callable[[Propagation, int, int], Iterator[tuple[int, Tracker]]]
"""Replay a pass from its snapshot nearest to the first time up to the second: yields the time and the tracker after
it."""


def place_tracker(
    tracker: Tracker,
    time: int,
    *,
    reverse: bool,
    propagations: list[Propagation],
    replay: Replay,
    asked: tuple[Propagation, int] | None = None,
) -> Segmentation | None:
    """Give each object the memory of the frames behind `time` as it was last computed.

    Short-term memory and pointers come from whichever pass went over each frame last, in either direction, or from
    corrections since. Long-term memory and presence are taken over from the frame just behind if it was passed in the
    same direction, else they begin anew.

    Returns:
        what the pass that is `asked`, which went over `time` in the same direction, answered there for an object of
        this id; None if nothing is asked.
    """
    tracker.reverse, tracker.time = reverse, -1
    step = -1 if reverse else 1
    wanted: dict[int, dict[int, list[ObjectTrack]]] = defaultdict(lambda: defaultdict(list))
    for track in tracker.tracks.values():
        track.rewind()
        for behind in range(time - step * (track.bank.pointer_limit - 1), time, step):
            if propagation := covering(propagations, behind, track.object_id):
                wanted[propagation.number][behind].append(track)
    shown = None
    if asked:
        wanted[asked[0].number][time] = []
    for number, tracks_at in wanted.items():
        propagation, times = propagations[number], sorted(tracks_at, reverse=propagations[number].reverse)
        same_way = propagation.reverse == reverse
        # In the same direction a snapshot holds the window behind itself; in the other the window has to be made.
        anchor = time - step if times[-1] == time else times[-1] if same_way else times[0]
        if same_way and any(_corrected(track, anchor) for track in tracks_at[anchor]):
            anchor -= propagation.step  # so that what the corrected frame did can be undone
        for at, old in replay(propagation, anchor, times[-1]):
            for behind in times:
                for track in tracks_at[behind]:
                    _take_recent(track, old.tracks.get(track.object_id), behind)
            if same_way and at == time - step:
                for track in tracks_at[at]:
                    _go_on(track, old.tracks.get(track.object_id), at, tracker.rule)
            if asked and propagation is asked[0] and at == time and (answered := old.tracks.get(asked[1])):
                shown = answered.shown(time)
    for track in tracker.tracks.values():
        track.bank.trim(time, reverse=reverse)
    return shown


def _corrected(track: ObjectTrack, time: int) -> Prompted | None:
    """What holds on a frame whatever passes answered there."""
    return track.answers.get(time) or track.corrections.get(time)


def _take_recent(track: ObjectTrack, old: ObjectTrack | None, time: int) -> None:
    """Take the memory of a frame when it is met first, while it still has its map, or that of its correction."""
    if old is None or time in track.answers or time in track.bank.recent:
        return
    if (corrected := track.corrections.get(time)) and corrected.entry.map is not None:
        track.bank.recent[time] = corrected.entry
    elif time in old.bank.recent:
        track.bank.recent[time] = old.bank.recent[time]


def _go_on(track: ObjectTrack, old: ObjectTrack | None, time: int, rule: PresenceRule) -> None:
    """Take over the long-term memory and the presence that an object had after a frame."""
    if old is None:
        return
    corrected = None if time in old.answers else _corrected(track, time)
    conditioning = time in track.answers
    bank = copy(old.bank)  # the replay goes on from its own
    if corrected and conditioning:
        bank.undo(time)
    track.bank.take_long_term(bank)
    track.presence = old.presence_before if corrected else old.presence
    if corrected:
        track.note(time, corrected.answer, rule)
        if conditioning:
            track.bank.filter.interrupt()
