"""What finance decides about store-days over the API: approve, reopen, override, assign, run.

Who decides and why is part of every request, and goes to the audit log with the change itself.
"""

from __future__ import annotations

import msgspec

from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.fields import Reason, Text, body_as, who_acts
from tillway.api.operations import Operations
from tillway.clock import Clock
from tillway.errors import ConfigurationError
from tillway.reconcile import Decision, as_json, business_date
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST


class DecisionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of approve and reopen."""

    store: Text
    business_date: Text
    who: Text = ""
    reason: Reason = ""


class OverrideRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of override: findings are pairs of rule and subject, store "" where they have none."""

    store: Text
    business_date: Text
    findings: list[tuple[Text, Text]]
    who: Text = ""
    reason: Reason = ""


class AssignRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of assign: who looks after a finding from now on."""

    store: Text
    business_date: Text
    rule: Text
    subject: Text
    owner: Text
    who: Text = ""


class RunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of recon/run: business dates, both included; store "" for all."""

    who: Text = ""
    first: Text = ""
    last: Text = ""
    store: Text = ""
    reason: Reason = ""


class StoreDayChanges(msgspec.Struct, frozen=True):
    """Carries out what finance decides on a running hub."""

    operations: Operations
    clock: Clock

    async def approve(self, call: Call) -> Reply:
        """Release a balanced day."""
        request = await body_as(call, DecisionRequest)
        decision, place = self._decision(call, request), _place(call, request)
        day = await self.operations.desk.approve(*place, decision)
        return json_reply("storeday.approve", {"day": as_json(day)})

    async def reopen(self, call: Call) -> Reply:
        """Open a posted day again."""
        request = await body_as(call, DecisionRequest)
        decision, place = self._decision(call, request), _place(call, request)
        day = await self.operations.desk.reopen(*place, decision)
        return json_reply("storeday.reopen", {"day": as_json(day)})

    async def override(self, call: Call) -> Reply:
        """Account for findings."""
        request = await body_as(call, OverrideRequest)
        decision, place = self._decision(call, request), _place(call, request)
        day = await self.operations.desk.override(*place, request.findings, decision)
        return json_reply("storeday.override", {"day": as_json(day) if day else None})

    async def assign(self, call: Call) -> Reply:
        """Give a finding to somebody."""
        request = await body_as(call, AssignRequest)
        await self.operations.desk.assign(
            *(*_place(call, request), request.rule, request.subject),
            owner=request.owner,
            by=Decision(who_acts(call, request.who), f"to {request.owner}", self.clock.now()),
        )
        return json_reply("recon.assign", {"owner": request.owner})

    async def run(self, call: Call) -> Reply:
        """Audit the days of a range anew."""
        request = await body_as(call, RunRequest)
        call.caller.need_store(request.store)
        decision = self._decision(call, request)
        first = business_date(request.first, ANY_FIRST, field="first")
        last = business_date(request.last, ANY_LAST, field="last")
        states: dict[str, int] = {}
        rerun = self.operations.desk.rerun(first, last, request.store, decision)
        async for day in rerun:
            states[day.state] = states.get(day.state, 0) + 1
        return json_reply("recon.run", {"days": sum(states.values()), "states": states})

    def _decision(
        self, call: Call, request: DecisionRequest | OverrideRequest | RunRequest
    ) -> Decision:
        if not request.reason.strip():
            raise ConfigurationError(
                "TW-7007", "this goes to the audit log and needs a reason", path="reason"
            )
        return Decision(who_acts(call, request.who), request.reason, self.clock.now())


def _place(
    call: Call, request: DecisionRequest | OverrideRequest | AssignRequest
) -> tuple[str, str]:
    call.caller.need_store(request.store)
    return request.store, business_date(request.business_date, field="business_date")
