"""What to believe of a video: scene cuts, and events such as smoke, a wash of the lens, frames out of the body."""

from .cuts import CutDetector, find_cuts
from .event_detector import EventDetector, EventSpan, find_events
from .event_marks import read_marks, write_marks
from .event_rules import EventKind, EventThresholds
from .frame_judge import UNJUDGED, FrameJudge

__all__ = [
    "UNJUDGED",
    "CutDetector",
    "EventDetector",
    "EventKind",
    "EventSpan",
    "EventThresholds",
    "FrameJudge",
    "find_cuts",
    "find_events",
    "read_marks",
    "write_marks",
]
