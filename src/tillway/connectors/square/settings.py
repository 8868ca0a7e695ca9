"""What can be set for Square; the reference pages come from here."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tillway.connect.settings import says

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_ORDERS_PER_CALL = 100
MAX_SEARCH_PAGE = 1000
LATEST_HOUR = 23


class SquareSourceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A door for Square's webhooks, and a poller that fetches what they speak of or left out."""

    path: Annotated[str, says("Path of the door.", "/in/square")]
    notification_url: Annotated[
        str,
        says(
            "The notification URL exactly as it is registered at Square; it is part of what is "
            "signed, whatever a proxy makes of it.",
            "https://hub.example.com/in/square",
        ),
    ]
    signature_keys: Annotated[
        tuple[str, ...] | str,
        says(
            "Live signature keys of the webhook subscription; two while one is rotated.",
            "${secret:square_signature_key}",
            secret=True,
        ),
    ]
    access_token: Annotated[
        str, says("Access token of the API.", "${secret:square_access_token}", secret=True)
    ]
    api_url: Annotated[
        str,
        says(
            "Address of the API; the sandbox has its own.",
            "https://connect.squareupsandbox.com",
        ),
    ] = "https://connect.squareup.com"
    api_version: Annotated[
        str, says("Version of the API that is asked for (header Square-Version).")
    ] = "2025-08-20"
    locations: Annotated[
        tuple[str, ...],
        says("Location ids to fetch by cursor; empty for all of the account.", ["L88917AVBK2S5"]),
    ] = ()
    day_begins_hour: Annotated[
        int,
        says(
            "Hour at which a business day begins in the shop's time; Square knows no business day."
        ),
        Meta(ge=0, le=LATEST_HOUR),
    ] = 0
    poll_seconds: Annotated[
        float, says("Time between two looks at what the webhooks left to fetch."), Meta(gt=0)
    ] = 0.5
    backfill_seconds: Annotated[
        float, says("Time between two searches for what the webhooks left out."), Meta(gt=0)
    ] = 600.0
    overlap_seconds: Annotated[
        float,
        says("How far each search reaches back behind the last one; lists are late by seconds."),
        Meta(ge=0),
    ] = 900.0
    first_days: Annotated[
        float, says("How far back the first search goes, in days."), Meta(gt=0)
    ] = 30.0
    slow_days: Annotated[
        float,
        says(
            "How far each search for payouts and cash drawers reaches back, in days: they are "
            "listed by their beginning and change later."
        ),
        Meta(gt=0),
    ] = 7.0
    health_seconds: Annotated[
        float, says("Time between two looks at the webhook subscription."), Meta(gt=0)
    ] = 900.0
    watch_subscription: Annotated[
        bool,
        says(
            "Ask whether the webhook subscription is enabled; needs the application's own token, "
            "not one a seller granted."
        ),
    ] = True
    orders_per_call: Annotated[
        int, says("Orders fetched in one call."), Meta(gt=0, le=MAX_ORDERS_PER_CALL)
    ] = MAX_ORDERS_PER_CALL
    search_page: Annotated[
        int, says("Orders on one page of a search."), Meta(gt=0, le=MAX_SEARCH_PAGE)
    ] = 500
    list_page: Annotated[
        int, says("Payments, refunds, payouts or entries on one page."), Meta(gt=0, le=100)
    ] = 100
    fetch_attempts: Annotated[
        int,
        says(
            "How often an object that Square does not show yet is asked for before it goes to "
            "quarantine."
        ),
        Meta(gt=0),
    ] = 6
    fetch_wait_seconds: Annotated[
        float, says("Wait before the second attempt; it doubles each time."), Meta(gt=0)
    ] = 1.0
    timeout_seconds: Annotated[float, says("Deadline of one call."), Meta(gt=0)] = 20.0
    connect_seconds: Annotated[
        float, says("Part of it to get a connection, half at most."), Meta(gt=0)
    ] = 5.0
    max_body_bytes: Annotated[int, says("Largest notification taken, in bytes."), Meta(gt=0)] = (
        MAX_BODY_BYTES
    )

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError("path must begin with /")
        for name in ("notification_url", "api_url"):
            if not getattr(self, name).startswith(("http://", "https://")):
                raise ValueError(f"{name} must begin with http:// or https://")
        if not self.signature_keys:
            raise ValueError("signature_keys must hold at least one key")
