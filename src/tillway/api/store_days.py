"""Store-days over the API: lists, one in full, the matrix, and what finance decides.

The console and the command line ask here; reading works on the same tables that the hub writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.fields import body_as
from tillway.api.operations import Operations
from tillway.clock import Clock
from tillway.errors import ConfigurationError
from tillway.journal.projection import Asking
from tillway.reconcile import (
    Decision,
    as_json,
    day_in_full,
    findings,
    ready,
    store_days,
    symbol_of,
)
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of approve and reopen."""

    store: str
    business_date: str
    who: str
    reason: str = ""


class OverrideRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of override: findings are pairs of rule and subject."""

    store: str
    business_date: str
    findings: list[tuple[str, str]]
    who: str
    reason: str = ""


class AssignRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of assign: who looks after a finding from now on."""

    store: str
    business_date: str
    rule: str
    subject: str
    owner: str
    who: str


class RunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of recon/run: business dates, both included; store "" for all."""

    who: str
    first: str = ANY_FIRST
    last: str = ANY_LAST
    store: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StoreDayQuestions:
    """Answers about store-days."""

    tables: Asking

    async def days(self, call: Call) -> Reply:
        """Answer the days of a range, or one day in full when store and date name it."""
        await ready(self.tables)
        query = call.query
        if date := query.get("date"):
            found = await day_in_full(self.tables, query.get("store", ""), date)
            if found is None:
                raise ConfigurationError(
                    "TW-6910", f"there is no store-day {query.get('store', '')} {date}"
                )
            return json_reply("storeday.show", as_json(found))
        days = await store_days(self.tables, **_range(query))
        state = query.get("state", "")
        shown = [as_json(day) for day in days if state in ("", day.state)]
        return json_reply("storeday.list", {"days": shown})

    async def matrix(self, call: Call) -> Reply:
        """Answer shops by days: a sign, the state and what differs of each."""
        await ready(self.tables)
        rows: dict[str, dict[str, dict[str, object]]] = {}
        for day in await store_days(self.tables, **_range(call.query)):
            cell: dict[str, object] = {"sign": symbol_of(day), "state": day.state}
            if day.difference:
                cell["difference"] = day.difference
            rows.setdefault(day.store, {})[day.business_date] = cell
        return json_reply("recon.matrix", {"stores": rows})

    async def findings(self, call: Call) -> Reply:
        """Answer what was found: by store, dates, rule and state (open unless asked otherwise)."""
        await ready(self.tables)
        query = call.query
        found = await findings(
            self.tables,
            **_range(query),
            state=query.get("state", "open"),
            rule=query.get("rule", ""),
        )
        return json_reply("recon.show", {"findings": [as_json(one) for one in found]})


@dataclass(frozen=True, slots=True)
class StoreDayChanges:
    """Carries out what finance decides on a running hub."""

    operations: Operations
    clock: Clock

    async def approve(self, call: Call) -> Reply:
        """Release a balanced day."""
        request = await body_as(call, DecisionRequest)
        decision = self._decision(request.who, request.reason)
        day = await self.operations.desk.approve(request.store, request.business_date, decision)
        return json_reply("storeday.approve", {"day": as_json(day)})

    async def reopen(self, call: Call) -> Reply:
        """Open a posted day again."""
        request = await body_as(call, DecisionRequest)
        decision = self._decision(request.who, request.reason)
        day = await self.operations.desk.reopen(request.store, request.business_date, decision)
        return json_reply("storeday.reopen", {"day": as_json(day)})

    async def override(self, call: Call) -> Reply:
        """Account for findings."""
        request = await body_as(call, OverrideRequest)
        decision = self._decision(request.who, request.reason)
        day = await self.operations.desk.override(
            request.store, request.business_date, request.findings, decision
        )
        return json_reply("storeday.override", {"day": as_json(day)})

    async def assign(self, call: Call) -> Reply:
        """Give a finding to somebody."""
        request = await body_as(call, AssignRequest)
        await self.operations.desk.assign(
            *(request.store, request.business_date, request.rule, request.subject),
            owner=request.owner,
            by=self._decision(request.who, f"to {request.owner}"),
        )
        return json_reply("recon.assign", {"owner": request.owner})

    async def run(self, call: Call) -> Reply:
        """Audit the days of a range anew."""
        request = await body_as(call, RunRequest)
        decision = self._decision(request.who, request.reason)
        states: dict[str, int] = {}
        rerun = self.operations.desk.rerun(request.first, request.last, request.store, decision)
        async for day in rerun:
            states[day.state] = states.get(day.state, 0) + 1
        return json_reply("recon.run", {"days": sum(states.values()), "states": states})

    def _decision(self, who: str, reason: str) -> Decision:
        return Decision(who, reason, self.clock.now())


def _range(query: Mapping[str, str]) -> dict[str, str]:
    return {
        "first": query.get("from", ANY_FIRST),
        "last": query.get("to", ANY_LAST),
        "store": query.get("store", ""),
    }
