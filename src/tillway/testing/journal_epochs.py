"""The journal's specification for counters that start again, on top of `ObjectJournalSuite`.

`ProjectionJournalSuite` builds on this suite, which holds the others as well.
"""

from __future__ import annotations

from typing import Any

import pytest

from tillway.testing.journal import candidate, invalid
from tillway.testing.journal_objects import ObjectJournalSuite

TILL = ("quayside", "0145", "03", "2026-11-20")
KEY = "0145:03:2026-11-20:2"


class EpochJournalSuite(ObjectJournalSuite):
    """What a journal promises, runs of a register's counter included."""

    async def test_each_run_of_a_counter_has_numbers_of_its_own(self, journal: Any) -> None:
        """One range per run, in order of the runs; the same number may stand in both."""
        await journal.append([candidate(number, epoch=1) for number in (1, 3)])
        await journal.append([candidate(number) for number in (1, 2, 5001)])
        found = await journal.sequences()
        assert [(one.register_epoch, one.first, one.last, one.count) for one in found] == [
            (0, 1, 5001, 3),
            (1, 1, 3, 2),
        ]
        assert await journal.numbers(*TILL) == [1, 2, 5001]
        assert await journal.numbers(*TILL, 1) == [1, 3]
        assert await journal.numbers(*TILL, 2) == []

    async def test_runs_stand_in_order_of_their_number(self, journal: Any) -> None:
        """The tenth run comes after the ninth, whatever text would say; tills stay together."""
        await journal.append([candidate(1, epoch=epoch) for epoch in (10, 9, 0)])
        await journal.append([candidate(1, till="01"), candidate(1, till="04")])
        found = await journal.sequences()
        assert [(one.workstation, one.register_epoch) for one in found] == [
            ("01", 0),
            ("03", 0),
            ("03", 9),
            ("03", 10),
            ("04", 0),
        ]

    async def test_a_quarantined_number_counts_in_its_own_run(self, journal: Any) -> None:
        """In the other run that number is still missing."""
        await journal.append([candidate(1), candidate(1, epoch=1)])
        await journal.append([invalid(2, epoch=1), invalid(3, record=b"other")])
        assert await journal.numbers(*TILL) == [1, 3]
        assert await journal.numbers(*TILL, 1) == [1, 2]

    async def test_the_run_is_part_of_what_is_read_back(self, journal: Any) -> None:
        """A consumer sees the run beside the number."""
        await journal.append([candidate(2), candidate(2, epoch=1)])
        messages = await journal.read(0, 10)
        assert [message.envelope.register_epoch for message in messages] == [0, 1]

    @pytest.mark.parametrize(("key", "position"), [(KEY, 1), (f"{KEY}:e1", 2), (f"{KEY}:e2", 3)])
    async def test_a_key_finds_its_own_run_alone(
        self, journal: Any, key: str, position: int
    ) -> None:
        """A natural key is found exactly as it was asked for."""
        await journal.append([candidate(2, epoch=epoch) for epoch in (0, 1, 2)])
        assert [m.position for m in await journal.find(key, 10)] == [position]

    @pytest.mark.parametrize("text", ["0145-03-2", "2"])
    async def test_a_number_without_its_run_finds_every_run(self, journal: Any, text: str) -> None:
        """A receipt in the hand does not say which run it is of: both are shown, newest first."""
        await journal.append([candidate(2), candidate(2, epoch=1), candidate(3)])
        assert [m.position for m in await journal.find(text, 10)] == [2, 1]

    @pytest.mark.parametrize(
        "text",
        [f"{KEY}:e1", f"{KEY}:e0", f"{KEY}:", f"{KEY}:x", "0145:03:2026-11-20:02"],
    )
    async def test_a_key_that_was_never_stored_finds_nothing(self, journal: Any, text: str) -> None:
        """Neither another run nor another spelling stands in for it."""
        await journal.append([candidate(2), candidate(1, epoch=1)])
        assert await journal.find(text, 10) == []

    @pytest.mark.parametrize("text", ["0145:03:2026-11-20:", "0145-03-"])
    async def test_a_number_no_register_counts_to_finds_nothing(
        self, journal: Any, text: str
    ) -> None:
        """What is no number, or too long for one, is an answer and not a failure."""
        await journal.append([candidate(2)])
        for number in ("\u00b2", "9" * 30, "9" * 5000):
            assert await journal.find(text + number, 10) == []

    @pytest.mark.parametrize("name", ["or-1", "2", "0145:03:2026-11-20:9"])
    async def test_an_object_id_finds_the_fact_of_a_till(self, journal: Any, name: str) -> None:
        """Its key is the number of the register, and the vendor's id finds it as well."""
        await journal.append([candidate(7, object_id=name), candidate(8), candidate(9, till="04")])
        assert [m.position for m in await journal.find(name, 10)] == [1]
        [stored] = await journal.load([1])
        assert stored.envelope.object_id == name

    async def test_no_object_id_is_found_by_nothing(self, journal: Any) -> None:
        """A blank search does not find what has no vendor's id."""
        await journal.append([candidate(7), candidate(8, object_id="or-1")])
        assert await journal.find("", 10) == []
