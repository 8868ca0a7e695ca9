"""Registers Square; the source itself is imported when the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillway.connect.kit import Registration, SourceContext
from tillway.connectors.square.settings import SquareSourceSettings

if TYPE_CHECKING:
    from tillway.connectors.square.source import SquareSource


def _make_source(settings: SquareSourceSettings, context: SourceContext) -> SquareSource:
    from tillway.connectors.square.source import SquareSource

    return SquareSource(settings, context)


REGISTRATION = Registration(
    name="square",
    summary="Square's webhooks and API: orders, payments, refunds, payouts and cash drawers.",
    masking=("square",),
    source_settings=SquareSourceSettings,
    make_source=_make_source,
)
