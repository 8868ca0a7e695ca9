"""How Shopify sends webhooks: signed, retried on its schedule, and with the faults of real life.

Written from the vendor's documentation: 8 retries over 4 hours, then a subscription made through
the Admin API is deleted. Surprising: a retry carries the body of the first try.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import hmac
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[int]]
"""POST to an address; returns the status, 0 when no answer came."""

RETRY_SECONDS = (56, 113, 226, 452, 904, 1807, 3614, 7228)
"""Eight retries, each twice as long after the one before, four hours in all."""
AT_ONCE = 16


class HookFaults(msgspec.Struct, frozen=True):
    """How often things go wrong, as shares of one.

    lost: never sent. doubled: sent twice. delayed: sent up to delay_seconds late, so that others
    overtake it.
    """

    lost: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0
    delay_seconds: float = 2.0


class Subscription(msgspec.Struct):
    """One topic sent to one address."""

    id: int
    topic: str
    address: str


@dataclass(order=True, slots=True)
class _Delivery:
    due: float
    number: int
    subscription: Subscription = field(compare=False)
    headers: dict[str, str] = field(compare=False)
    body: bytes = field(compare=False)
    failures: int = field(default=0, compare=False)


class ShopifyHooks(msgspec.Struct):
    """The webhooks of one shop. now: seconds since 1970; deliver() sends what is due by then.

    retry_seconds may be shortened for a run in real time. counts: sent, failed, lost, doubled,
    delayed, deleted.
    """

    domain: str
    secret: str
    now: Callable[[], float]
    send: Send
    rng: Random
    faults: HookFaults = HookFaults()
    retry_seconds: tuple[float, ...] = RETRY_SECONDS
    subscriptions: dict[int, Subscription] = msgspec.field(default_factory=dict)
    counts: Counter[str] = msgspec.field(default_factory=Counter)
    _queue: list[_Delivery] = msgspec.field(default_factory=list)
    _numbers: int = 0

    @property
    def waiting(self) -> int:
        """Return how many deliveries are still to be made."""
        return len(self._queue)

    def subscribe(self, topic: str, address: str) -> Subscription | None:
        """Make a subscription; None when there is one for this topic and address already."""
        for one in self.subscriptions.values():
            if (one.topic, one.address) == (topic, address):
                return None
        self._numbers += 1
        made = Subscription(1_000_000 + self._numbers, topic, address)
        self.subscriptions[made.id] = made
        return made

    def tell(self, topic: str, thing: dict[str, Any]) -> None:
        """Queue one delivery for each subscription of a topic; some are lost or doubled."""
        body = json.dumps(thing).encode()
        event = self._uuid()
        for subscription in self.subscriptions.values():
            if subscription.topic != topic:
                continue
            if self._happens(self.faults.lost, "lost"):
                continue
            headers = self._headers(topic, event, body)
            self._queue_one(subscription, headers, body)
            if self._happens(self.faults.doubled, "doubled"):
                self._queue_one(subscription, headers, body)

    async def deliver(self) -> None:
        """Make every delivery that is due, a few at a time."""
        while self._queue and self._queue[0].due <= self.now():
            due: list[_Delivery] = []
            while self._queue and self._queue[0].due <= self.now() and len(due) < AT_ONCE:
                due.append(heapq.heappop(self._queue))
            await asyncio.gather(*[self._try(one) for one in due])

    def sign(self, body: bytes) -> str:
        """Return the signature of a body, by the documented rule."""
        return b64encode(hmac.digest(self.secret.encode(), body, hashlib.sha256)).decode()

    async def _try(self, delivery: _Delivery) -> None:
        if delivery.subscription.id not in self.subscriptions:
            return
        status = await self.send(delivery.subscription.address, delivery.headers, delivery.body)
        if 200 <= status < 300:
            self.counts["sent"] += 1
            return
        self.counts["failed"] += 1
        if delivery.failures == len(self.retry_seconds):
            self.subscriptions.pop(delivery.subscription.id, None)
            self.counts["deleted"] += 1
            return
        delivery.due = self.now() + self.retry_seconds[delivery.failures]
        delivery.failures += 1
        heapq.heappush(self._queue, delivery)

    def _queue_one(self, subscription: Subscription, headers: dict[str, str], body: bytes) -> None:
        due = self.now()
        if self._happens(self.faults.delayed, "delayed"):
            due += self.rng.random() * self.faults.delay_seconds
        self._numbers += 1
        heapq.heappush(self._queue, _Delivery(due, self._numbers, subscription, headers, body))

    def _headers(self, topic: str, event: str, body: bytes) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "x-shopify-topic": topic,
            "x-shopify-shop-domain": self.domain,
            "x-shopify-hmac-sha256": self.sign(body),
            "x-shopify-webhook-id": self._uuid(),
            "x-shopify-event-id": event,
            "x-shopify-api-version": "2026-10",
        }

    def _happens(self, share: float, what: str) -> bool:
        happens = share > 0 and self.rng.random() < share
        self.counts[what] += happens
        return happens

    def _uuid(self) -> str:
        digits = f"{self.rng.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
