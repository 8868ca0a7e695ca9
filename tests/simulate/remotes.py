"""Targets outside the hub, with books of their own: they outlive it, and fail as a seed says.

Surprising: what a call does at the target is not done by the hub's coroutine. The death of the hub
takes nothing back, and a lost request may still take effect long after the hub gave up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import msgspec

from simulate.plan import SETTLE_SECONDS, TargetPlan
from simulate.record import Call, Effect, TargetBooks, Told
from tillway.connect import Delivered, Outbound, SendResult
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient
from tillway.testing.virtual_loop import VirtualLoop

DEADLINE_SECONDS = 10.0
LATEST_SECONDS = 0.8 * SETTLE_SECONDS
"""A call takes effect within so long of its start, or never."""
FATES = ("refused", "busy", "request lost", "answer lost", "late", "slow", "broken")
Note = Callable[[str], None]

_encode = msgspec.json.Encoder(order="sorted").encode


class Remote:
    """One outside system. is_away: nobody answers there; is_healed: it fails no more."""

    def __init__(
        self, name: str, plan: TargetPlan, random: Random, loop: VirtualLoop, note: Note
    ) -> None:
        self.name = name
        self.plan = plan
        self.books = TargetBooks(plan.delivery_class)
        self.is_away = False
        self.is_healed = False
        self._random = random
        self._loop = loop
        self._note = note
        self._references: dict[str, str] = {}
        self._poison: dict[str, bool] = {}

    def come_back(self) -> None:
        """Be there again."""
        self.is_away = False

    def client(self, is_dead: Callable[[], bool]) -> Client:
        """Return the connector of one hub process."""
        return Client(self, is_dead)

    def fate(self) -> str:
        """Draw what becomes of a call."""
        if self.is_healed:
            return "fine"
        if self.is_away:
            return self._random.choice(("refused", "request lost"))
        if self._random.random() >= self.plan.fault_share:
            return "fine"
        return self._random.choice(FATES)

    def latency(self) -> float:
        """Draw the way there or back."""
        return self._random.uniform(0.005, 0.3)

    def lateness(self) -> float:
        """Draw when a late call takes effect, in seconds after its start."""
        return self._random.uniform(DEADLINE_SECONDS, LATEST_SECONDS)

    def refuses(self, message: Outbound) -> bool:
        """Say whether the target will never take a message; a healed one takes everything."""
        if message.key not in self._poison:
            self._poison[message.key] = self._random.random() < self.plan.poison_share
        return self._poison[message.key] and not self.is_healed

    def retry_after(self) -> float | None:
        """Draw what a busy target asks for."""
        return self._random.choice((None, 3.0, 40.0))

    def book(self, message: Outbound) -> Delivered:
        """Take a message; with keys of its own (A and C) a known one has no second effect."""
        known = self._references.get(message.key)
        if known is not None and self.plan.delivery_class in "AC":
            return Delivered(known, repeated=True)
        body = _encode(message.body).decode()
        self.books.effects.append(Effect(self._loop.time(), message.message_id, message.key, body))
        reference = f"{self.name}-{len(self.books.effects)}"
        self._references.setdefault(message.key, reference)
        self._note(f"{self.name} books {message.key} as {reference}")
        return Delivered(reference)

    def reference_of(self, key: str) -> str | None:
        """Return under what number a key is booked."""
        return self._references.get(key)

    async def after(self, seconds: float, batch: Sequence[Outbound]) -> list[SendResult]:
        """Let a batch take effect out there, whatever becomes of who waits for it."""
        done: asyncio.Future[list[SendResult]] = self._loop.create_future()

        def happen() -> None:
            answers = self.answers(batch)
            if not done.done():
                done.set_result(answers)

        self._loop.call_later(seconds, happen)
        return await done

    def later(self, seconds: float, batch: Sequence[Outbound]) -> None:
        """Let a batch take effect while nobody waits for it."""
        self._loop.call_later(seconds, self.answers, batch)

    def answers(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Take a batch now; one that stops per lane skips what comes after a refusal."""
        answers: list[SendResult] = []
        stopped: dict[str, SendResult] = {}
        for message in batch:
            answer: SendResult
            if message.lane in stopped:
                answer = stopped[message.lane]
            elif self.refuses(message):
                answer = Permanent("TW-9001", "400")
            else:
                answer = self.book(message)
            if self.plan.stops_per_lane and isinstance(answer, TillwayError):
                stopped[message.lane] = answer
            answers.append(answer)
        return answers


class Client:
    """`connect.Target` of one process; once that is dead it hears and does nothing."""

    def __init__(self, remote: Remote, is_dead: Callable[[], bool]) -> None:
        self._remote = remote
        self._is_dead = is_dead
        self.delivery_class = remote.plan.delivery_class
        self.max_bulk = remote.plan.max_bulk
        self.stops_per_lane = remote.plan.stops_per_lane

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Make one call; its fate is drawn once, refusals stand for each message."""
        await self._alive()
        remote = self._remote
        fate = remote.fate()
        now = asyncio.get_running_loop().time()
        calls = [Call(now, message.message_id, message.key) for message in batch]
        remote.books.calls += calls
        remote._note(f"{remote.name} is called with {[m.key for m in batch]}: {fate}")
        results = await self._result(fate, batch)
        await self._alive()
        for call, result in zip(calls, results, strict=True):
            call.told = _told(result)
        return results

    async def look_up(self, key: str) -> str | None:
        """Ask for a key."""
        await self._alive()
        remote = self._remote
        fate = remote.fate()
        await asyncio.sleep(remote.latency())
        if fate in ("refused", "busy", "request lost", "answer lost", "broken"):
            raise NotConnected("TW-9001", f"the look-up was {fate}")
        found = remote.reference_of(key)
        remote._note(f"{remote.name} is asked for {key}: {found}")
        await asyncio.sleep(remote.latency())
        await self._alive()
        return found

    async def ping(self) -> None:
        """Be there."""

    async def close(self) -> None:
        """Nothing is held."""

    async def _alive(self) -> None:
        """Stop here for good when the process is dead."""
        if self._is_dead():
            await asyncio.get_running_loop().create_future()

    async def _result(self, fate: str, batch: Sequence[Outbound]) -> list[SendResult]:
        remote = self._remote
        if fate == "refused":
            await asyncio.sleep(remote.latency())
            return [NotConnected("TW-9001", "connection refused") for _ in batch]
        if fate == "busy":
            await asyncio.sleep(remote.latency())
            wait = remote.retry_after()
            return [Transient("TW-9001", "503", retry_after_seconds=wait) for _ in batch]
        if fate in ("request lost", "late", "answer lost"):
            if fate != "request lost":
                remote.later(remote.lateness() if fate == "late" else remote.latency(), batch)
            await asyncio.sleep(DEADLINE_SECONDS)
            return [InDoubt("TW-9001", "no answer") for _ in batch]
        way = remote.latency() + (6.0 if fate == "slow" else 0.0)
        answers = await remote.after(way, batch)
        await asyncio.sleep(remote.latency())
        if fate == "broken":
            raise RuntimeError("a bug in the connector")
        return answers


def _told(result: SendResult) -> Told:
    if isinstance(result, Delivered):
        return "delivered"
    if isinstance(result, Permanent):
        return "refused"
    return "unknown" if isinstance(result, InDoubt) else "nothing"
