"""Who edits a video: one tab at a time, which others may take over from, with notice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass

from sam2s.app.problems import ApiError

QUIET_SECONDS = 12.0
"""Another may edit when a program that has no page open was not heard of for so long."""

LEFT_SECONDS = 2.0
"""Another may edit so long after the page of the one that edits was closed, unless it is loaded again."""


@dataclass(slots=True)
class Holder:
    """A tab that edits."""

    tab: str
    user: str
    since: float
    heard: float


class EditLock:
    """The right to change one video.

    Whoever has it keeps it for as long as a page of theirs is connected, however busy the machine is, and after that
    until somebody else edits: nothing is lost to time alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Holder | None = None
        self._pages = Counter[str]()  # connected pages by tab
        self._lost: dict[str, str] = {}  # what a tab has to be told of its loss

    def take(self, tab: str, user: str, *, take_over: bool = False) -> None:
        """Begin to edit, or go on.

        Raises:
            ApiError: another tab edits.
        """
        with self._lock:
            now, held = time.monotonic(), self._holder
            if held is not None and held.tab == tab:
                held.heard, held.user = now, user
                return
            if held is not None:
                if self._is_present(held) and not take_over:
                    raise ApiError("locked", f"{held.user} edits this video; look on, or take over")
                self._lost[held.tab] = (
                    f"{user} has taken over; you look on"
                    if self._is_present(held)
                    else f"{user} edits this video since you were out of reach; you look on"
                )
            self._holder = Holder(tab, user, time.time(), now)
            self._lost.pop(tab, None)

    def opened(self, tab: str) -> None:
        """Note that a page of a tab is connected."""
        with self._lock:
            self._pages[tab] += 1

    def left(self, tab: str) -> None:
        """Note that a page of a tab is gone; it keeps the right for a moment, as it may be loaded again."""
        with self._lock:
            self._pages[tab] -= 1
            if self._pages[tab] <= 0:
                del self._pages[tab]
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
            held, notice = self._holder, self._lost.get(tab)
            if held is None or (held.tab != tab and not self._is_present(held)):
                return None, False, None, notice
            return held.user, held.tab == tab, held.since, notice

    def _is_present(self, holder: Holder) -> bool:
        return self._pages[holder.tab] > 0 or time.monotonic() - holder.heard <= QUIET_SECONDS
