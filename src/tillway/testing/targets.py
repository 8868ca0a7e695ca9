"""A target that plays a script, for tests of delivery and of anything that sends.

It books like a real one: a key it knows has no second effect (unless told to be of class D), and a
script may book and then lose the answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from tillway.connect import Delivered, DeliveryClass, Outbound, SendResult
from tillway.errors import NotConnected

Script = Callable[[Outbound], SendResult]


class ScriptedTarget:
    """Answers each message by `script`, which may call `book`; without one it books everything.

    calls: the keys of every call; booked: keys in the order of their first effect; effects: how
    often each key took effect; peak: most calls at once; looked_up: keys asked for. While `door` is
    cleared every call waits. stop_lane makes it skip the rest of a lane after a failure, as a
    target does that stops per lane.
    """

    def __init__(
        self,
        delivery_class: DeliveryClass = "A",
        *,
        max_bulk: int = 1,
        stops_per_lane: bool = False,
        script: Script | None = None,
    ) -> None:
        self.delivery_class = delivery_class
        self.max_bulk = max_bulk
        self.stops_per_lane = stops_per_lane
        self.script: Script = script or self.book
        self.calls: list[list[str]] = []
        self.sent: list[Outbound] = []
        self.booked: list[str] = []
        self.effects: Counter[str] = Counter()
        self.looked_up: list[str] = []
        self.in_flight = 0
        self.peak = 0
        self.is_away = False
        self.door = asyncio.Event()
        self.door.set()

    def book(self, message: Outbound) -> Delivered:
        """Take a message: the first time it has an effect, later only where keys mean nothing."""
        repeated = message.key in self.effects
        if not repeated:
            self.booked.append(message.key)
        if not repeated or self.delivery_class == "D":
            self.effects[message.key] += 1
        return Delivered(f"doc-{self.booked.index(message.key) + 1}", repeated=repeated)

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Answer every message of one call by the script."""
        self.calls.append([message.key for message in batch])
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await self.door.wait()
            await asyncio.sleep(0)
            if self.is_away:
                return [NotConnected("TW-9001", "nobody is there") for _ in batch]
            return self._answers(batch)
        finally:
            self.in_flight -= 1

    async def look_up(self, key: str) -> str | None:
        """Return the reference of a key that had an effect."""
        self.looked_up.append(key)
        await asyncio.sleep(0)
        if self.is_away:
            raise NotConnected("TW-9001", "nobody is there")
        return f"doc-{self.booked.index(key) + 1}" if key in self.effects else None

    async def ping(self) -> None:
        """Raise NotConnected while it is away."""
        if self.is_away:
            raise NotConnected("TW-9001", "nobody is there")

    async def close(self) -> None:
        """Nothing is held."""

    def _answers(self, batch: Sequence[Outbound]) -> list[SendResult]:
        answers: list[SendResult] = []
        stopped: dict[str, SendResult] = {}
        for message in batch:
            self.sent.append(message)
            if self.stops_per_lane and message.lane in stopped:
                answers.append(stopped[message.lane])
                continue
            answer = self.script(message)
            answers.append(answer)
            if not isinstance(answer, Delivered):
                stopped[message.lane] = answer
        return answers
