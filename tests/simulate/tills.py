"""Tills that sell whatever happens: each sends a document again until it has an answer.

Their line loses requests and answers, repeats requests late, and some tills send garbage, unknown
tenders, wrong sums, the same sale again, or another sale under an old number.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from flows.tills import DAY, quayside
from simulate.process import Gone
from simulate.record import Answered
from tillway.connect import ItemOutcome, Submission
from tillway.errors import Refused

if TYPE_CHECKING:
    from simulate.world import World

LINE_SECONDS = 5.0
GARBAGE = b'{"storeNo": "0002'
Document = tuple[str, dict[str, Any]]
"""A name that tells contents of one key apart, and the content; nothing in it sends garbage."""


class Till:
    """One till of one store; it sells so many documents, then is done."""

    def __init__(self, world: World, store: str, number: str, sales: int) -> None:
        self._world = world
        self._store = store
        self._number = number
        self._sales = sales
        self._random = world.generator(f"till {number}")

    async def sell(self) -> None:
        """Sell everything; a number may come after the one that follows it."""
        random = self._random
        numbers = list(range(1, self._sales + 1))
        for at in range(len(numbers) - 1):
            if random.random() < 0.1:
                numbers[at], numbers[at + 1] = numbers[at + 1], numbers[at]
        gap = random.choice((0.0, 0.3, 8.0))
        old: list[Document] = []
        while numbers:
            await asyncio.sleep(random.uniform(0.0, 2 * gap))
            many = random.choice((1, 1, 1, 1, 1, 3))
            new = [(f"{number}", self._document(number)) for number in numbers[:many]]
            numbers = numbers[many:]
            await self._until_answered(*new)
            old += new
            await self._mischief(old)

    async def _mischief(self, old: list[Document]) -> None:
        """Now and then send what nobody should send."""
        random = self._random
        kind = random.choice(("again", "again", "conflict", "garbage", "tender", *[""] * 20))
        name, sale = random.choice(old)
        if kind == "again":
            await self._until_answered((name, sale))
        elif kind == "conflict" and sale["docType"] == "SALE":
            other = quayside(sale["docNo"], self._store, "99.99", tillNo=self._number)
            await self._until_answered((f"other {name}", other))
        elif kind == "garbage":
            await self._until_answered(("garbage", {}))
        elif kind == "tender":
            bad = quayside(900 + len(old), self._store, tillNo=self._number)
            bad["payments"][0]["method"] = "MOONCOIN"
            await self._until_answered((f"bad {900 + len(old)}", bad))

    def _document(self, number: int) -> dict[str, Any]:
        random = self._random
        amount = f"{random.randint(1, 999) / 100:.2f}"
        sale = quayside(number, self._store, amount, tillNo=self._number)
        fate = random.random()
        if fate < 0.06:
            sale |= {"docType": "CONTROL", "event": "LOGIN"}
        elif fate < 0.16:
            sale["totals"]["toPay"] = "77.77"
        return sale

    async def _until_answered(self, *documents: Document) -> None:
        """Send until the hub says that it has the documents, or will never take them."""
        content = b"\n".join(json.dumps(body).encode() for _, body in documents if body)
        batch = "ndjson" if len(documents) > 1 else ""
        submission = Submission(content or GARBAGE, store=self._store, format=batch)
        while (outcomes := await self._send(submission)) is None:  # noqa: ASYNC110 - it sends again
            await asyncio.sleep(self._random.uniform(0.5, 6.0))
        for (name, body), outcome in zip(documents, outcomes, strict=True):
            key = f"{self._store}:{self._number}:{DAY}:{body.get('docNo', 0)}"
            self._world.answered(
                Answered(
                    self._world.loop.time(),
                    key,
                    f"{key} {name}",
                    outcome.outcome,
                    outcome.position,
                    _amount(body),
                )
            )

    async def _send(self, submission: Submission) -> list[ItemOutcome] | None:
        """Send once over a bad line; None when no answer came, or none that says it is stored."""
        process, random = self._world.process, self._random
        weather = 1.0 if self._world.is_healed else random.random()
        await asyncio.sleep(random.uniform(0.001, 0.05))
        if process is None or weather < 0.04:
            await asyncio.sleep(LINE_SECONDS)
            return None
        if weather < 0.08:
            self._world.spawn(self._ghost(submission, random.uniform(0.0, 30.0)))
        try:
            result = await process.take(submission)
        except Gone:
            return None
        except Refused as full:
            await asyncio.sleep(full.retry_after_seconds or LINE_SECONDS)
            return None
        if weather > 0.96 and not self._world.is_healed:
            await asyncio.sleep(LINE_SECONDS)
            return None
        return result.items

    async def _ghost(self, submission: Submission, seconds: float) -> None:
        """Let the line deliver a request once more, when nobody waits for the answer."""
        await asyncio.sleep(seconds)
        process = self._world.process
        if process is not None:
            try:
                await process.take(submission)
            except (Gone, Refused):
                return


def _amount(body: dict[str, Any]) -> int | None:
    """Return what a sale comes to, in cents; nothing for what is no sale."""
    if body.get("docType") != "SALE":
        return None
    return int(body["totals"]["toPay"].replace(".", ""))
