"""What a person decides about store-days: approve, open again, account for a finding, audit anew.

Every decision needs a reason and leaves a line in the audit log and in the life of the day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec

from tillway.errors import ConfigurationError
from tillway.journal.base import Action
from tillway.journal.projection import Change
from tillway.reconcile.bookkeeper import Bookkeeper
from tillway.reconcile.findings import Finding
from tillway.reconcile.number_runs import meant
from tillway.reconcile.shelf import Entry, decode_day
from tillway.reconcile.store_day import StoreDay
from tillway.reconcile.tables import read, write


class Decision(msgspec.Struct, frozen=True):
    """Who decided, why, and when (microseconds UTC)."""

    who: str
    reason: str
    at: int


class Desk:
    """Carries out what people decide; each method returns the day as it is afterwards."""

    def __init__(self, bookkeeper: Bookkeeper) -> None:
        self._books = bookkeeper

    async def approve(self, store: str, business_date: str, decision: Decision) -> StoreDay:
        """Release a balanced day for the ERP.

        Raises ConfigurationError TW-6910 for a day nobody knows, TW-6911 for one that is not
        balanced, TW-7007 without a reason.
        """
        _need_reason(decision)
        async with self._books.alone():
            entry = await self._known(store, business_date)
            if entry.day.state != "balanced":
                raise _not_in(entry.day, "approve", "balanced")
            day = entry.day
            day.approved_at, day.approved_by = decision.at, decision.who
            day.approved_reason, day.approved_position = decision.reason, entry.book.position
            return await self._carry_out(entry, "storeday.approve", decision)

    async def reopen(self, store: str, business_date: str, decision: Decision) -> StoreDay:
        """Open a posted day again: the next revision reverses what was booked.

        Raises ConfigurationError TW-6910, TW-6911 for a day that is not posted, TW-7007.
        """
        _need_reason(decision)
        async with self._books.alone():
            entry = await self._known(store, business_date)
            if entry.day.state != "posted":
                raise _not_in(entry.day, "reopen", "posted")
            entry.day.reopen_asked = True
            return await self._carry_out(entry, "storeday.reopen", decision)

    async def override(
        self,
        store: str,
        business_date: str,
        findings: Sequence[tuple[str, str]],
        decision: Decision,
    ) -> StoreDay | None:
        """Account for findings, each (rule, subject): they stay on record and block no longer.

        A run of missing numbers, such as 03:1043-1046, means those of them that are open. Returns
        the day; None where store is "", for findings that belong to no shop.
        Raises ConfigurationError TW-6910, TW-6912 for a finding that is not open, TW-7007.
        """
        _need_reason(decision)
        async with self._books.alone():
            entry = await self._known(store, business_date) if store else None
            change = Change()
            known = await self._books.log.known(store, business_date)
            for rule, subject in findings:
                found = [one for one in meant(known, rule, subject) if one.state == "open"]
                if not found:
                    raise _no_finding(rule, subject)
                for one in found:
                    await self._books.log.decide(_overridden(one, decision), change)
            told = ", ".join(f"{rule} {subject}".strip() for rule, subject in findings)
            verb = "finding.override"
            if entry is None:
                about = f"{business_date} {told}".strip()
                change.actions.append(
                    Action(decision.at, decision.who, verb, about, decision.reason)
                )
            await self._books.commit(change)
            return await self._carry_out(entry, verb, decision, told) if entry else None

    async def assign(
        self, store: str, business_date: str, rule: str, subject: str, owner: str, by: Decision
    ) -> None:
        """Give a finding, or the open ones of a run of numbers, to somebody.

        Raises ConfigurationError TW-6912 for one nobody knows.
        """
        async with self._books.alone():
            known = await self._books.log.known(store, business_date)
            found = meant(known, rule, subject)
            if not found:
                raise _no_finding(rule, subject)
            change = Change()
            for one in found:
                await self._books.log.decide(
                    msgspec.structs.replace(one, owner=owner, changed_at=by.at), change
                )
            told = f"{store} {business_date} {rule} {subject}".strip()
            change.actions.append(Action(by.at, by.who, "finding.assign", told, f"to {owner}"))
            await self._books.commit(change)

    async def rerun(
        self, first: str, last: str, store: str, decision: Decision
    ) -> AsyncIterator[StoreDay]:
        """Audit the days of a range anew from their stored facts; yields each as it is judged.

        However long the range is, one day of it is in memory at a time.
        """
        told = f"{first} to {last} {store}".strip()
        action = Action(decision.at, decision.who, "recon.run", told, decision.reason)
        async with self._books.alone():
            await self._books.commit(Change(actions=[action]))
        for [shop] in await self._books.ask(read("stores_of"), (first, last, store)):
            for [record] in await self._books.ask(read("days_of"), (first, last, shop)):
                day = decode_day(record)
                async with self._books.alone():
                    day = await self._books.again(day.store, day.business_date)
                yield day

    async def _known(self, store: str, business_date: str) -> Entry:
        entry = await self._books.shelf.known(store, business_date)
        if entry is None:
            raise ConfigurationError(
                "TW-6910",
                f"there is no store-day {store} {business_date}",
                store=store,
                business_date=business_date,
            )
        return entry

    async def _carry_out(
        self, entry: Entry, verb: str, decision: Decision, told: str = ""
    ) -> StoreDay:
        """Audit the day after a decision; the decision joins the same change."""
        day = entry.day
        subject = f"{day.store} {day.business_date} {told}".strip()
        change = Change(actions=[Action(decision.at, decision.who, verb, subject, decision.reason)])
        why = f"{verb}: {decision.reason}"
        change.run(
            write("move"),
            (day.day_id, decision.at, day.state, day.revision, decision.who, why),
        )
        await self._books.auditor.audit(entry, decision.at, change)
        await self._books.commit(change)
        return day


def _need_reason(decision: Decision) -> None:
    if not decision.reason.strip():
        raise ConfigurationError("TW-7007", "this goes to the audit log and needs a reason")


def _overridden(finding: Finding, decision: Decision) -> Finding:
    return msgspec.structs.replace(
        finding,
        state="overridden",
        changed_at=decision.at,
        decided_by=decision.who,
        decided_at=decision.at,
        reason=decision.reason,
    )


def _no_finding(rule: str, subject: str) -> ConfigurationError:
    return ConfigurationError(
        "TW-6912", f"there is no open finding {rule} {subject}".rstrip(), rule=rule
    )


def _not_in(day: StoreDay, verb: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        "TW-6911",
        f"{day.store} {day.business_date} is {day.state}; only a day that is {wanted} can be"
        f" {'approved' if verb == 'approve' else 'opened again'}",
        store=day.store,
        business_date=day.business_date,
        value=day.state,
    )
