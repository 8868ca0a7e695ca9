"""Registers Stripe; the source itself is imported when the first one is made."""

from __future__ import annotations

from tillway.connect.kit import Registration

REGISTRATION = Registration(
    name="stripe",
    summary="Stripe's webhooks and API: charges, refunds, and payouts with their entries.",
    masking=("stripe",),
)
