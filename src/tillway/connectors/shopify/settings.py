"""What can be set for a Shopify shop; the reference pages come from here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tillway.connect.settings import says

MAX_BODY_BYTES = 4 * 1024 * 1024
LARGEST_PAGE = 250
TOPICS = (
    "orders/create",
    "orders/updated",
    "orders/delete",
    "refunds/create",
    "order_transactions/create",
)
"""What a shop must be subscribed to, so that every change of an order is heard of."""


class ShopifySourceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Shopify shop: a door for its webhooks, and a poller that fetches from the Admin API."""

    shop: Annotated[str, says("Domain of the shop at Shopify.", "lantern.myshopify.com")]
    webhook_secrets: Annotated[
        tuple[str, ...] | str,
        says("Live client secrets of the app; two while one is rotated.", secret=True),
    ]
    access_token: Annotated[
        str, says("Admin API access token of the app.", "${secret:shopify_token}", secret=True)
    ]
    path: Annotated[str, says("Path of the door.")] = "/in/shopify"
    webhook_url: Annotated[
        str,
        says(
            "Address of the door as Shopify reaches it; its subscriptions are then watched. Empty "
            "where the app declares them in its own configuration.",
            "https://hub.example.com/in/shopify",
        ),
    ] = ""
    topics: Annotated[tuple[str, ...], says("Topics the shop must be subscribed to.")] = TOPICS
    subscriptions: Annotated[
        Literal["create", "warn"],
        says("What happens when a subscription is missing: it is made again, or people are told."),
    ] = "create"
    api_version: Annotated[str, says("Version of the Admin API.")] = "2026-10"
    api_url: Annotated[
        str, says("Address of the Admin API; empty for the shop's own.", "http://127.0.0.1:8093")
    ] = ""
    start: Annotated[
        str,
        says(
            "Orders changed since then are fetched at the first start; empty for none before it.",
            "2026-01-01T00:00:00Z",
        ),
    ] = ""
    payouts: Annotated[bool, says("Fetch payouts of Shopify Payments with their entries.")] = True
    tender_transactions: Annotated[
        bool,
        says("Fetch tender transactions too: the same money again, by means of payment."),
    ] = False
    hint_seconds: Annotated[
        float, says("Time between two looks at what the webhooks said."), Meta(gt=0)
    ] = 1.0
    poll_seconds: Annotated[
        float, says("Time between two searches for what no webhook said."), Meta(gt=0)
    ] = 60.0
    payout_seconds: Annotated[
        float, says("Time between two searches for payouts and tender transactions."), Meta(gt=0)
    ] = 3600.0
    health_seconds: Annotated[
        float, says("Time between two looks at the subscriptions."), Meta(gt=0)
    ] = 300.0
    overlap_seconds: Annotated[
        int, says("How far before the newest known change each search begins."), Meta(ge=0)
    ] = 300
    payout_overlap_days: Annotated[
        int, says("How many days of payouts are looked at again."), Meta(ge=0)
    ] = 7
    settle_seconds: Annotated[
        int,
        says(
            "How old a change must be, by Shopify's clock, before it is taken. Changes are dated "
            "to the second, so what was changed in this second may change in it again."
        ),
        Meta(ge=1),
    ] = 2
    gone_seconds: Annotated[
        int, says("How long an order that is not found is looked for."), Meta(ge=0)
    ] = 60
    page_size: Annotated[
        int, says("Orders asked for in one call."), Meta(gt=0, le=LARGEST_PAGE)
    ] = LARGEST_PAGE
    timeout_seconds: Annotated[float, says("Deadline of one call."), Meta(gt=0)] = 20.0
    max_body_bytes: Annotated[int, says("Largest webhook taken, in bytes."), Meta(gt=0)] = (
        MAX_BODY_BYTES
    )

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError("path must begin with /")
        if not self.webhook_secrets:
            raise ValueError("webhook_secrets must name at least one secret")
        if self.start and datetime.fromisoformat(self.start).tzinfo is None:
            raise ValueError("start is a time with offset, such as 2026-01-01T00:00:00Z")
        if "/" in self.shop or "." not in self.shop:
            raise ValueError("shop is a domain such as lantern.myshopify.com")
