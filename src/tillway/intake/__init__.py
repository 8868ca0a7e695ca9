"""From a source to the journal: decode, mask, map, check, store, answer."""

from tillway.intake.intake import Gate, SourceIntake
from tillway.intake.pipeline import Pipeline

__all__ = ["Gate", "Pipeline", "SourceIntake"]
