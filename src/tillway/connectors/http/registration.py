"""The one registration of the HTTP connector; source and target load when they are made."""

from __future__ import annotations

from tillway.connect.kit import Registration, Source, SourceContext, Target, TargetContext
from tillway.connectors.http.settings import HttpSourceSettings, HttpTargetSettings


def _make_source(settings: HttpSourceSettings, context: SourceContext) -> Source:
    if settings.url:
        from tillway.connectors.http.fetch import HttpFetch

        return HttpFetch(settings, context)
    from tillway.connectors.http.source import HttpSource

    return HttpSource(settings, context)


def _make_target(settings: HttpTargetSettings, context: TargetContext) -> Target:
    from tillway.connectors.http.target import HttpTarget

    return HttpTarget(settings, context)


REGISTRATION = Registration(
    name="http",
    summary=(
        "A door for POST requests and webhooks, any REST endpoint as a target, and any endpoint "
        "that lists records as a source."
    ),
    source_settings=HttpSourceSettings,
    make_source=_make_source,
    target_settings=HttpTargetSettings,
    make_target=_make_target,
)
