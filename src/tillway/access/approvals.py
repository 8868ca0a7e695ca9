"""What waits for a second person: who asked for what and why, and who decided.

Surprising: nothing is carried out here. Who approves does so through the room that was asked, which
learns that another person wants the same.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal, get_args

import msgspec

from tillway.access.callers import Caller
from tillway.access.tables import rows, tables, write
from tillway.clock import MICROSECONDS, Clock
from tillway.errors import ConfigurationError, Refused
from tillway.journal.base import Action
from tillway.journal.projection import Change, Projecting

State = Literal["waiting", "approved", "rejected"]
STATES: tuple[State, ...] = get_args(State)
KEPT_SECONDS = 24 * 3600
"""A request that nobody decided for so long must be asked for again."""


class Approval(msgspec.Struct, frozen=True):
    """One request. kind says which action carries it out; request: its JSON. Times: microseconds.

    subject: what it is about, for people.
    """

    approval_id: int
    kind: str
    subject: str
    request: bytes
    asked_by: str
    asked_at: int
    reason: str
    state: State = "waiting"
    decided_by: str = ""
    decided_at: int = 0
    decided_why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values, the request as what it says."""
        return {**msgspec.structs.asdict(self), "request": msgspec.json.decode(self.request)}


class Approvals:
    """The requests of one hub."""

    def __init__(self, journal: Projecting, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._known: dict[int, Approval] = {}
        self._deciding = asyncio.Lock()

    @classmethod
    async def open(cls, journal: Projecting, clock: Clock) -> Approvals:
        """Read the requests of a journal."""
        await journal.open_tables(tables())
        made = cls(journal, clock)
        for row in await rows(journal, "approvals"):
            made._known[row[0]] = Approval(*row)
        return made

    def listed(self, state: str = "") -> list[Approval]:
        """Return requests, newest first; one that waited too long waits no longer."""
        found = [one for one in self._known.values() if state in ("", one.state)]
        if state == "waiting":
            found = [one for one in found if self._is_fresh(one)]
        return sorted(found, key=lambda one: -one.approval_id)

    async def ask(
        self, kind: str, subject: str, request: msgspec.Struct, *, who: str, reason: str
    ) -> Approval:
        """Note a request; the same one of the same person that waits already is returned."""
        body = msgspec.json.encode(request)
        async with self._deciding:
            for one in self.listed("waiting"):
                if (one.kind, one.request, one.asked_by) == (kind, body, who):
                    return one
            number = max(self._known, default=0) + 1
            made = Approval(number, kind, subject, body, who, self._clock.now(), reason)
            await self._keep(made, who, "ask", reason)
        return made

    async def decide(
        self,
        number: int,
        caller: Caller,
        *,
        who: str,
        approve: bool,
        reason: str,
    ) -> Approval:
        """Note the decision of a second person and return the request as it is now.

        Raises ConfigurationError TW-8021 for a request
        nobody knows, TW-8022 for one that is decided or too old, TW-7007 without a reason; Refused
        TW-8023 (403) for the person who asked.
        """
        if not reason.strip():
            raise ConfigurationError("TW-7007", "this goes to the audit log and needs a reason")
        async with self._deciding:
            known = self._known.get(number)
            if known is None:
                raise ConfigurationError("TW-8021", f"there is no request {number}", value=number)
            if known.state != "waiting" or not self._is_fresh(known):
                why = known.state if known.state != "waiting" else "too old"
                raise ConfigurationError("TW-8022", f"request {number} is {why}", value=number)
            caller.need("approvals.decide")
            if known.asked_by == who:
                raise Refused("TW-8023", f"{who} asked for this", status=403)
            state: State = "approved" if approve else "rejected"
            decided = msgspec.structs.replace(
                known,
                state=state,
                decided_by=who,
                decided_at=self._clock.now(),
                decided_why=reason,
            )
            await self._keep(decided, who, "approve" if approve else "reject", reason)
        return decided

    def _is_fresh(self, one: Approval) -> bool:
        return self._clock.now() - one.asked_at < KEPT_SECONDS * MICROSECONDS

    async def _keep(self, one: Approval, who: str, verb: str, reason: str) -> None:
        told = f"{one.kind} {one.approval_id}: {one.subject}"
        change = Change(actions=[Action(self._clock.now(), who, verb, told, reason)])
        change.run(write("approval"), msgspec.structs.astuple(one))
        await self._journal.project(change)
        self._known[one.approval_id] = one
