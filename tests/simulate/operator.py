"""A person who acts on what does not move, and replays what was delivered, at seeded moments."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulate.process import Gone, HubProcess
from simulate.record import Ordered
from tillway.delivery import ReplaySelection, plan_replay
from tillway.delivery.retry_letters import Verb
from tillway.errors import ConfigurationError, TillwayError
from tillway.journal.base import DeliveryRow

if TYPE_CHECKING:
    from simulate.world import World

WHO = "ada"
STATES = ("dead", "held", "in_doubt")
VERBS: tuple[Verb, ...] = ("retry", "retry", "retry", "release", "hold", "skip", "abandon")


class Operator:
    """Works until cancelled."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.generator("operator")
        self._eager = self._random.choice((20.0, 60.0, 1000.0))

    async def work(self) -> None:
        """Act now and then, on whatever hub there is."""
        while True:
            await asyncio.sleep(self._random.uniform(1.0, 2 * self._eager))
            process = self._world.process
            if process is None:
                continue
            try:
                await self._act(process)
            except (Gone, TillwayError) as error:
                self._world.note(f"{WHO} was told: {error!r}")

    async def _act(self, process: HubProcess) -> None:
        if self._random.random() < 0.25:
            await self._replay(process)
            return
        listed = await process.ask(process.journal.deliveries(STATES))
        if not listed:
            return
        rows = [row for row, _ in listed]
        route = self._random.choice(sorted({row.route for row in rows}))
        chosen = [row for row in rows if row.route == route and self._random.random() < 0.6][:5]
        if chosen:
            await self._order(process, route, chosen)

    async def _order(self, process: HubProcess, route: str, rows: list[DeliveryRow]) -> None:
        verb = self._random.choice(VERBS)
        now = self._world.loop.time()
        asked = {row.position: Ordered(now, verb, route, row.position) for row in rows}
        self._world.record.orders += asked.values()
        self._world.note(f"{WHO} orders {verb} of {route} {list(asked)}")
        work = process.delivery.order(route, verb, list(asked), WHO, "simulated")
        for outcome in await process.ask(work):
            asked[outcome.position].done = outcome.done
            self._world.note(f"{WHO}: {outcome.position} {outcome.done} {outcome.detail}")

    async def _replay(self, process: HubProcess) -> None:
        route = self._random.choice(list(self._world.plan.routes))
        books = self._world.record.targets[self._world.plan.routes[route].target]
        plan = await process.ask(plan_replay(process.journal, ReplaySelection(route)))
        self._world.note(f"{WHO} replays {plan.count} of {route}")
        stop = asyncio.Event()
        self._world.loop.call_later(self._random.uniform(1.0, 60.0), stop.set)
        work = process.delivery.replay(plan, WHO, "simulated", stop, lambda _: None)
        try:
            summary = await process.ask(work)
        except ConfigurationError as refusal:
            if refusal.code != "TW-4012" or books.delivery_class != "D":
                raise
            return
        self._world.note(f"{WHO}: {summary}")
        if books.delivery_class == "D":
            self._world.wrong("a replay was let go to a target that books everything twice")
