"""The journal's specification for objects with revisions and for hints, on top of the queries.

`EpochJournalSuite` builds on this suite, which holds the others as well.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest

from tillway.journal.base import Candidate, Settlement, StoredMessage
from tillway.message import key_digest
from tillway.testing.journal import ROUTE, SALE, candidate, cells
from tillway.testing.journal_queries import QueryJournalSuite

HINT = "source.hint"


def version(
    object_id: str, revision: int | None, *, amount: int = 1250, system: str = "quayside"
) -> Candidate:
    """Return one revision of a receipt that its vendor knows by an id; None has no revision."""
    parts = (object_id,) if revision is None else (object_id, f"r{revision}")
    canonical = b'{"object":"%s","revision":"%s","amount":%d}' % (
        object_id.encode(),
        str(revision).encode(),
        amount,
    )
    item = candidate(1, amount=amount, content=canonical)
    envelope = msgspec.structs.replace(
        item.envelope,
        message_id=hashlib.blake2b(canonical + system.encode(), digest_size=16).hexdigest(),
        system=system,
        natural_key=object_id,
        lane_key=object_id,
        workstation="",
        sequence_number=None,
        receipt_number="",
        revision=revision,
        object_digest=None if revision is None else key_digest(system, "object", (object_id,)),
    )
    return msgspec.structs.replace(
        item, envelope=envelope, key_digest=key_digest(system, "object", parts)
    )


def hint(number: int, *, system: str = "square") -> Candidate:
    """Return a vendor's note that an object changed."""
    item = version(f"ev-{number}", None, system=system)
    envelope = msgspec.structs.replace(
        item.envelope, message_type=HINT, currency="", amount_minor=None
    )
    return msgspec.structs.replace(
        item, envelope=envelope, key_digest=key_digest(system, HINT, (str(number),))
    )


def superseded(messages: list[StoredMessage]) -> list[tuple[int | None, int | None]]:
    """Return (revision, superseded by) of each message, in the order of the journal."""
    return [(message.envelope.revision, message.superseded_by) for message in messages]


class ObjectJournalSuite(QueryJournalSuite):
    """What a journal promises, objects with revisions and hints included."""

    # --- revisions --------------------------------------------------------------------------

    async def test_a_higher_revision_after_a_lower_one_leaves_both_current(
        self, journal: Any
    ) -> None:
        """What came in order was current when it came: nothing is superseded."""
        for revision in (1, 2):
            await journal.append([version("or-1", revision)])
        assert superseded(await journal.read(0, 10)) == [(1, None), (2, None)]

    async def test_a_lower_revision_after_a_higher_one_is_history(self, journal: Any) -> None:
        """It is accepted and kept, and says which revision was there before it."""
        await journal.append([version("or-1", 3)])
        [late] = await journal.append([version("or-1", 1)])
        assert (late.outcome, late.position) == ("accepted", 2)
        await journal.append([version("or-1", 5), version("or-1", 4)])
        expected = [(3, None), (1, 3), (5, None), (4, 5)]
        assert superseded(await journal.read(0, 10)) == expected
        assert superseded(await journal.load([2])) == [(1, 3)]
        record = await journal.record(2)
        assert record.message.superseded_by == 3

    async def test_two_revisions_in_one_group_meet(self, journal: Any) -> None:
        """Handed over at once in the wrong order, the second of them is history."""
        heard: list[StoredMessage] = []
        journal.subscribe(heard.extend)
        await journal.append([version("or-1", 2), version("or-1", 1), version("or-2", 1)])
        assert superseded(heard) == [(2, None), (1, 2), (1, None)]
        assert superseded(await journal.read(0, 10)) == superseded(heard)

    async def test_revision_zero_is_a_revision(self, journal: Any) -> None:
        """A vendor that counts from 0 is taken by its word."""
        await journal.append([version("or-1", 1), version("or-1", 0)])
        assert superseded(await journal.read(0, 10)) == [(1, None), (0, 1)]

    async def test_an_equal_revision_with_equal_content_is_a_duplicate(self, journal: Any) -> None:
        """A webhook and a poll of the same revision are one message, late ones too."""
        await journal.append([version("or-1", 1), version("or-1", 2)])
        again = await journal.append([version("or-1", 2), version("or-1", 1)])
        assert [(one.outcome, one.position) for one in again] == [
            ("duplicate", 2),
            ("duplicate", 1),
        ]

    async def test_an_equal_revision_with_other_content_is_a_conflict(self, journal: Any) -> None:
        """A revision says one thing: the first stands."""
        await journal.append([version("or-1", 2, amount=100)])
        [other] = await journal.append([version("or-1", 2, amount=999)])
        assert (other.outcome, other.position) == ("conflict", 1)

    async def test_only_revisions_of_one_object_are_compared(self, journal: Any) -> None:
        """Another object, another system, and what has no revision stay current."""
        await journal.append([version("or-1", 9)])
        others = [version("or-2", 1), version("or-1", 1, system="other"), version("or-1", None)]
        await journal.append([*others, candidate(1)])
        found = superseded(await journal.read(1, 10))
        assert found == [(1, None), (1, None), (None, None), (None, None)]

    async def test_the_newest_revision_is_known_after_a_restart(self, journal: Any) -> None:
        """What was stored before the restart supersedes what comes after it."""
        await journal.append([version("or-1", 2)])
        again = await self.reopen()
        await again.append([version("or-1", 1), version("or-1", 3)])
        assert superseded(await again.read(0, 10)) == [(2, None), (1, 2), (3, None)]

    async def test_the_newest_revision_of_an_object_is_known_now(self, journal: Any) -> None:
        """Whichever came first: what is older than the newest says by which it is superseded."""
        await journal.append([version("or-1", 1), version("or-2", 4), candidate(1)])
        await journal.append([version("or-1", 3), version("or-1", 2), version("or-3", None)])
        found = await journal.newest_revisions([1, 2, 3, 4, 5, 6])
        assert [(one.position, one.revision, one.newest, one.superseded_by) for one in found] == [
            (1, 1, 3, 3),
            (2, 4, 4, None),
            (4, 3, 3, None),
            (5, 2, 3, 3),
        ]
        assert found[0].natural_key == "or-1"
        assert found[0].object_digest == found[2].object_digest

    async def test_only_the_asked_positions_are_answered(self, journal: Any) -> None:
        """Positions that are twice, not there or without a revision change nothing."""
        await journal.append([version("or-1", 0), version("or-1", 1), candidate(1)])
        found = await journal.newest_revisions([1, 1, 99, 0, 3])
        assert [(one.position, one.superseded_by) for one in found] == [(1, 1)]
        assert await journal.newest_revisions([]) == []

    async def test_revisions_of_another_system_supersede_nothing(self, journal: Any) -> None:
        """Two vendors may use the same id."""
        await journal.append([version("or-1", 1), version("or-1", 9, system="other")])
        found = await journal.newest_revisions([1, 2])
        assert [one.superseded_by for one in found] == [None, None]

    async def test_superseded_money_stays_in_the_books(self, journal: Any) -> None:
        """It is accepted in the first equation and filtered in the second; it never waits."""
        await journal.append([version("or-1", 2, amount=100), version("or-1", 1, amount=70)])
        await journal.register_route(ROUTE, 0)
        [waiting] = await journal.waiting()
        assert (waiting.state, waiting.count, waiting.amount_minor) == ("pending", 1, 100)
        filtered = {(SALE, "EUR"): (1, 70)}
        await journal.settle(Settlement(ROUTE, cursor=2, filtered=filtered))
        totals = await journal.route_totals(ROUTE)
        assert cells(totals.accepted) == {("accepted", SALE, "EUR"): (2, 170, 0)}
        assert cells(await journal.outcome_totals()) == cells(totals.accepted)
        assert cells(totals.filtered_kept) == {("filtered", SALE, "EUR"): (1, 70, 0)}

    async def test_objects_have_no_numbers_that_could_be_missing(self, journal: Any) -> None:
        """What has no register's number makes no sequence."""
        await journal.append([version("or-1", 1), hint(1)])
        assert await journal.sequences() == []

    # --- finding ----------------------------------------------------------------------------

    @pytest.mark.parametrize("name", ["or-1043", "450789469", "a1b2c3-dd-17", "gid://x/Order/1"])
    async def test_find_takes_the_vendors_id_of_an_object(self, journal: Any, name: str) -> None:
        """Every revision of the object is found, the newest first."""
        await journal.append([version(name, 1), version("or-2", 1), version(name, 2)])
        assert [m.position for m in await journal.find(name, 10)] == [3, 1]

    async def test_an_object_does_not_hide_a_receipt_of_that_number(self, journal: Any) -> None:
        """An id of digits may be a receipt number as well: both are found."""
        await journal.append([candidate(42), version("42", 1)])
        assert [m.position for m in await journal.find("42", 10)] == [2, 1]

    # --- hints ------------------------------------------------------------------------------

    async def test_hints_are_read_by_system_after_a_position(self, journal: Any) -> None:
        """Only the hints of that system, in order, as many as asked for, with payload."""
        await journal.append([candidate(1), hint(1), hint(2, system="other"), hint(3), hint(4)])
        assert [m.position for m in await journal.read_hints("square", 0, 10)] == [2, 4, 5]
        assert [m.position for m in await journal.read_hints("square", 2, 1)] == [4]
        assert await journal.read_hints("square", 5, 10) == []
        assert await journal.read_hints("quayside", 0, 10) == []
        [found] = await journal.read_hints("square", 4, 10)
        assert found.canonical == hint(4).canonical

    async def test_hints_survive_a_restart(self, journal: Any) -> None:
        """A hint that was acknowledged is still there, and its repetition a duplicate."""
        await journal.append([hint(1)])
        again = await self.reopen()
        assert [m.position for m in await again.read_hints("square", 0, 10)] == [1]
        [receipt] = await again.append([hint(1)])
        assert receipt.outcome == "duplicate"
