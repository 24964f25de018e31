"""Who edits a video: one tab at a time, which others may take over from, with notice."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from sam2s.app.problems import ApiError

QUIET_SECONDS = 12.0
"""A tab that was not heard of for so long edits no more; an open page is heard of every second."""

LEFT_SECONDS = 2.0
"""One whose page was closed keeps it so long."""


@dataclass(slots=True)
class Holder:
    """A tab that edits."""

    tab: str
    user: str
    since: float
    heard: float


class EditLock:
    """The right to change one video."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Holder | None = None
        self._lost: dict[str, str] = {}  # what a tab has to be told of its loss

    def take(self, tab: str, user: str, *, take_over: bool = False) -> None:
        """Begin to edit, or go on.

        Raises:
            ApiError: another tab edits.
        """
        with self._lock:
            now = time.monotonic()
            held = self._current(now)
            if held is not None and held.tab != tab:
                if not take_over:
                    raise ApiError("locked", f"{held.user} edits this video; look on, or take over")
                self._lost[held.tab] = f"{user} has taken over; you look on"
            if held is None or held.tab != tab:
                self._holder = Holder(tab, user, time.time(), now)
                self._lost.pop(tab, None)
            else:
                held.heard, held.user = now, user

    def heard(self, tab: str) -> None:
        """Note that a tab is still open."""
        with self._lock:
            if self._holder is not None and self._holder.tab == tab:
                self._holder.heard = time.monotonic()

    def left(self, tab: str) -> None:
        """Note that the page of a tab was closed; it keeps the right for a moment, as it may be loaded again."""
        with self._lock:
            if self._holder is not None and self._holder.tab == tab:
                self._holder.heard = time.monotonic() - QUIET_SECONDS + LEFT_SECONDS

    def release(self, tab: str) -> None:
        """Stop editing; of no effect for a tab that does not."""
        with self._lock:
            if self._holder is not None and self._holder.tab == tab:
                self._holder = None

    def state(self, tab: str) -> tuple[str | None, bool, float | None, str | None]:
        """Who edits, whether it is this tab, since when, and what the tab has to be told."""
        with self._lock:
            held = self._current(time.monotonic())
            notice = self._lost.get(tab)
            if held is None:
                return None, False, None, notice
            return held.user, held.tab == tab, held.since, notice

    def _current(self, now: float) -> Holder | None:
        if self._holder is not None and now - self._holder.heard > QUIET_SECONDS:
            self._holder = None
        return self._holder
