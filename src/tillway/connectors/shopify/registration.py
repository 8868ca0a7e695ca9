"""The one registration of the Shopify connector; the source loads when it is made."""

from __future__ import annotations

from tillway.connect.kit import Registration, Source, SourceContext
from tillway.connectors.shopify.settings import ShopifySourceSettings


def _make_source(settings: ShopifySourceSettings, context: SourceContext) -> Source:
    from tillway.connectors.shopify.source import ShopifySource

    return ShopifySource(settings, context)


REGISTRATION = Registration(
    name="shopify",
    summary="Orders, refunds, transactions and payouts of a Shopify shop.",
    masking=("shopify",),
    source_settings=ShopifySourceSettings,
    make_source=_make_source,
)
