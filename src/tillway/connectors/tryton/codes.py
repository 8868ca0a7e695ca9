"""A document's codes in Tryton's own ids: what `create` takes, or the error that names what lacks.

Surprising: nothing is fetched here. A call works with the codes it was given to its end, whatever
another call finds out meanwhile.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from tillway.connectors.tryton.moves import Move, MoveLine
from tillway.errors import Permanent

_ZERO = Decimal(0)


class Account(msgspec.Struct, frozen=True):
    """An account of the chart. is_heading: it only sums up others and takes no lines."""

    id: int
    is_heading: bool
    needs_party: bool


class Period(msgspec.Struct, frozen=True):
    """An open period: first and last day."""

    id: int
    first: date
    last: date


class Codes(msgspec.Struct):
    """What one company of one Tryton (name) is known to have: code -> id."""

    name: str
    company: int
    currency: str = ""
    digits: int = 0
    accounts: dict[str, Account] = msgspec.field(default_factory=dict)
    journals: dict[str, int] = msgspec.field(default_factory=dict)
    parties: dict[str, int] = msgspec.field(default_factory=dict)
    periods: list[Period] = msgspec.field(default_factory=list)

    def values(self, move: Move) -> dict[str, Any]:
        """Return the move as Tryton's `create` takes it.

        Raises what `header` raises, and Permanent TW-4152 (account), TW-4156 (finer than the
        currency), TW-4157 (party).
        """
        return {
            **self.header(move),
            "lines": [["create", [self._line_values(line) for line in move.lines]]],
        }

    def header(self, move: Move) -> dict[str, Any]:
        """Return the move without its lines.

        Raises Permanent TW-4153 (journal), TW-4154 (no open period), TW-4155 (currency).
        """
        if move.currency and move.currency != self.currency:
            raise Permanent(
                "TW-4155",
                f"company {self.company} of {self.name} keeps its books in {self.currency}, and "
                f"the document is in {move.currency}",
                path="currency",
                value=move.currency,
            )
        return {
            "company": self.company,
            "journal": self.journal(move.journal),
            "period": self.period(move.date).id,
            "date": move.date,
            "description": move.description,
        }

    def sums(self, move: Move) -> dict[tuple[int, int], Decimal]:
        """Return what the move books on each (account id, party id or 0), zeros left out."""
        sums: dict[tuple[int, int], Decimal] = {}
        for line in move.lines:
            account = self._account_of(line)
            place = (account.id, self._party(line, account) or 0)
            sums[place] = sums.get(place, _ZERO) + line.amount
        return {place: amount for place, amount in sums.items() if amount}

    def account(self, code: str) -> Account:
        """Return an account that takes lines; Permanent TW-4152 when there is none."""
        account = self.accounts.get(code)
        if account is None or account.is_heading:
            what = "no open account" if account is None else "only a heading"
            raise Permanent(
                "TW-4152",
                f'{self.name} has {what} with the code "{code}" in company {self.company}',
                path="account",
                value=code,
            )
        return account

    def journal(self, code: str) -> int:
        """Return the id of a journal; Permanent TW-4153 when there is none."""
        if code not in self.journals:
            raise Permanent(
                "TW-4153",
                f'{self.name} has no journal with the code "{code}"',
                path="journal",
                value=code,
            )
        return self.journals[code]

    def holds(self, day: date) -> bool:
        """Say whether an open period of this day is known."""
        return any(one.first <= day <= one.last for one in self.periods)

    def period(self, day: date) -> Period:
        """Return the open period of a day; Permanent TW-4154 when there is none."""
        for one in self.periods:
            if one.first <= day <= one.last:
                return one
        raise Permanent(
            "TW-4154",
            f"{self.name} has no open fiscal period for {day.isoformat()}",
            path="date",
            value=day.isoformat(),
        )

    def _account_of(self, line: MoveLine) -> Account:
        """Return the account of a line; an error says which line, and where it is set."""
        try:
            return self.account(line.account)
        except Permanent as refusal:
            told = f', which line "{line.description}" names' if line.description else ""
            where = f"; it is set in {line.set_in}" if line.set_in else ""
            raise Permanent(
                refusal.code,
                f"{refusal.detail}{told}{where}",
                path=refusal.path,
                value=line.account,
            ) from None

    def _line_values(self, line: MoveLine) -> dict[str, Any]:
        account = self._account_of(line)
        exact = line.amount.quantize(Decimal(1).scaleb(-self.digits))
        if exact != line.amount:
            raise Permanent(
                "TW-4156",
                f"an amount on account {line.account} is finer than {self.currency} allows: "
                f"{line.amount:f}",
                path="lines",
                value=f"{line.amount:f}",
            )
        values: dict[str, Any] = {
            "account": account.id,
            "debit": exact if exact > 0 else _ZERO,
            "credit": -exact if exact < 0 else _ZERO,
            "description": line.description or None,
        }
        party = self._party(line, account)
        return {**values, "party": party} if party else values

    def _party(self, line: MoveLine, account: Account) -> int | None:
        """Return the party of a line; an account that keeps no parties would refuse one."""
        if not account.needs_party:
            return None
        if not line.party:
            raise Permanent(
                "TW-4157",
                f"account {line.account} of {self.name} wants a party on every line, and this "
                "line has none",
                path="party",
                value=line.account,
            )
        if line.party not in self.parties:
            raise Permanent(
                "TW-4157",
                f'{self.name} has no party with the code "{line.party}"',
                path="party",
                value=line.party,
            )
        return self.parties[line.party]
