"""Store-days over the API: lists, one in full, the matrix, findings, open items and exports.

Reading works on the same tables that the hub writes. Long lists come in pages: `limit` (at most
20,000) and `offset`; `next` is the offset of the page after this one, or null.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from tillway.access.callers import HUB, Caller
from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.fields import number_of
from tillway.clock import Clock
from tillway.errors import ConfigurationError
from tillway.journal.projection import Asking
from tillway.project.records import Release
from tillway.reconcile import (
    KINDS,
    LEGEND,
    StoreDay,
    as_json,
    business_date,
    by_rule,
    count_days,
    day_in_full,
    findings,
    last_days,
    local_date,
    matrix,
    open_items,
    ready,
    sheets,
    store_days,
    write_csv,
    write_xlsx,
)
from tillway.reconcile.answers import ANY_FIRST, ANY_LAST, WAITS_FOR
from tillway.reconcile.rules import CATALOGUE
from tillway.reconcile.store_day import MEANINGS
from tillway.spelling import nearest

PAGE, LARGEST_PAGE = 1_000, 20_000
MATRIX_DAYS = 14
MOST_EXPORTED_DAYS = 20_000
"""Store-days of one export over the API; a month of 600 shops is 18,600."""
RANGE = ("from", "to", "store")
PAGED = (*RANGE, "limit", "offset")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Row = TypeVar("Row")


class StoreDayQuestions(msgspec.Struct, frozen=True):
    """Answers about store-days; release is None when the project does not load."""

    tables: Asking
    release: Release | None
    clock: Clock

    async def days(self, call: Call) -> Reply:
        """Answer the days of a range, or one day in full when store and date name it."""
        await self._ready()
        query = call.query
        if query.get("date"):
            return await self._one(call)
        state = chosen(query, "state", MEANINGS)
        if call.caller.stores is not None:
            found, after = _cut(await self._seen_days(call, query, state=state), query)
            days = [as_json(day) for day in found]
            return json_reply("storeday.list", {"days": days, "next": after})
        limit, offset = _page(query)
        found = await store_days(
            self.tables, **_range(query), state=state, limit=limit + 1, offset=offset
        )
        shown = [as_json(day) for day in found[:limit]]
        after = offset + limit if len(found) > limit else None
        return json_reply("storeday.list", {"days": shown, "next": after})

    async def matrix(self, call: Call) -> Reply:
        """Answer shops by days, most money at risk first; the last 14 days unless asked."""
        await self._ready()
        query = call.query
        first, last = last_days(self.today, MATRIX_DAYS)
        asked = {"from": first, "to": last, **{name: text for name, text in query.items() if text}}
        found = await matrix(self.tables, call.caller.sees, **_range(asked, call.caller))
        data = {"dates": found.dates, "rows": found.rows, "states": found.states}
        return json_reply("recon.matrix", {**data, "legend": LEGEND})

    async def findings(self, call: Call) -> Reply:
        """Answer what was found: by rule in all, and a page of the rows (open unless asked)."""
        await self._ready()
        query = call.query
        state = query.get("state", "open")
        if state == "all":
            state = ""
        else:
            chosen(query, "state", ("open", "gone", "overridden", "all"))
        rule = chosen(query, "rule", CATALOGUE)
        ranged = _range(query, call.caller)
        found = await findings(self.tables, **ranged, state=state, rule=rule)
        found = [one for one in found if call.caller.sees(one.store)]
        groups = msgspec.to_builtins(by_rule(found))
        rows, after = _cut(found, query)
        shown = {"findings": [as_json(one) for one in rows], "next": after}
        return json_reply("recon.show", {"count": len(found), "groups": groups, **shown})

    async def items(self, call: Call) -> Reply:
        """Answer the money that waits for its counterpart, oldest first."""
        await self._ready()
        query = call.query
        kind = chosen(query, "kind", WAITS_FOR)
        ranged = _range(query, call.caller)
        found = await open_items(self.tables, today=self.today, kind=kind, **ranged)
        found = [one for one in found if call.caller.sees(one.store)]
        rows, after = _cut(found, query)
        data = {"count": len(found), "items": [as_json(one) for one in rows], "next": after}
        return json_reply("recon.items", data)

    async def export(self, call: Call) -> Reply:
        """Answer one table as CSV, or one or all as a workbook."""
        await self._ready()
        query = call.query
        form = chosen(query, "format", ("csv", "xlsx")) or "csv"
        kind = chosen(query, "kind", KINDS) or ("" if form == "xlsx" else "days")
        asked = _range(query, call.caller)
        if not asked["store"]:
            call.caller.need_all_stores()
        count = await count_days(self.tables, **asked)
        if count > MOST_EXPORTED_DAYS:
            raise ConfigurationError(
                "TW-6906", f"{count:,} store-days are too many for one answer", path="from"
            )
        kinds = tuple(one for one in KINDS if kind in ("", one))
        tables = await sheets(self.tables, kinds, today=self.today, **asked)
        name = f"{kind or 'reconciliation'}.{form}"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        if form == "csv":
            text = await asyncio.to_thread(write_csv, tables[0])
            return Reply(200, text.encode(), "text/csv; charset=utf-8", headers)
        book = io.BytesIO()
        await asyncio.to_thread(write_xlsx, book, tables)
        return Reply(200, book.getvalue(), XLSX, headers)

    @property
    def today(self) -> str:
        """Return the date in the zone of the hub."""
        zone = self.release.hub.time_zone if self.release else "UTC"
        return local_date(self.clock.now(), zone).isoformat()

    async def _ready(self) -> None:
        wanted = self.release is None or self.release.reconciliation is not None
        await ready(self.tables, wanted=wanted)

    async def _seen_days(
        self, call: Call, query: Mapping[str, str], *, state: str = ""
    ) -> list[StoreDay]:
        """Return the days of a range that belong to the shops of the caller."""
        found = await store_days(self.tables, **_range(query, call.caller), state=state)
        return [day for day in found if call.caller.sees(day.store)]

    async def _one(self, call: Call) -> Reply:
        query = call.query
        day, store = business_date(query["date"], field="date"), query.get("store", "")
        call.caller.need_store(store)
        found = await day_in_full(self.tables, store, day, today=self.today)
        if found is None:
            raise ConfigurationError(
                "TW-6910", f"there is no store-day {store} {day}", store=store, business_date=day
            )
        return json_reply("storeday.show", as_json(found))


def chosen(query: Mapping[str, str], name: str, known: Any) -> str:
    """Return a field that is one of some words, or "". Raises ConfigurationError TW-7010."""
    text = query.get(name, "")
    if text and text not in known:
        raise ConfigurationError(
            "TW-7010",
            f"{text} is no {name}",
            path=name,
            value=text,
            advice=f"{nearest(text, known)}It is one of {', '.join(known)}.",
        )
    return text


def _range(query: Mapping[str, str], caller: Caller = HUB) -> dict[str, Any]:
    """Return the range of a query. Raises Refused TW-8003 for a shop the caller does not see."""
    if query.get("store"):
        caller.need_store(query["store"])
    return {
        "first": business_date(query.get("from", ""), ANY_FIRST, field="from"),
        "last": business_date(query.get("to", ""), ANY_LAST, field="to"),
        "store": query.get("store", ""),
    }


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    limit = number_of(query.get("limit", str(PAGE)), "limit")
    offset = number_of(query.get("offset", "0"), "offset")
    if not 0 < limit <= LARGEST_PAGE:
        raise ConfigurationError(
            "TW-7010", f"limit is 1 to {LARGEST_PAGE:,}", path="limit", value=str(limit)
        )
    return limit, offset


def _cut(rows: Sequence[Row], query: Mapping[str, str]) -> tuple[Sequence[Row], int | None]:
    """Return one page of the rows, and where the next begins."""
    limit, offset = _page(query)
    after = offset + limit
    return rows[offset:after], after if after < len(rows) else None
