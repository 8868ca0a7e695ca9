"""The chain as code: reads and checks the project folder and gives one immutable Release."""

from tillway.project.load import Project, load_project, load_release
from tillway.project.problems import Problem, ProjectErrors
from tillway.project.records import (
    BreakerPolicy,
    HubSettings,
    RecordSelector,
    Release,
    RetryPolicy,
    SourceRecord,
    Store,
    TargetRecord,
)

__all__ = [
    "BreakerPolicy",
    "HubSettings",
    "Problem",
    "Project",
    "ProjectErrors",
    "RecordSelector",
    "Release",
    "RetryPolicy",
    "SourceRecord",
    "Store",
    "TargetRecord",
    "load_project",
    "load_release",
]
