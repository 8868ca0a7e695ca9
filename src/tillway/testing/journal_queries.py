"""The journal's specification for questions: the books, what waits, the stores, and finding.

It stands on top of `ConsumerJournalSuite`; `ObjectJournalSuite` builds on it.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tillway.journal.base import RefusedItem, Settlement
from tillway.testing.journal import ROUTE, SALE, candidate, cells, invalid, row
from tillway.testing.journal_consumers import ConsumerJournalSuite


class QueryJournalSuite(ConsumerJournalSuite):
    """What a journal promises to those who ask, consumers included."""

    # --- books ------------------------------------------------------------------------------

    async def test_the_first_equation(self, journal: Any) -> None:
        """Received, kept outcomes and stored rows agree in count and money."""
        await journal.append([candidate(1), candidate(1), candidate(1, amount=7), invalid(2)])
        await journal.append([invalid(2), RefusedItem("quayside", "TW-2001"), candidate(3)])
        totals = await journal.intake_totals()
        received = cells(totals.received)
        assert received == {
            ("quayside", "", ""): (1, 0, 1),
            ("quayside", SALE, ""): (2, 0, 2),
            ("quayside", SALE, "EUR"): (4, 3757, 0),
        }
        kept = cells(totals.outcomes)
        assert kept == cells(await journal.outcome_totals())
        del kept[("refused", "", "")]
        assert kept == cells(totals.stored)
        assert kept[("accepted", SALE, "EUR")] == (2, 2500, 0)
        assert kept[("quarantined", SALE, "")] == (2, 0, 2)

    async def test_the_second_equation(self, journal: Any) -> None:
        """Every accepted message is delivered, filtered, pending, held, in doubt or dead."""
        await journal.append([candidate(n, amount=100) for n in range(1, 9)])
        await journal.register_route(ROUTE, 0)
        rows = [row(1), row(3, "held"), row(4, "dead"), row(6, "in_doubt")]
        filtered = {(SALE, "EUR"): (2, 200)}
        await journal.settle(Settlement(ROUTE, rows, cursor=5, filtered=filtered))
        totals = await journal.route_totals(ROUTE)
        assert cells(totals.accepted) == {("accepted", SALE, "EUR"): (8, 800, 0)}
        assert cells(totals.filtered) == {("filtered", SALE, "EUR"): (2, 200, 0)}
        assert cells(totals.filtered_kept) == cells(totals.filtered)
        assert cells(totals.pending) == {("pending", SALE, "EUR"): (2, 200, 0)}
        assert {t.group: t.count for t in totals.rows} == {
            "dead": 1,
            "delivered": 1,
            "held": 1,
            "in_doubt": 1,
        }

    async def test_waiting_names_store_state_age_and_money(self, journal: Any) -> None:
        """Unsent work is absolute money per store; what a route never carries does not wait."""
        control = candidate(4, amount=None, message_type="control.recorded")
        await journal.append([candidate(1), candidate(2, amount=-300), candidate(3), control])
        await journal.register_route(ROUTE, 0)
        await journal.settle(Settlement(ROUTE, [row(1, "held")], cursor=1))
        waiting = await journal.waiting({ROUTE: frozenset({SALE})})
        facts = [(w.store, w.state, w.currency, w.count, w.amount_minor) for w in waiting]
        assert facts == [("0145", "held", "EUR", 1, 1250), ("0145", "pending", "EUR", 2, 1550)]
        assert waiting[1].oldest_at == candidate(2).envelope.received_at

    async def test_stores_report_their_last_sign_of_life(self, journal: Any) -> None:
        """When a store was last heard of, and how much of it was accepted."""
        await journal.append([candidate(1), candidate(2), candidate(2), candidate(1, store="0146")])
        seen = {s.store: (s.accepted, s.last_at) for s in await journal.stores_seen()}
        assert seen["0145"] == (2, candidate(2).envelope.received_at)
        assert seen["0146"][0] == 1

    async def test_numbers_count_quarantined_ones(self, journal: Any) -> None:
        """A quarantined number is not a gap."""
        await journal.append([candidate(1), candidate(4), invalid(3)])
        [seen] = await journal.sequences()
        assert (seen.first, seen.last, seen.count) == (1, 4, 2)
        numbers = await journal.numbers("quayside", "0145", "03", "2026-11-20")
        assert numbers == [1, 3, 4]

    async def test_the_days_of_the_tills_of_one_shop(self, journal: Any) -> None:
        """First and last number by date, till and run of the counter; other shops are left out."""
        await journal.append([candidate(number, epoch=2) for number in (3, 1)])
        await journal.append([candidate(number) for number in (5001, 2)])
        await journal.append([candidate(7, till="01"), candidate(9, store="0146"), invalid(1)])
        days = await journal.register_days("0145")
        assert [(one.workstation, one.register_epoch, one.first, one.last) for one in days] == [
            ("01", 0, 7, 7),
            ("03", 0, 2, 5001),
            ("03", 2, 1, 3),
        ]
        assert {one.business_date for one in days} == {"2026-11-20"}
        assert await journal.register_days("0147") == []

    async def test_days_of_tills_come_in_order(self, journal: Any) -> None:
        """By date, then by till; a date on which only a later run counted is there too."""
        items = [candidate(1, till="02"), candidate(2, till="01", epoch=1)]
        dated = replace(items[0].envelope, business_date="2026-11-19", natural_key="x")
        again = replace(items[0], envelope=dated, key_digest=b"0123456789abcdef")
        await journal.append([*items, again])
        days = await journal.register_days("0145")
        assert [(one.business_date[-2:], one.workstation, one.register_epoch) for one in days] == [
            ("19", "02", 0),
            ("20", "01", 1),
            ("20", "02", 0),
        ]

    async def test_the_newest_of_one_shop(self, journal: Any) -> None:
        """Newest first, as many as asked for, among so many of all; no payload is read."""
        await journal.append([candidate(n, store="0146" if n % 2 else "0145") for n in range(6)])
        found = await journal.newest_of_store("0145", 2, 100)
        assert [(m.position, m.canonical) for m in found] == [(5, b""), (3, b"")]
        assert [m.position for m in await journal.newest_of_store("0145", 9, 3)] == [5]
        assert await journal.newest_of_store("0147", 9, 100) == []

    # --- finding ----------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "text", ["0145:03:2026-11-20:42", "0145-03-000042", "000042", "42", "{message_id}"]
    )
    async def test_find_accepts_what_people_have_in_hand(self, journal: Any, text: str) -> None:
        """Natural key, store-till-number, receipt with or without zeros, message id."""
        item = candidate(42)
        await journal.append([candidate(41), item, candidate(43)])
        text = text.format(message_id=item.envelope.message_id)
        assert [m.position for m in await journal.find(text, 10)] == [2]

    async def test_a_key_is_found_whatever_its_names_hold(self, journal: Any) -> None:
        """A colon in the name of a shop or a till makes no key unfindable; each finds its own."""
        odd = [candidate(42, store="01:45"), candidate(42, store="01", till="45:03")]
        await journal.append([*odd, candidate(42)])
        key = "01:45:03:2026-11-20:42"
        assert [m.envelope.natural_key for m in await journal.find(key, 10)] == [key, key]

    async def test_a_number_that_no_till_gave_is_found_by_its_key(self, journal: Any) -> None:
        """A vendor's object may carry a number without a till."""
        item = candidate(42)
        envelope = replace(item.envelope, workstation="", natural_key="or-42", receipt_number="")
        await journal.append([replace(item, envelope=envelope)])
        assert [m.position for m in await journal.find("or-42", 10)] == [1]

    async def test_find_without_a_hit_is_empty(self, journal: Any) -> None:
        """Nothing found is an answer, whatever was typed."""
        await journal.append([candidate(1)])
        for text in ("", "   ", "x'; DROP TABLE message", "0145:03", "%", "-1", "9" * 300):
            assert await journal.find(text, 10) == []

    async def test_a_record_holds_everything(self, journal: Any) -> None:
        """Raw, canonical, hashes and duplicates of one message."""
        item = candidate(1)
        await journal.append([item, candidate(1)])
        record = await journal.record(1)
        assert (record.raw, record.message.canonical) == (item.raw, item.canonical)
        assert record.content_hash == item.content_hash
        assert len(record.duplicates) == 1
        assert await journal.record(2) is None

    async def test_lists_of_deliveries_carry_their_message(self, journal: Any) -> None:
        """Dead letters are listed with their envelope."""
        await journal.append([candidate(n) for n in (1, 2, 3)])
        await journal.register_route(ROUTE, 0)
        dead = row(2, "dead", code="TW-4102", detail="unknown tender")
        await journal.settle(Settlement(ROUTE, [row(1), dead, row(3)], cursor=3))
        [(fate, message)] = await journal.deliveries(["dead"])
        assert (fate.code, message.envelope.natural_key) == ("TW-4102", "0145:03:2026-11-20:2")
        assert await journal.deliveries(["dead"], route="other") == []
