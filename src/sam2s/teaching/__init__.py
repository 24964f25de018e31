"""Teaching: the tracker learns from accepted masks, and what it learned is measured before it is used."""

from .taught_weights import TaughtFolder, TaughtWeights
from .teach import TeachingPlan, plan_teaching, teach

__all__ = ["TaughtFolder", "TaughtWeights", "TeachingPlan", "plan_teaching", "teach"]
