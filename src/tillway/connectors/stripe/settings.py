"""What can be set for Stripe; the reference pages come from here."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tillway.connect.settings import says

MAX_BODY_BYTES = 1024 * 1024
LARGEST_PAGE = 100
KEPT_DAYS = 30


class StripeSourceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A door for Stripe's events, and a poller that fetches payouts and events never told."""

    path: Annotated[str, says("Path of the door.", "/in/stripe")]
    signing_secrets: Annotated[
        tuple[str, ...] | str,
        says(
            "Live signing secrets of the webhook endpoint; two while one is rolled.",
            "${secret:stripe_signing_secret}",
            secret=True,
        ),
    ]
    api_key: Annotated[
        str,
        says("Restricted key of the API, to read only.", "${secret:stripe_api_key}", secret=True),
    ]
    webhook_url: Annotated[
        str,
        says(
            "Address of the door as it is registered at Stripe; its endpoint is then watched. "
            "Empty to leave it unwatched.",
            "https://hub.example.com/in/stripe",
        ),
    ] = ""
    api_url: Annotated[str, says("Address of the API.")] = "https://api.stripe.com"
    api_version: Annotated[
        str, says("Version of the API that is asked for (header Stripe-Version).")
    ] = "2025-09-30.clover"
    metadata: Annotated[
        tuple[str, ...],
        says("Metadata of charges and refunds that tables may use; the rest is not kept."),
    ] = ("store", "receipt")
    tolerance_seconds: Annotated[
        int, says("How far the time of signing may be from now."), Meta(gt=0)
    ] = 300
    poll_seconds: Annotated[
        float, says("Time between two looks at what the webhooks left to fetch."), Meta(gt=0)
    ] = 1.0
    search_seconds: Annotated[
        float, says("Time between two searches for events never told."), Meta(gt=0)
    ] = 300.0
    overlap_seconds: Annotated[
        float, says("How far each search reaches back behind the last one."), Meta(ge=0)
    ] = 900.0
    first_days: Annotated[
        float,
        says("How far back the first search goes, in days; Stripe keeps events for 30."),
        Meta(gt=0, le=KEPT_DAYS),
    ] = float(KEPT_DAYS)
    page_size: Annotated[
        int, says("Events or entries asked for in one call."), Meta(gt=0, le=LARGEST_PAGE)
    ] = LARGEST_PAGE
    fetch_attempts: Annotated[
        int,
        says("How often a payout that Stripe does not show is asked for."),
        Meta(gt=0),
    ] = 6
    timeout_seconds: Annotated[float, says("Deadline of one call."), Meta(gt=0)] = 20.0
    max_body_bytes: Annotated[int, says("Largest event taken, in bytes."), Meta(gt=0)] = (
        MAX_BODY_BYTES
    )

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError("path must begin with /")
        if not self.signing_secrets:
            raise ValueError("signing_secrets must hold at least one secret")
        if not self.api_url.startswith(("http://", "https://")):
            raise ValueError("api_url must begin with http:// or https://")
