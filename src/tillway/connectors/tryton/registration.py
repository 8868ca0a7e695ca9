"""The one registration of the Tryton connector; source and target load when they are made."""

from __future__ import annotations

from tillway.connect.kit import PullSource, Registration, SourceContext, Target, TargetContext
from tillway.connectors.tryton.settings import TrytonSourceSettings, TrytonTargetSettings


def _make_source(settings: TrytonSourceSettings, context: SourceContext) -> PullSource:
    from tillway.connectors.tryton.source import TrytonSource

    return TrytonSource(settings, context)


def _make_target(settings: TrytonTargetSettings, context: TargetContext) -> Target:
    from tillway.connectors.tryton.target import TrytonTarget

    return TrytonTarget(settings, context)


REGISTRATION = Registration(
    name="tryton",
    summary="A Tryton ERP: receipts become posted moves, and the posted moves are read back.",
    source_settings=TrytonSourceSettings,
    make_source=_make_source,
    target_settings=TrytonTargetSettings,
    make_target=_make_target,
)
