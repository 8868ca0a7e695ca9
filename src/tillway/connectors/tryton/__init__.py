"""Tryton in both directions: receipts become posted moves, and the books are read back."""

from tillway.connectors.tryton.registration import REGISTRATION

__all__ = ["REGISTRATION"]
