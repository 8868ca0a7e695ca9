"""The door for Shopify's webhooks: proves who sends, and leaves a hint for the poller.

Surprising: the order in the body is not taken. Changes are dated to the second and may come in any
order, so two bodies of one second would look like one version with two contents; the poller fetches
the order once that second is over (see the page on this connector).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from tillway.connect.kit import Answer, Hint, Request, SourceContext
from tillway.connect.problems import problem
from tillway.connectors.shopify.settings import ShopifySourceSettings
from tillway.errors import Refused
from tillway.security.secrets import Secret
from tillway.security.signatures import signature_stands
from tillway.security.vendor_signatures import SHOPIFY

ORDER = "Order"
OTHER = "Other"
_LONGEST = 64
_LONGEST_NUMBER = 20
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
_ORDER_PATHS = {
    "refunds/create": ("order_id",),
    "order_transactions/create": ("order_id",),
    "orders/edited": ("order_edit", "order_id"),
}


class Door:
    """Takes webhooks of one shop."""

    def __init__(self, settings: ShopifySourceSettings, context: SourceContext) -> None:
        given = settings.webhook_secrets
        self._secrets = [Secret(text) for text in ([given] if isinstance(given, str) else given)]
        self._shop = settings.shop.lower()
        self._context = context

    async def receive(self, request: Request) -> Answer:
        """Answer 200 for every signed webhook once its hint is durable, also for unknown topics."""
        try:
            self._authenticate(request)
            hint = _hint(request)
            new = await self._context.hints.put(hint)
        except Refused as refusal:
            return problem(refusal)
        receipt = {
            "outcome": "accepted" if new else "duplicate",
            "event_id": hint.event_id,
            "durability": self._context.durability,
        }
        return Answer(200, _encode(receipt), {"content-type": "application/json"})

    def _authenticate(self, request: Request) -> None:
        stands = signature_stands(
            SHOPIFY, self._secrets, request.headers, request.body, self._context.clock.now()
        )
        # The domain is not signed, but a body of another shop of the same app would be.
        domain = request.headers.get("x-shopify-shop-domain", "").strip().lower()
        if not stands or domain != self._shop:
            raise Refused("TW-2002", "not authenticated", status=401)


def _hint(request: Request) -> Hint:
    headers = request.headers
    topic = headers.get("x-shopify-topic", "").strip().lower()
    if not topic:
        raise _unusable("it names no topic")
    event = headers.get("x-shopify-event-id") or headers.get("x-shopify-webhook-id")
    # One event reaches us once for each topic it belongs to.
    event_id = f"{topic}:{event}"
    if not event or len(event_id) > _LONGEST:
        event_id = hashlib.sha256(f"{topic}:{event}".encode() + request.body).hexdigest()
    known = topic.startswith("orders/") or topic in _ORDER_PATHS
    path = _ORDER_PATHS.get(topic, ("id",))
    number = _at(_body(request.body), path)
    if known and not (number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER):
        raise _unusable(f"it has no number in {'.'.join(path)}")
    return Hint(
        event_id=event_id,
        object_type=ORDER if known else OTHER,
        object_id=number if known else topic[:_LONGEST],
        occurred_at=_moment(headers.get("x-shopify-triggered-at", "")),
    )


def _body(body: bytes) -> dict[str, Any]:
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise _unusable("its body is no JSON object") from None


def _at(value: Any, path: tuple[str, ...]) -> str:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def _moment(text: str) -> str:
    """Return a time with offset, "" for what is none: the header is not signed."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return moment.isoformat() if moment.tzinfo else ""


def _unusable(why: str) -> Refused:
    return Refused("TW-2364", f"the webhook cannot be used: {why}", status=400)
