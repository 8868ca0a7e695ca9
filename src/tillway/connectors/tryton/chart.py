"""Fetches what Tryton calls the accounts, journals, periods and parties that documents name.

Surprising: only what was found is remembered, and not for long, so an account that somebody adds
in Tryton is seen by the next message and nobody has to restart anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from tillway.clock import Clock
from tillway.connectors.tryton.codes import Account, Codes, Period
from tillway.connectors.tryton.moves import Move
from tillway.connectors.tryton.session import TrytonSession
from tillway.errors import NotConnected

REMEMBERED_SECONDS = 300.0
CODES_PER_CALL = 500


class Chart:
    """The codes of one company, fetched when first asked for and again after some minutes."""

    def __init__(self, session: TrytonSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._codes = Codes(session.name, session.company)
        self._since = 0.0
        self._fetching = asyncio.Lock()

    def forget(self) -> None:
        """Fetch everything again with the next document: something was refused."""
        self._codes = Codes(self._session.name, self._session.company)

    async def codes_for(self, moves: Sequence[Move]) -> Codes:
        """Return codes that hold all these moves name, as far as Tryton has it.

        Raises Transient or NotConnected; what Tryton does not have is told by the codes.
        """
        lines = [line for move in moves for line in move.lines]
        async with self._fetching:
            if self._clock.monotonic() - self._since > REMEMBERED_SECONDS:
                self.forget()
            codes = self._codes
            if not codes.currency:
                await self._fetch_company(codes)
                self._since = self._clock.monotonic()
            await self._fetch_accounts(codes, {line.account for line in lines})
            await self._fetch_journals(codes, {move.journal for move in moves})
            await self._fetch_parties(codes, {line.party for line in lines if line.party})
            if not all(codes.holds(move.date) for move in moves):
                await self._fetch_periods(codes)
            return codes

    async def check(self, journal: str, accounts: Iterable[str], day: date) -> None:
        """Raise what is missing of company, journal, accounts and the period of a day."""
        codes = Codes(self._session.name, self._session.company)
        await self._fetch_company(codes)
        await self._fetch_accounts(codes, set(accounts))
        await self._fetch_journals(codes, {journal})
        await self._fetch_periods(codes)
        codes.journal(journal)
        for code in accounts:
            codes.account(code)
        codes.period(day)

    async def _fetch_company(self, codes: Codes) -> None:
        rows = await self._search(
            "company.company", [["id", "=", codes.company]], ["currency.code", "currency.digits"]
        )
        if not rows:
            raise NotConnected(
                "TW-4158",
                f"{codes.name} has no company {codes.company} that this user sees",
                target=codes.name,
            )
        currency = rows[0]["currency."]
        codes.currency, codes.digits = currency["code"], currency["digits"]

    async def _fetch_accounts(self, codes: Codes, wanted: set[str]) -> None:
        for part in _parts(wanted - codes.accounts.keys()):
            domain = [
                ["code", "in", part],
                ["company", "=", codes.company],
                ["closed", "!=", True],
                # Whether an account is valid depends on the day of the move, not on today.
                ["active", "in", [True, False]],
            ]
            names = ["code", "type", "party_required"]
            for row in await self._search("account.account", domain, names):
                codes.accounts[row["code"]] = Account(
                    row["id"], row["type"] is None, bool(row["party_required"])
                )

    async def _fetch_journals(self, codes: Codes, wanted: set[str]) -> None:
        for part in _parts(wanted - codes.journals.keys()):
            rows = await self._search("account.journal", [["code", "in", part]], ["code"])
            codes.journals.update({row["code"]: row["id"] for row in rows})

    async def _fetch_parties(self, codes: Codes, wanted: set[str]) -> None:
        for part in _parts(wanted - codes.parties.keys()):
            rows = await self._search("party.party", [["code", "in", part]], ["code"])
            codes.parties.update({row["code"]: row["id"] for row in rows})

    async def _fetch_periods(self, codes: Codes) -> None:
        domain = [
            ["company", "=", codes.company],
            ["type", "=", "standard"],
            ["state", "=", "open"],
        ]
        rows = await self._search("account.period", domain, ["start_date", "end_date"])
        codes.periods = [Period(row["id"], row["start_date"], row["end_date"]) for row in rows]

    async def _search(self, model: str, domain: list[Any], names: list[str]) -> list[Any]:
        found: list[Any] = await self._session.read(
            f"model.{model}.search_read", domain, 0, None, None, names
        )
        return found


def _parts(codes: set[str]) -> list[list[str]]:
    ordered = sorted(codes)
    return [ordered[at : at + CODES_PER_CALL] for at in range(0, len(ordered), CODES_PER_CALL)]
