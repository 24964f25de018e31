"""What masks mean: presence, use, motion and relations of instruments and organs, and a report of them."""

from .analyze import AnalysisSettings, analyze
from .metrics import CaseMetrics, measure_case
from .series import CaseSeries, read_case

__all__ = ["AnalysisSettings", "CaseMetrics", "CaseSeries", "analyze", "measure_case", "read_case"]
