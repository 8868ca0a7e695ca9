"""The journal's specification, as a suite: every backend passes it.

Subclass `JournalSuite`, give `features` and `open_journal`, and pytest does the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tillway.journal.base import (
    Action,
    AttemptRow,
    Candidate,
    DeliveryRow,
    Features,
    Invalid,
    Receipt,
    RefusedItem,
    Settlement,
    StoredMessage,
    TargetState,
)
from tillway.message import Envelope, content_hash, key_digest, natural_key

SALE = "retail_transaction.completed"
ROUTE = "pos-to-erp"


def candidate(
    number: int,
    *,
    amount: int | None = 1250,
    store: str = "0145",
    till: str = "03",
    content: bytes = b"",
    record: bytes = b"",
    message_type: str = SALE,
    epoch: int = 0,
    object_id: str = "",
) -> Candidate:
    """Return a message that met its contract; equal numbers of one epoch share a natural key."""
    parts = (store, till, "2026-11-20", str(number), *([f"e{epoch}"] if epoch else []))
    canonical = content or b'{"number":%d,"amount":%d,"epoch":%d}' % (number, amount or 0, epoch)
    envelope = Envelope(
        message_id=hashlib.blake2b(canonical + store.encode(), digest_size=16).hexdigest(),
        message_type=message_type,
        schema_version=1,
        system="quayside",
        door="quayside",
        natural_key=natural_key(parts),
        lane_key=f"{store}:{till}",
        received_at=1_700_000_000_000_000 + number,
        trace_id="0" * 32,
        release="r1",
        store=store,
        workstation=till,
        business_date="2026-11-20",
        sequence_number=number,
        register_epoch=epoch,
        receipt_number=str(number),
        object_id=object_id,
        currency="EUR" if amount is not None else "",
        amount_minor=amount,
    )
    return Candidate(
        envelope=envelope,
        key_digest=key_digest("quayside", "pos", parts),
        record_hash=content_hash(record or b"record" + canonical),
        content_hash=content_hash(canonical),
        raw=b"raw" + canonical,
        canonical=canonical,
    )


def invalid(
    number: int, *, record: bytes = b"bad", known_key: bool = True, epoch: int = 0
) -> Invalid:
    """Return a message that broke its contract."""
    parts = ("0145", "03", "2026-11-20", str(number), *([f"e{epoch}"] if epoch else []))
    return Invalid(
        door="quayside",
        system="quayside",
        record_hash=content_hash(record),
        raw=b'{"tender":"XX"}',
        violations=b'[{"path":"tenders[0].tender_type","rule":"enum"}]',
        code="TW-2104",
        received_at=1_700_000_000_000_000,
        message_type=SALE,
        natural_key=natural_key(parts) if known_key else "",
        key_digest=key_digest("quayside", "pos", parts) if known_key else b"",
        store="0145",
    )


def row(position: int, state: Any = "delivered", **more: Any) -> DeliveryRow:
    """Return a ledger row of the test route."""
    fields = {"lane": f"{ROUTE}/0145:03", "attempts": 1, "updated_at": 5, **more}
    return DeliveryRow(ROUTE, position, state, **fields)


def cells(totals: Any) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Return totals as a dictionary, for comparing."""
    return {
        (t.group, t.message_type, t.currency): (t.count, t.amount_minor, t.unknown) for t in totals
    }


class JournalSuite:
    """What a journal promises."""

    features: Features

    async def open_journal(self, folder: Path) -> Any:
        """Open the journal kept in folder."""
        raise NotImplementedError

    @pytest.fixture
    async def journal(self, tmp_path: Path) -> AsyncIterator[Any]:
        """Give an empty journal."""
        self.folder = tmp_path
        self.opened = await self.open_journal(tmp_path)
        yield self.opened
        await self.opened.close()

    async def reopen(self) -> Any:
        """Close and open again; skips where the backend does not promise to survive."""
        if not self.features.survives_restart:
            pytest.skip(f"{self.features.name} does not promise to survive a restart")
        await self.opened.close()
        self.opened = await self.open_journal(self.folder)
        return self.opened

    # --- outcomes ---------------------------------------------------------------------------

    async def test_a_new_message_is_accepted_and_read_back_unchanged(self, journal: Any) -> None:
        """What was appended is what a consumer reads, byte for byte."""
        item = candidate(1)
        [receipt] = await journal.append([item])
        [message] = await journal.read(0, 10)
        assert receipt.outcome == "accepted"
        assert (message.position, message.canonical) == (receipt.position, item.canonical)
        assert message.envelope == item.envelope

    async def test_receipts_state_key_hash_position_and_durability(self, journal: Any) -> None:
        """A receipt says what was stored, where, and how safely."""
        item = candidate(1)
        [receipt] = await journal.append([item])
        assert receipt.natural_key == "0145:03:2026-11-20:1"
        assert receipt.content_hash == item.content_hash
        assert receipt.message_id == item.envelope.message_id
        assert receipt.durability in (self.features.durability, "fsync")

    async def test_the_same_again_is_a_duplicate_with_the_first_receipt(self, journal: Any) -> None:
        """A resend answers the first position and stores nothing new."""
        [first] = await journal.append([candidate(1)])
        [again] = await journal.append([candidate(1)])
        assert (again.outcome, again.position) == ("duplicate", first.position)
        assert len(await journal.read(0, 10)) == 1

    @pytest.mark.parametrize("same", ["record", "content"])
    async def test_equal_in_either_hash_is_a_duplicate(self, journal: Any, same: str) -> None:
        """Neither a new mapping (record equal) nor another door (content equal) is a conflict."""
        first = candidate(1, content=b"one", record=b"one")
        other = (
            candidate(1, content=b"two", record=b"one")
            if same == "record"
            else candidate(1, content=b"one", record=b"two")
        )
        receipts = await journal.append([first, other])
        assert [r.outcome for r in receipts] == ["accepted", "duplicate"]

    async def test_other_content_under_one_key_is_a_conflict_and_the_first_stands(
        self, journal: Any
    ) -> None:
        """Never last-write-wins: the second copy is kept apart."""
        await journal.append([candidate(1, amount=1000)])
        [receipt] = await journal.append([candidate(1, amount=9999)])
        [message] = await journal.read(0, 10)
        [kept] = await journal.invalid(outcome="conflict")
        assert receipt.outcome == "conflict"
        assert message.envelope.amount_minor == 1000
        assert (kept.amount_minor, kept.first_position) == (9999, 1)

    async def test_twins_in_one_append_meet(self, journal: Any) -> None:
        """Two equal messages handed over at once are one message."""
        receipts = await journal.append([candidate(1), candidate(1), candidate(1, amount=5)])
        assert [r.outcome for r in receipts] == ["accepted", "duplicate", "conflict"]

    async def test_quarantine_is_remembered_by_its_record(self, journal: Any) -> None:
        """The same bad bytes again answer quarantined again, on the same row."""
        [first] = await journal.append([invalid(7)])
        [again] = await journal.append([invalid(7)])
        [kept] = await journal.invalid(outcome="quarantined")
        assert [first.outcome, again.outcome] == ["quarantined"] * 2
        assert first.invalid_id == again.invalid_id == kept.invalid_id
        assert (kept.repeats, kept.raw) == (1, invalid(7).raw)

    async def test_corrected_content_closes_the_quarantine(self, journal: Any) -> None:
        """A good message under the quarantined key is accepted, and the row is closed."""
        await journal.append([invalid(7)])
        [receipt] = await journal.append([candidate(7)])
        assert receipt.outcome == "accepted"
        assert await journal.invalid() == []
        [closed] = await journal.invalid(open_only=False)
        assert closed.closed_by == receipt.position

    async def test_a_copy_taken_in_again_is_closed_by_name(self, journal: Any) -> None:
        """A copy whose key could not be read is closed when a person had it taken in."""
        [receipt] = await journal.append([invalid(7, known_key=False)])
        await journal.append([candidate(7)])
        assert len(await journal.invalid()) == 1
        await journal.close_invalid(receipt.invalid_id, 1)
        assert await journal.invalid() == []

    async def test_an_invalid_resend_of_a_stored_record_is_a_duplicate(self, journal: Any) -> None:
        """A stricter contract does not turn an honest resend into a quarantine."""
        await journal.append([candidate(7, record=b"same")])
        [receipt] = await journal.append([invalid(7, record=b"same")])
        assert receipt.outcome == "duplicate"

    async def test_refused_items_are_only_counted(self, journal: Any) -> None:
        """Nothing of a refused input is stored."""
        [receipt] = await journal.append([RefusedItem("quayside", "TW-2001")])
        assert receipt.outcome == "refused"
        assert await journal.read(0, 10) == []
        assert cells(await journal.outcome_totals()) == {("refused", "", ""): (1, 0, 1)}

    async def test_order_is_the_order_of_appending(self, journal: Any) -> None:
        """Positions rise without holes, in the order given."""
        await journal.append([candidate(n) for n in range(1, 101)])
        messages = await journal.read(0, 1000)
        assert [m.position for m in messages] == list(range(1, 101))
        assert [m.envelope.sequence_number for m in messages] == list(range(1, 101))

    # --- reading ----------------------------------------------------------------------------

    async def test_windows_and_loads(self, journal: Any) -> None:
        """A window starts after a position; a load fetches the named ones in order."""
        await journal.append([candidate(n) for n in range(1, 11)])
        assert [m.position for m in await journal.read(4, 3)] == [5, 6, 7]
        assert [m.position for m in await journal.load([9, 2])] == [2, 9]
        assert await journal.last_position() == 10

    async def test_listeners_hear_what_was_accepted(self, journal: Any) -> None:
        """A caught-up consumer gets new messages without reading; duplicates are not news."""
        heard: list[StoredMessage] = []
        cancel = journal.subscribe(heard.extend)
        await journal.append([candidate(1), candidate(1), candidate(2)])
        cancel()
        await journal.append([candidate(3)])
        assert [m.position for m in heard] == [1, 2]
        assert heard[0].canonical == candidate(1).canonical

    # --- delivery ---------------------------------------------------------------------------

    async def test_a_route_keeps_its_place(self, journal: Any) -> None:
        """The start given first counts; cursor and rows beyond it are remembered."""
        await journal.append([candidate(n) for n in range(1, 6)])
        assert (await journal.register_route(ROUTE, 0)).position == 0
        await journal.settle(Settlement(ROUTE, [row(1), row(4)], cursor=1))
        progress = await journal.register_route(ROUTE, 99)
        assert (progress.position, progress.settled) == (1, {4})

    async def test_rows_replace_earlier_rows(self, journal: Any) -> None:
        """One message has one fate on a route: the newest."""
        await journal.append([candidate(1)])
        await journal.register_route(ROUTE, 0)
        await journal.settle(Settlement(ROUTE, [row(1, "held", reason="retry", next_at=9)]))
        assert [r.state for r in await journal.open_deliveries(ROUTE)] == ["held"]
        await journal.settle(Settlement(ROUTE, [row(1, target_reference="D-1", attempts=2)]))
        assert await journal.open_deliveries(ROUTE) == []
        [fate] = await journal.deliveries_of(1)
        assert (fate.state, fate.target_reference, fate.attempts) == ("delivered", "D-1", 2)
        assert [r.position for r in await journal.delivery_rows(ROUTE, [1, 2])] == [1]

    async def test_a_dead_head_that_holds_its_lane_is_still_open(self, journal: Any) -> None:
        """After a restart the lane must wait behind it again; other dead letters are final."""
        await journal.append([candidate(n) for n in (1, 2, 3)])
        await journal.register_route(ROUTE, 0)
        rows = [row(1, "dead", reason="holds_lane"), row(2, "held"), row(3, "dead")]
        await journal.settle(Settlement(ROUTE, rows, cursor=3))
        found = await journal.open_deliveries(ROUTE)
        assert [(r.position, r.state) for r in found] == [(1, "dead"), (2, "held")]

    async def test_attempts_and_actions_are_kept_in_order(self, journal: Any) -> None:
        """What was tried, and who did what and why, can be read back."""
        await journal.append([candidate(1)])
        await journal.register_route(ROUTE, 0)
        tries = [AttemptRow(ROUTE, 1, n, 1, 2, "transient", "TW-4101", "503") for n in (1, 2)]
        action = Action(3, "ada", "retry", "1 message", "ERP is back")
        await journal.settle(Settlement(ROUTE, attempts=tries, actions=[action]))
        elsewhere = Action(4, "ada", "reprocess", "1 message", "row added")
        await journal.settle(Settlement("", actions=[elsewhere]))
        assert await journal.attempts_of(1) == tries
        assert await journal.actions(10) == [elsewhere, action]

    async def test_breaker_and_source_states_are_kept(self, journal: Any) -> None:
        """The newest state of a target, and what a source remembers until it forgets it."""
        state = TargetState("erp", "open", 5, failures=7, next_probe_at=9, code="TW-4101")
        await journal.save_target_state(TargetState("erp", "closed", 1))
        await journal.save_target_state(state)
        await journal.save_source_state("millrace", "cursor", "17")
        await journal.save_source_state("millrace", "gone", "x")
        await journal.save_source_state("millrace", "gone", "")
        assert await journal.target_states() == [state]
        assert await journal.source_state("millrace") == {"cursor": "17"}

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

    # --- restart ----------------------------------------------------------------------------

    async def test_everything_survives_a_restart(self, journal: Any) -> None:
        """Acknowledged means written: messages, keys, rows, cursor, totals, quarantine."""
        await journal.append([candidate(n) for n in range(1, 40)] + [invalid(77)])
        await journal.register_route(ROUTE, 0)
        await journal.settle(Settlement(ROUTE, [row(1), row(2, "held")], cursor=2))
        before = cells(await journal.outcome_totals())
        again = await self.reopen()
        assert cells(await again.outcome_totals()) == before
        assert (await again.register_route(ROUTE, 0)).position == 2
        receipts: list[Receipt] = await again.append([candidate(39), candidate(40), candidate(77)])
        assert [r.outcome for r in receipts] == ["duplicate", "accepted", "accepted"]
        assert [r.position for r in receipts] == [39, 40, 41]
        assert await again.invalid() == []
        assert (await again.read(38, 1))[0].canonical == candidate(39).canonical
