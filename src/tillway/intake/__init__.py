"""From a source to the journal: decode, mask, map, check, store, answer."""

from tillway.intake.crew import Crew
from tillway.intake.gathering import Gathering
from tillway.intake.intake import Gate, SourceIntake
from tillway.intake.pipeline import Arrival, Pipeline
from tillway.intake.preparation import Preparation
from tillway.intake.worker import fork_workers

__all__ = [
    "Arrival",
    "Crew",
    "Gate",
    "Gathering",
    "Pipeline",
    "Preparation",
    "SourceIntake",
    "fork_workers",
]
