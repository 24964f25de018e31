"""What to believe of a video and of masks: events and cuts, the quality of each mask, alarms, doubt about prompts."""

from sam2s.video.event_kind import EventKind

from .alarms import ALARM_TEXTS, AlarmLimits
from .backward import backward_agreement
from .calibration import BLANK_MODEL, QualityModel, default_model, read_model
from .cuts import CutDetector, find_cuts
from .event_detector import EventDetector, EventSpan, find_events, iterate_events
from .event_marks import read_marks, write_marks
from .event_rules import EventThresholds
from .features import EMPTY, SEEN
from .fitting import LabelledMasks, fit_model
from .frame_judge import UNJUDGED, FrameJudge
from .monitor import QualityMonitor, model_of
from .prompt_check import ADVICE, PromptWarning, prompt_agreement, prompt_kind, prompt_warning

__all__ = [
    "ADVICE",
    "ALARM_TEXTS",
    "BLANK_MODEL",
    "EMPTY",
    "SEEN",
    "UNJUDGED",
    "AlarmLimits",
    "CutDetector",
    "EventDetector",
    "EventKind",
    "EventSpan",
    "EventThresholds",
    "FrameJudge",
    "LabelledMasks",
    "PromptWarning",
    "QualityModel",
    "QualityMonitor",
    "backward_agreement",
    "default_model",
    "find_cuts",
    "find_events",
    "fit_model",
    "iterate_events",
    "model_of",
    "prompt_agreement",
    "prompt_kind",
    "prompt_warning",
    "read_marks",
    "read_model",
    "write_marks",
]
