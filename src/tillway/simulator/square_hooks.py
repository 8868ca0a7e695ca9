"""Sends Square's webhooks as Square does: signed, late, twice, out of order, or not at all.

The retry schedule is the documented one and runs on an injected clock, so that a day passes in a
moment. A subscription that fails for three weeks is disabled and sends nothing more.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from base64 import b64encode
from collections.abc import Awaitable, Callable
from random import Random

import msgspec

from tillway.clock import MICROSECONDS, Clock
from tillway.simulator.square_account import Event, SquareAccount

RETRY_MINUTES = (1, 2, 4, 8, 16, 32, *(60,) * 23)
"""Waits between the attempts; a day after the first one it is given up."""
DISABLED_AFTER_SECONDS = 21 * 86_400
SIGNATURE_HEADER = "x-square-hmacsha256-signature"
Post = Callable[[bytes, dict[str, str]], Awaitable[int]]
"""Sends a body with headers and returns the status; 0 for no answer."""
_GOOD = range(200, 300)


class HookFaults(msgspec.Struct, frozen=True):
    """Shares of notifications with a fault. shuffled: how many may overtake one another."""

    dropped: float = 0.0
    doubled: float = 0.0
    unanswered: float = 0.0
    shuffled: int = 1


class Sent(msgspec.Struct):
    """What was sent: attempts in all, and events by what became of them."""

    attempts: int = 0
    taken: int = 0
    doubled: int = 0
    dropped: list[str] = msgspec.field(default_factory=list)
    discarded: list[str] = msgspec.field(default_factory=list)


class SquareHooks:
    """The sender of one subscription."""

    def __init__(
        self,
        account: SquareAccount,
        key: str,
        post: Post,
        clock: Clock,
        rng: Random,
        faults: HookFaults | None = None,
    ) -> None:
        self._account = account
        self._key = key
        self._post = post
        self._clock = clock
        self._rng = rng
        self._faults = faults or HookFaults()
        self._failing_since: int | None = None
        self.sent = Sent()

    async def send_due(self, senders: int = 8) -> None:
        """Send every event that is due, several at once; returns when all are taken or given up."""
        due, self._account.events = self._account.events, []
        for start in range(0, len(due), max(1, self._faults.shuffled)):
            window = due[start : start + max(1, self._faults.shuffled)]
            self._rng.shuffle(window)
            due[start : start + len(window)] = window
        waiting = iter(due)

        async def send_some() -> None:
            for event in waiting:
                await self._send(event)

        await asyncio.gather(*(send_some() for _ in range(senders)))

    def signature(self, body: bytes) -> str:
        """Return what Square writes into the header for these bytes."""
        signed = self._account.subscription["notification_url"].encode() + body
        return b64encode(hmac.new(self._key.encode(), signed, hashlib.sha256).digest()).decode()

    async def _send(self, event: Event) -> None:
        chance = self._rng.random()
        if not self._account.subscription["enabled"] or chance < self._faults.dropped:
            self.sent.dropped.append(event.type)
            return
        body = msgspec.json.encode(event.body)
        if chance < self._faults.dropped + self._faults.doubled:
            self.sent.doubled += 1
            await self._until_taken(event, body)
        await self._until_taken(event, body)

    async def _until_taken(self, event: Event, body: bytes) -> None:
        """Try by the schedule until the answer is 2xx, the day is over, or the hook is disabled."""
        for minutes in (0, *RETRY_MINUTES):
            await self._clock.sleep(minutes * 60.0)
            if not self._account.subscription["enabled"]:
                break
            self.sent.attempts += 1
            if await self._attempt(body) in _GOOD:
                self._failing_since = None
                self.sent.taken += 1
                return
            self._disable_after_weeks()
        self.sent.discarded.append(event.type)

    async def _attempt(self, body: bytes) -> int:
        status = await self._post(body, {SIGNATURE_HEADER: self.signature(body)})
        # The answer got lost on its way back: the hub has it, Square does not know that.
        return 0 if self._rng.random() < self._faults.unanswered else status

    def _disable_after_weeks(self) -> None:
        now = self._clock.now()
        if self._failing_since is None:
            self._failing_since = now
        elif now - self._failing_since >= DISABLED_AFTER_SECONDS * MICROSECONDS:
            self._account.subscription["enabled"] = False
