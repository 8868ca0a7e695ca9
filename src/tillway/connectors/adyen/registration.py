"""Registers Adyen; the source itself is imported when the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillway.connect.kit import Registration, SourceContext
from tillway.connectors.adyen.settings import AdyenSourceSettings

if TYPE_CHECKING:
    from tillway.connectors.adyen.source import AdyenSource


def _make_source(settings: AdyenSourceSettings, context: SourceContext) -> AdyenSource:
    from tillway.connectors.adyen.source import AdyenSource

    return AdyenSource(settings, context)


REGISTRATION = Registration(
    name="adyen",
    summary="Adyen's standard webhook: authorisations, captures, refunds and chargebacks.",
    masking=("adyen",),
    source_settings=AdyenSourceSettings,
    make_source=_make_source,
)
