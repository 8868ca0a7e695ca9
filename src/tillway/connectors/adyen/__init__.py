"""Adyen: what becomes of payments, by its standard webhook."""

from tillway.connectors.adyen.registration import REGISTRATION

__all__ = ["REGISTRATION"]
