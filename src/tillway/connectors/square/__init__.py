"""Square: orders, payments, refunds, payouts and cash drawers, by webhook and by its API."""

from tillway.connectors.square.registration import REGISTRATION

__all__ = ["REGISTRATION"]
