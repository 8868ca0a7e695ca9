"""Large replays need two people: one asks, another one gives the same order, and only then it runs.

A request is kept in the journal, so a restart does not forget it. Surprising: who they are is what
the caller says; the room that knows users must have checked it.
"""

from __future__ import annotations

import hashlib

import msgspec

from tillway.clock import MICROSECONDS, Clock
from tillway.delivery.replay_plan import ReplayPlan
from tillway.errors import ConfigurationError
from tillway.journal.base import Action, Journal, Settlement

NEEDED_CODE = "TW-4016"
REQUEST_KEPT_SECONDS = 24 * 3600
"""A request that nobody approved for so long must be asked for again."""


class ReplayRequest(msgspec.Struct, frozen=True):
    """A replay that one person asked for. at: microseconds UTC; count is that of the plan."""

    who: str
    reason: str
    at: int
    count: int


class Approvals:
    """The replays that wait for a second person."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def need(self, plan: ReplayPlan, alone: int, who: str, reason: str) -> None:
        """Return when the plan may run: it is small, or this is the second person who wants it.

        alone: messages one person may send again, 0 for any number. Raises ConfigurationError
        TW-4016 otherwise, with the request on record; a plan that grew since is a new request.
        """
        if not alone or plan.count <= alone:
            return
        route, name = plan.selection.route, _name(plan)
        request = await self._request(route, name)
        now = self._clock.now()
        if request is None or request.count != plan.count:
            await self._keep(route, name, ReplayRequest(who, reason, now, plan.count))
            await self._audit(route, plan, who, "replay_asked", reason)
            raise _waits(plan, alone, who)
        if request.who == who:
            raise _waits(plan, alone, who)
        # Whoever comes third asks anew: one approval is for one run.
        await self._keep(route, name, None)
        told = f"asked for by {request.who}: {request.reason}; approved: {reason}"
        await self._audit(route, plan, who, "replay_approved", told)

    async def _request(self, route: str, name: str) -> ReplayRequest | None:
        text = (await self._journal.source_state(_place(route))).get(name)
        if not text:
            return None
        request = msgspec.json.decode(text, type=ReplayRequest)
        age_seconds = (self._clock.now() - request.at) / MICROSECONDS
        return request if age_seconds < REQUEST_KEPT_SECONDS else None

    async def _keep(self, route: str, name: str, request: ReplayRequest | None) -> None:
        text = msgspec.json.encode(request).decode() if request else ""
        await self._journal.save_source_state(_place(route), name, text)

    async def _audit(self, route: str, plan: ReplayPlan, who: str, verb: str, reason: str) -> None:
        subject = f"{route}: {plan.count} messages up to position {plan.until}"
        action = Action(self._clock.now(), who, verb, subject, reason)
        await self._journal.settle(Settlement(route, actions=[action]))


def _place(route: str) -> str:
    """Return where requests are remembered; no source can have this name."""
    return f"replay of {route}"


def _name(plan: ReplayPlan) -> str:
    """Return a name for what is selected, the same for everybody who selects it."""
    text = msgspec.json.encode(msgspec.structs.astuple(plan.selection))
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def _waits(plan: ReplayPlan, alone: int, who: str) -> ConfigurationError:
    told = (
        f"{plan.count} messages on {plan.selection.route} were asked for by {who}; one person may "
        f"send {alone} again alone, so somebody else must give the same order"
    )
    return ConfigurationError(NEEDED_CODE, told, value=plan.count)
