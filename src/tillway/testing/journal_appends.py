"""The journal's specification for what is appended: one outcome each, and read back as it was.

`ConsumerJournalSuite` builds on it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tillway.journal.base import RefusedItem
from tillway.testing.journal import JournalBench, candidate, cells, invalid


class AppendJournalSuite(JournalBench):
    """What a journal promises to those who append."""

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
        [listed] = await journal.invalid(with_raw=False)
        [found] = await journal.find_invalid([f"#{kept.invalid_id}"], 1)
        assert (listed.raw, listed.violations, found.raw) == (b"", kept.violations, kept.raw)

    async def test_kept_copies_are_found_by_several_names_at_once(self, journal: Any) -> None:
        """Each once, the oldest first, whether its key or its number was named, or both."""
        kept = await journal.append([invalid(n, record=str(n).encode()) for n in (7, 8, 9)])
        names = [kept[2].natural_key, f"#{kept[0].invalid_id}", kept[0].natural_key, "nothing"]
        found = await journal.find_invalid(names, 10)
        assert [one.invalid_id for one in found] == [kept[0].invalid_id, kept[2].invalid_id]
        assert len(await journal.find_invalid(names, 1)) == 1
        assert await journal.find_invalid(["nothing", "#999"], 10) == []

    async def test_corrected_content_closes_the_quarantine(self, journal: Any) -> None:
        """A good message under the quarantined key is accepted, and the row is closed."""
        await journal.append([invalid(7)])
        [receipt] = await journal.append([candidate(7)])
        assert receipt.outcome == "accepted"
        assert await journal.invalid() == []
        [closed] = await journal.invalid(open_only=False)
        assert closed.closed_by == receipt.position

    async def test_what_comes_after_a_good_message_is_not_closed_by_it(self, journal: Any) -> None:
        """A bad copy behind the good one stays open, also when all came in one append."""
        bad, good, worse = invalid(7), candidate(7), invalid(7, record=b"other")
        await journal.append([bad, good, worse])
        [left] = await journal.invalid()
        copies = await journal.invalid(open_only=False)
        assert [(one.invalid_id, one.closed_by) for one in copies][1:] == [(left.invalid_id, 0)]
        assert copies[0].closed_by == 1

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
