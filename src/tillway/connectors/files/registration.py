"""The one registration of the files connector; source and target load when they are made."""

from __future__ import annotations

from tillway.connect.kit import PullSource, Registration, SourceContext, Target, TargetContext
from tillway.connectors.files.settings import FilesSourceSettings, FilesTargetSettings


def _make_source(settings: FilesSourceSettings, context: SourceContext) -> PullSource:
    from tillway.connectors.files.source import FilesSource

    return FilesSource(settings, context)


def _make_target(settings: FilesTargetSettings, context: TargetContext) -> Target:
    from tillway.connectors.files.target import FilesTarget

    return FilesTarget(settings, context)


REGISTRATION = Registration(
    name="files",
    summary="A watched folder as a source, and a folder of JSON or NDJSON files as a target.",
    source_settings=FilesSourceSettings,
    make_source=_make_source,
    target_settings=FilesTargetSettings,
    make_target=_make_target,
)
