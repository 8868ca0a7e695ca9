"""The journal against a model that a person can read: whatever is done to it, they agree.

Surprising: a restart in the middle is one of the things done, at no special moment.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tillway.journal.base import AppendItem, Settlement
from tillway.journal.memory import MemoryJournal
from tillway.journal.sqlite import open_sqlite
from tillway.observe import verify
from tillway.testing.journal import ROUTE, SALE, candidate, invalid, row

EXAMPLES = {"SqliteMachine": 15, "MemoryMachine": 60}
"""Fewer on disk: each step there waits for a flush."""
STEPS = 30
MONEY = 1250
T = TypeVar("T")
NUMBERS = st.integers(1, 6)
WORDS = st.sampled_from("abc")
FATES = st.sampled_from(["delivered", "held", "dead", "in_doubt", "filtered"])


@dataclass(frozen=True, slots=True)
class Sent:
    """One thing that a till sends: a number, and which of three contents and records it has."""

    number: int
    content: str
    record: str
    is_valid: bool

    def item(self) -> AppendItem:
        """Return it as the journal takes it."""
        record = f"{self.number} {self.record}".encode()
        if not self.is_valid:
            return invalid(self.number, record=record)
        content = f"{self.number} {self.content}".encode()
        return candidate(self.number, content=content, record=record)


SENT = st.builds(Sent, NUMBERS, WORDS, WORDS, st.booleans())


@dataclass
class Copy:
    """A copy that is kept beside the journal, and the position that closed it."""

    sent: Sent
    repeats: int = 0
    closed_by: int = 0


@dataclass
class Model:
    """What a journal is, in dictionaries. kept: (outcome, number, record) -> copy."""

    accepted: list[Sent] = field(default_factory=list)
    kept: dict[tuple[str, int, str], Copy] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    fates: dict[int, str] = field(default_factory=dict)
    cursor: int = 0

    def take(self, sent: Sent) -> tuple[str, int]:
        """Return the outcome and the position of what was sent."""
        outcome, position = self._decide(sent)
        self.outcomes[outcome] += 1
        return outcome, position

    def _decide(self, sent: Sent) -> tuple[str, int]:
        position = self._position_of(sent.number)
        first = self.accepted[position - 1] if position else None
        if first is not None and first.record == sent.record:
            return "duplicate", position
        if not sent.is_valid:
            self._keep("quarantined", sent)
            return "quarantined", 0
        if first is None:
            self.accepted.append(sent)
            for (outcome, number, _), copy in self.kept.items():
                if (outcome, number) == ("quarantined", sent.number) and not copy.closed_by:
                    copy.closed_by = len(self.accepted)
            return "accepted", len(self.accepted)
        if first.content == sent.content:
            return "duplicate", position
        self._keep("conflict", sent)
        return "conflict", position

    def _position_of(self, number: int) -> int:
        numbers = [one.number for one in self.accepted]
        return numbers.index(number) + 1 if number in numbers else 0

    def _keep(self, outcome: str, sent: Sent) -> None:
        place = (outcome, sent.number, sent.record)
        if place in self.kept:
            self.kept[place].repeats += 1
        else:
            self.kept[place] = Copy(sent)


class JournalMachine(RuleBasedStateMachine):
    """Does the same to a journal and to the model, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory()
        self.model = Model()
        self.journal: Any = None
        self.do(self._open())

    def do(self, work: Awaitable[T]) -> T:
        """Run one coroutine to its end."""

        async def done() -> T:
            return await work

        return self._runner.run(done())

    async def open_journal(self, path: Path) -> Any:
        """Open the backend."""
        raise NotImplementedError

    async def _open(self) -> None:
        self.journal = await self.open_journal(Path(self._folder.name) / "journal.db")
        progress = await self.journal.register_route(ROUTE, 0)
        beyond = {position for position in self.model.fates if position > self.model.cursor}
        assert (progress.position, progress.settled) == (self.model.cursor, beyond)

    def teardown(self) -> None:
        """Let go of everything."""
        self.do(self.journal.close())
        self._runner.close()
        self._folder.cleanup()

    @rule(batch=st.lists(SENT, min_size=1, max_size=6))
    def append(self, batch: list[Sent]) -> None:
        """Send a batch: each answer is the model's."""
        receipts = self.do(self.journal.append([sent.item() for sent in batch]))
        wanted = [self.model.take(sent) for sent in batch]
        assert [(one.outcome, one.position) for one in receipts] == wanted

    @precondition(lambda self: self.model.cursor < len(self.model.accepted))
    @rule(fates=st.lists(FATES, min_size=1, max_size=4))
    def settle(self, fates: list[str]) -> None:
        """Settle the next positions and move the cursor over them."""
        model = self.model
        start = model.cursor + 1
        fresh = dict(zip(range(start, len(model.accepted) + 1), fates, strict=False))
        due = {at: fate for at, fate in fresh.items() if at not in model.fates}
        rows = [row(at, fate) for at, fate in due.items() if fate != "filtered"]
        passed = len(due) - len(rows)
        self.do(
            self.journal.settle(
                Settlement(
                    ROUTE,
                    rows,
                    cursor=max(fresh),
                    filtered={(SALE, "EUR"): (passed, MONEY * passed)} if passed else {},
                )
            )
        )
        model.cursor = max(fresh)
        model.fates.update({at: fate for at, fate in due.items() if fate != "filtered"})

    @precondition(lambda self: self.model.cursor < len(self.model.accepted))
    @rule(fate=st.sampled_from(["delivered", "held"]), data=st.data())
    def settle_ahead(self, fate: str, data: st.DataObject) -> None:
        """Settle one position before those in front of it: the cursor stays."""
        at = data.draw(st.integers(self.model.cursor + 1, len(self.model.accepted)))
        self.do(self.journal.settle(Settlement(ROUTE, [row(at, fate)])))
        self.model.fates[at] = fate

    @rule()
    def restart(self) -> None:
        """Close and open: nothing that was answered is forgotten."""
        self.do(self._again())

    async def _again(self) -> None:
        await self.journal.close()
        await self._open()

    @invariant()
    def stored_messages_agree(self) -> None:
        """The same messages, in the same order, each once."""
        stored = self.do(self.journal.read(0, 1000))
        wanted = [f"{sent.number} {sent.content}".encode() for sent in self.model.accepted]
        assert [one.canonical for one in stored] == wanted
        assert [one.position for one in stored] == list(range(1, len(wanted) + 1))

    @invariant()
    def kept_copies_agree(self) -> None:
        """The same copies, as often repeated, closed by the same messages."""
        kept = self.do(self.journal.invalid(open_only=False))
        wanted = [
            (outcome, copy.repeats, copy.closed_by)
            for (outcome, _, _), copy in self.model.kept.items()
        ]
        assert [(one.outcome, one.repeats, one.closed_by) for one in kept] == wanted

    @invariant()
    def fates_agree(self) -> None:
        """Every row of the ledger says what was settled last."""
        positions = range(1, len(self.model.accepted) + 1)
        rows = self.do(self.journal.delivery_rows(ROUTE, positions))
        assert {one.position: one.state for one in rows} == self.model.fates

    @invariant()
    def books_balance(self) -> None:
        """Both equations hold, and the kept totals count what was answered."""
        assert self.do(verify(self.journal)).balanced
        totals: Counter[str] = Counter()
        for total in self.do(self.journal.outcome_totals()):
            totals[total.group] += total.count
        assert totals == self.model.outcomes


class SqliteMachine(JournalMachine):
    """On disk."""

    async def open_journal(self, path: Path) -> Any:
        """Open the file."""
        return await open_sqlite(path)


class MemoryMachine(JournalMachine):
    """In memory, where a restart keeps the journal: nothing more is promised there."""

    async def open_journal(self, path: Path) -> Any:
        """Make one, once."""
        return self.journal or MemoryJournal()


class ForgetfulMachine(MemoryMachine):
    """A journal that forgets the newest key it has stored, after every restart."""

    async def open_journal(self, path: Path) -> Any:
        """Forget a key."""
        journal = await super().open_journal(path)
        if journal.by_key:
            journal.by_key.popitem()
        return journal


LIMITS = settings(
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    derandomize=True,
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("machine", [SqliteMachine, MemoryMachine])
def test_the_journal_does_what_the_model_does(machine: type[JournalMachine]) -> None:
    """Appends, repeats, conflicts, quarantine, fates and restarts, in any order."""
    limits = settings(LIMITS, max_examples=EXAMPLES[machine.__name__])
    run_state_machine_as_test(machine, settings=limits)


def test_the_model_finds_a_journal_that_forgets_a_key() -> None:
    """Positive control: a key that is not unique any more is found."""
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            ForgetfulMachine, settings=settings(LIMITS, phases=[Phase.generate])
        )
