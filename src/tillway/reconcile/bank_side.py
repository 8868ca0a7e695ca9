"""Payouts and deposits followed to the bank statement.

A bank line is joined to what it names. Several lines for one payout, and one line for several
deposits, are judged by their sums. What no line names is looked for by amount and date only when it
is overdue, so that every line had its chance to be named; and only where it cannot be another's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from tillway.journal.projection import Change
from tillway.reconcile.facts import ZERO
from tillway.reconcile.finding_log import FindingLog
from tillway.reconcile.findings import Finding
from tillway.reconcile.items import Item, Items
from tillway.reconcile.rules import Judge

SHORTEST_REFERENCE = 5
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.\-]*")
RULES = {"payout": "PAYOUT_DIFF", "deposit": "DEPOSIT_MISMATCH"}


class BankSide:
    """Joins what is expected at the bank with the lines of its statements."""

    def __init__(self, items: Items, log: FindingLog, judge: Judge) -> None:
        self._items = items
        self._log = log
        self._judge = judge

    async def line(self, line: Any, system: str, position: int, at: int, change: Change) -> None:
        """Take a line of a statement; only what is booked there is money on the account."""
        if line.document not in (None, "statement") or line.status not in (None, "booked"):
            return
        told = " ".join(filter(None, (line.reference, line.entry_reference, line.text)))
        words = words_of(told, line.reference or "", line.text or "")
        credit = self._items.add(
            change,
            "credit",
            system,
            reference=line.reference or "",
            other_reference="",
            store="",
            business_date=line.value_date.isoformat(),
            currency=line.currency,
            amount=line.amount,
            position=position,
            due="",
        )
        self._items.add_words(credit, words, change)
        named = [one for one in await self._items.at_bank(words) if _same_party(one, credit)]
        named = [one for one in named if await self._names_it(one, words)]
        if chosen := _chosen([one for one in named if not one.match_id], credit):
            await self._join(chosen, [credit], chosen[0].item_id, at, change)
        elif matched := [one for one in named if one.match_id]:
            await self._join([], [credit], matched[0].match_id, at, change)

    async def expect(self, item: Item, at: int, change: Change) -> None:
        """Take a payout or deposit; lines that name it may be there already."""
        names = {item.reference}
        if await self._is_own_name(item):
            names.add(item.other_reference)
        lines = [one for one in await self._items.credits(names) if _same_party(item, one)]
        if free := [one for one in lines if not one.match_id]:
            await self._join([item], free, item.item_id, at, change)
            return
        for one in lines:
            if await self._apart(await self._items.group(one.match_id)):
                await self._join([item], [], one.match_id, at, change)
                return

    async def find_by_amount(self, item: Item, at: int, change: Change) -> str:
        """Join what no line names with a line that fits, or say how many fit.

        Where as many lines fit as payouts and deposits wait for them, it does not matter which of
        them is whose.
        """
        same = await self._items.open_by_amount(item.currency, item.amount)
        awaited = [one for one in same if one.kind != "credit"]
        numbered = {one.item_id for one in awaited if await self._bears_a_number(one)}
        lines = [one for one in same if one.kind == "credit" and _fits(item, one, numbered)]
        rivals = [one for one in awaited if any(_fits(one, line, numbered) for line in lines)]
        alike = all(_fits(one, line, numbered) for one in rivals for line in lines)
        if lines and alike and len(lines) == len(rivals):
            await self._join([item], lines[:1], item.item_id, at, change)
            return ""
        if not lines:
            return f"due by {item.due} at {item.party}"
        what = "payouts or deposits" if len(rivals) > 1 else item.kind
        return f"{len(rivals)} {what} and {len(lines)} bank lines of this amount fit"

    async def leave(self, item: Item, at: int, change: Change) -> None:
        """Take a payout out of its group: a newer revision says it anew."""
        rest = [one for one in await self._items.group(item.match_id) if one is not item]
        self._items.join(rest, 0, change)
        await self._report(item, [], at, change)

    # --- groups -----------------------------------------------------------------------------

    async def _join(
        self, expected: list[Item], seen: list[Item], match_id: int, at: int, change: Change
    ) -> None:
        self._items.join([*expected, *seen], match_id, change)
        group = await self._items.group(match_id)
        awaited = [one for one in group if one.kind != "credit"]
        if not awaited:
            return
        first, *others = awaited
        for one in others:
            await self._report(one, [], at, change)
        found = await self._difference(first, group)
        if found or not first.flawed:
            await self._report(first, found, at, change)

    async def _difference(self, first: Item, group: list[Item]) -> list[Finding]:
        if not await self._apart(group):
            return []
        wanted, lines = _sums(group)
        others = [one for one in group if one.currency != first.currency]
        foreign = f" {others[0].currency}" if others else ""
        return self._judge.finding(
            RULES[first.kind],
            first.store,
            first.business_date,
            subject=first.reference,
            currency=first.currency,
            expected=str(wanted),
            found=f"{lines}{foreign}",
            difference=str(lines - wanted),
            position=first.position,
        )

    async def _apart(self, group: list[Item]) -> bool:
        """Say whether the lines of a group do not make up what is expected."""
        awaited = [one for one in group if one.kind != "credit"]
        if not awaited:
            return False
        wanted, lines = _sums(group)
        tolerance = self._judge.tolerance(RULES[awaited[0].kind])
        return abs(lines - wanted) > tolerance or len({one.currency for one in group}) > 1

    async def _names_it(self, item: Item, words: set[str]) -> bool:
        return item.reference in words or await self._is_own_name(item)

    async def _bears_a_number(self, item: Item) -> bool:
        """Say whether a line would name it: then a line with another number is not its own."""
        if item.kind == "payout":
            return await self._is_own_name(item)
        return _has_digit(item.reference)

    async def _is_own_name(self, item: Item) -> bool:
        """Say whether the other reference is of this payout: some bear the same on every line."""
        name = item.other_reference
        if not _has_digit(name):
            return False
        return len(await self._items.at_bank([name])) == 1

    async def _report(self, item: Item, found: list[Finding], at: int, change: Change) -> None:
        await self._log.report(
            item.store,
            item.business_date,
            (RULES[item.kind],),
            found,
            at,
            change,
            subject=item.reference,
        )


def words_of(*texts: str) -> set[str]:
    """Return what may be a reference in the texts of a bank line, the whole of each too."""
    found = {text for text in texts if text}
    for text in texts:
        found.update(word for word in _WORD.findall(text) if len(word) >= SHORTEST_REFERENCE)
    return found


def name_in(text: str) -> str:
    """Return what a bank line is known by in what a processor says it will write there.

    That is the first word that looks like a number of something, else the whole.
    """
    words = (word for word in _WORD.findall(text) if len(word) >= SHORTEST_REFERENCE)
    return next((word for word in words if any(one.isdigit() for one in word)), text)


def _chosen(named: list[Item], credit: Item) -> list[Item]:
    """Return which of the items that a line names it is about: all if it is their sum, or one."""
    if len(named) > 1 and _money(named) == credit.amount:
        return named
    equal = [one for one in named if one.amount == credit.amount]
    if len(equal) == 1 or len(named) == 1:
        return equal or named
    return [] if equal else named


def _sums(group: list[Item]) -> tuple[Decimal, Decimal]:
    """Return what is expected and what the lines come to."""
    awaited = [one for one in group if one.kind != "credit"]
    return _money(awaited), _money(one for one in group if one.kind == "credit")


def _money(items: Iterable[Item]) -> Decimal:
    return sum((one.amount for one in items), ZERO)


def _same_party(expected: Item, credit: Item) -> bool:
    return expected.party in ("", credit.party)


def _fits(expected: Item, credit: Item, numbered: Collection[int]) -> bool:
    """Say whether a line of the same amount may be the one; one that names another is not.

    numbered: what a line would name by a number of its own.
    """
    return (
        _same_party(expected, credit)
        and bool(expected.due)
        and expected.business_date <= credit.business_date <= expected.due
        and not (expected.item_id in numbered and _has_digit(credit.reference))
    )


def _has_digit(name: str) -> bool:
    return any(character.isdigit() for character in name)
