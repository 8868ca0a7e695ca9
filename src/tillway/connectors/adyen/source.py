"""The door for Adyen's standard webhook.

Surprising: the signature stands in the body, in each item, and covers eight of its fields; an item
that lacks it makes the whole call worthless, because nothing else says who sent it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tillway.connect.kit import Answer, Hint, Intake, Request, SourceContext, Submission
from tillway.connect.problems import problem
from tillway.connect.webhooks import noted, stored, told
from tillway.connectors.adyen.records import PAYMENT_EVENTS, Json, payment_record
from tillway.connectors.adyen.settings import AdyenSourceSettings
from tillway.errors import Refused
from tillway.security.secrets import Secret
from tillway.security.vendor_signatures import adyen_item_stands

OK = 200
MOST_ITEMS = 1_000
LONGEST_NAME = 200
WINDOW_HINTS = 500
ACCEPTED = "[accepted]"
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode_lines = msgspec.json.Encoder(decimal_format="number").encode_lines


class AdyenSource:
    """One webhook of an Adyen account, mounted by the gateway at `path`."""

    def __init__(self, settings: AdyenSourceSettings, context: SourceContext) -> None:
        self._context = context
        self.path = settings.path
        self.max_body_bytes = settings.max_body_bytes
        given = settings.hmac_keys
        self._keys = [Secret(text) for text in ([given] if isinstance(given, str) else given)]

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Verify each item, store, and answer 200 for all that is stored."""
        try:
            items = self._proven(request.body)
            records = [
                payment_record(one) for one in items if one.get("eventCode") in PAYMENT_EVENTS
            ]
            answer = noted(await self._note(items), self._context.durability)
            if records:
                submission = Submission(_encode_lines(records), format="ndjson")
                answer = stored(await intake.submit(submission), self._context.durability)
            return _accepted(answer)
        except Refused as refusal:
            return problem(refusal)

    async def ping(self) -> None:
        """A door that only waits to be called is always ready."""

    def _proven(self, body: bytes) -> list[Json]:
        """Return the items of a call; raise Refused TW-2002 when one does not prove its sender."""
        items = _items(body)
        stands = [adyen_item_stands(self._keys, item) for item in items]
        if not items or not all(stands):
            raise Refused("TW-2002", "not authenticated", status=401)
        return items

    async def _note(self, items: Sequence[Json]) -> bool:
        """Keep a note of what is no step of a payment; nobody fetches anything for it."""
        new = False
        for item in items:
            event, reference = _name(item.get("eventCode")), _name(item.get("pspReference"))
            if event in PAYMENT_EVENTS:
                continue
            event_id = f"{event}:{reference}:{_name(item.get('success'))}"
            hint = Hint(event_id=event_id, object_type=event or "unknown", object_id=reference)
            new |= await self._context.hints.put(hint)
        if new:
            window = await self._context.hints.waiting(WINDOW_HINTS)
            if window:
                await self._context.hints.done(window[-1][0])
        return new


def _items(body: bytes) -> list[Json]:
    """Return the items of a notification, none where it is not of that form."""
    try:
        found = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        return []
    given = found.get("notificationItems") if isinstance(found, Mapping) else None
    if not isinstance(given, list) or len(given) > MOST_ITEMS:
        return []
    items: list[Any] = [
        one.get("NotificationRequestItem") if isinstance(one, Mapping) else None for one in given
    ]
    return items if all(isinstance(one, Mapping) for one in items) else []


def _accepted(answer: Answer) -> Answer:
    """Add the word that Adyen's older accounts look for in the answer."""
    if answer.status != OK:
        return answer
    return told({**msgspec.json.decode(answer.body), "notificationResponse": ACCEPTED})


def _name(value: object) -> str:
    text = str(value) if isinstance(value, str | bool) else ""
    return text if len(text) <= LONGEST_NAME else ""
