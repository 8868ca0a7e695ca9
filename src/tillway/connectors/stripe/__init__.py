"""Stripe: charges, refunds and payouts, by webhook and by its API."""

from tillway.connectors.stripe.registration import REGISTRATION

__all__ = ["REGISTRATION"]
