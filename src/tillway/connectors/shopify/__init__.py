"""Shopify as a source: signed webhooks in, and what they missed fetched from the Admin API."""

from tillway.connectors.shopify.registration import REGISTRATION

__all__ = ["REGISTRATION"]
