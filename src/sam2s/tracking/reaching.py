"""Putting a tracker before any frame of a video that passes have gone over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from sam2s.model import Segmentation

from .object_track import ObjectTrack
from .passes import Pass, covering
from .presence import PresenceRule
from .tracker import Tracker

Replay = Callable[[Pass, int, int], Iterator[tuple[int, Tracker]]]
"""Replay a pass from its snapshot nearest to the first time up to the second: yields the time and the tracker after
it."""


def place(tracker: Tracker, time: int, *, reverse: bool, passes: list[Pass], replay: Replay) -> None:
    """Give each object the memory of the frames behind `time` as it was last computed.

    Short-term memory and pointers come from whichever pass went over each frame last, in either direction. Long-term
    memory and presence are taken over from the frame just behind if it was passed in the same direction, else they
    begin anew.
    """
    tracker.reverse, tracker.time = reverse, -1
    step = -1 if reverse else 1
    wanted: dict[int, dict[int, list[ObjectTrack]]] = defaultdict(lambda: defaultdict(list))
    for track in tracker.tracks.values():
        track.rewind()
        for behind in range(time - step * (track.bank.pointer_limit - 1), time, step):
            if run := covering(passes, behind, track.object_id):
                wanted[run.number][behind].append(track)
    for number, tracks_at in wanted.items():
        run, times = passes[number], sorted(tracks_at, reverse=passes[number].reverse)
        same_way = run.reverse == reverse
        # In the same direction a snapshot holds the window behind itself; in the other the window has to be made.
        anchor = times[-1] if same_way else times[0]
        if same_way and any(anchor in track.answers for track in tracks_at[anchor]):
            anchor -= run.step  # so that what the corrected frame did to the long-term memory can be undone
        for at, old in replay(run, anchor, times[-1]):
            for behind in times:
                for track in tracks_at[behind]:
                    _take_recent(track, old.tracks.get(track.object_id), behind)
            if same_way and at == time - step:
                for track in tracks_at[at]:
                    _go_on(track, old.tracks.get(track.object_id), at, tracker.rule)
    for track in tracker.tracks.values():
        track.bank.trim(time, reverse=reverse)


def answer_of(run: Pass, time: int, object_id: int, replay: Replay) -> Segmentation | None:
    """What a pass answered for an object at a time it went over."""
    for at, old in replay(run, time - run.step, time):
        track = old.tracks.get(object_id)
        if at == time and track and track.last and track.last[0] == time:
            return track.last[1]
    return None


def _take_recent(track: ObjectTrack, old: ObjectTrack | None, time: int) -> None:
    """Take the memory of a frame when it is met first, while it still has its map."""
    if old and time in old.bank.recent and time not in track.answers and time not in track.bank.recent:
        track.bank.recent[time] = old.bank.recent[time]


def _go_on(track: ObjectTrack, old: ObjectTrack | None, time: int, rule: PresenceRule) -> None:
    """Take over the long-term memory and the presence that an object had after a frame."""
    if old is None:
        return
    corrected = time in track.answers and time not in old.answers
    if corrected:
        old.bank.undo(time)
    track.bank.take_long_term(old.bank)
    track.presence = old.presence_before if corrected else old.presence
    if corrected:
        track.bank.filter.interrupt()
        track.note(time, track.answers[time].answer, rule)
