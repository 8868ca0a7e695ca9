"""Registers Stripe; the source itself is imported when the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tillway.connect.kit import Registration, SourceContext
from tillway.connectors.stripe.settings import StripeSourceSettings

if TYPE_CHECKING:
    from tillway.connectors.stripe.source import StripeSource


def _make_source(settings: StripeSourceSettings, context: SourceContext) -> StripeSource:
    from tillway.connectors.stripe.source import StripeSource

    return StripeSource(settings, context)


REGISTRATION = Registration(
    name="stripe",
    summary="Stripe's webhooks and API: charges, refunds, and payouts with their entries.",
    masking=("stripe",),
    source_settings=StripeSourceSettings,
    make_source=_make_source,
)
