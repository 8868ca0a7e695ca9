"""Conformance suites for sources, and the fakes they need: an intake and a memory.

Subclass `PushSourceSuite` or `PullSourceSuite`, fill in what is abstract, and pytest does the rest.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
import pytest

from tillway.clock import ManualClock
from tillway.connect.kit import (
    Answer,
    Hint,
    ItemOutcome,
    PullSource,
    PushSource,
    Registration,
    Request,
    SourceContext,
    Submission,
    SubmissionResult,
)
from tillway.connect.settings import settings_from
from tillway.errors import Refused, TillwayError
from tillway.testing.settings_suite import SettingsSuite

STATUS = {"accepted": 202, "duplicate": 200, "conflict": 409, "quarantined": 422, "refused": 400}


class MemoryState:
    """A `SourceState` that forgets when the test ends."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, name: str) -> str:
        """Return the remembered value, "" when there is none."""
        return self.values.get(name, "")

    async def put(self, name: str, value: str) -> None:
        """Remember; "" forgets."""
        self.values[name] = value
        if not value:
            del self.values[name]


class MemoryHints:
    """A `Hints` that forgets when the test ends. stored holds every hint that was new."""

    def __init__(self) -> None:
        self.stored: list[Hint] = []
        self.done_up_to = 0
        self._known: set[str] = set()

    async def put(self, hint: Hint) -> bool:
        """Store a hint; False when its event_id was stored before."""
        if hint.event_id in self._known:
            return False
        self._known.add(hint.event_id)
        self.stored.append(hint)
        return True

    async def waiting(self, limit: int) -> Sequence[tuple[int, Hint]]:
        """Return the oldest hints not yet done, as (position, hint)."""
        numbered = list(enumerate(self.stored, 1))
        return numbered[self.done_up_to : self.done_up_to + limit]

    async def done(self, position: int) -> None:
        """Forget every hint up to this position."""
        self.done_up_to = max(self.done_up_to, position)


class FakeIntake:
    """Takes one message per line, as a hub would: the first time accepted, then duplicate.

    outcomes (line -> outcome) overrules that; a line that begins with `cut off` ends the input
    there. refusal is raised instead of anything, bug too. bodies holds what was handed over.
    """

    def __init__(self) -> None:
        self.submissions: list[Submission] = []
        self.bodies: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.outcomes: dict[bytes, str] = {}
        self.refusal: TillwayError | None = None
        self.bug: Exception | None = None
        self._known: set[bytes] = set()

    async def submit(self, submission: Submission, *, keep_items: bool = True) -> SubmissionResult:
        """Read everything and answer for each line."""
        if self.refusal is not None:
            raise self.refusal
        if self.bug is not None:
            raise self.bug
        body = submission.body if isinstance(submission.body, bytes) else submission.body.read()
        self.submissions.append(submission)
        self.bodies.append(body)
        items = list(self._items(body))
        counts = Counter[str](item.outcome for item in items)
        self.counts.update(counts)
        complete = not any(item.error and item.error["code"] == "TW-2012" for item in items)
        kept = items if keep_items else [item for item in items if item.error][:5]
        return SubmissionResult(dict(counts), complete, kept)

    def _items(self, body: bytes) -> Iterator[ItemOutcome]:
        offset = 0
        for number, line in enumerate(body.splitlines(keepends=True), 1):
            content = line.strip()
            if content.startswith(b"cut off"):
                error = Refused("TW-2012", "the input ends here", status=400).as_json()
                yield ItemOutcome("refused", 400, number, offset, error=error)
                return
            if content:
                yield self._item(content, number, offset)
            offset += len(line)

    def _item(self, content: bytes, number: int, offset: int) -> ItemOutcome:
        usual = "duplicate" if content in self._known else "accepted"
        outcome: Any = self.outcomes.get(content, usual)
        self._known.add(content)
        error = None
        if outcome not in {"accepted", "duplicate"}:
            error = {"code": "TW-2010", "detail": f"this one is {outcome}"}
        return ItemOutcome(
            outcome=outcome,
            status=STATUS[outcome],
            line=number,
            offset=offset,
            natural_key=f"0145:03:2026-11-20:{number}",
            position=0 if outcome == "refused" else len(self._known),
            content_hash=hashlib.sha256(content).hexdigest(),
            message_id="ab" * 16,
            error=error,
        )


class PushSourceSuite(SettingsSuite):
    """What every door promises. `good_request` is one that proves who it is.

    secrets are texts that must never be seen; they are also what `without_proof` leaves out.
    """

    registration: ClassVar[Registration]
    half = "source"
    secrets: ClassVar[tuple[str, ...]]

    def settings(self) -> Mapping[str, Any]:
        """Return settings as the project would pass them, secrets resolved."""
        raise NotImplementedError

    def context(self, folder: Path) -> SourceContext:
        """Return the context of the source under test."""
        return SourceContext("door", ManualClock(), MemoryState(), str(folder), hints=MemoryHints())

    def good_request(self, body: bytes) -> Request:
        """Return a request that proves who sends it."""
        raise NotImplementedError

    def without_proof(self, body: bytes) -> Request:
        """Return the same request without its proof."""
        raise NotImplementedError

    @pytest.fixture
    def source(self, tmp_path: Path) -> PushSource:
        """Return the source under test."""
        assert self.registration.source_settings is not None
        assert self.registration.make_source is not None
        settings = settings_from(self.registration.source_settings, self.settings(), "test")
        made = self.registration.make_source(settings, self.context(tmp_path))
        return cast("PushSource", made)

    async def answer(self, source: PushSource, intake: FakeIntake, body: bytes) -> Answer:
        """Send a good request and return its answer."""
        return await source.receive(self.good_request(body), intake)

    async def test_a_ready_door_answers_its_ping(self, source: PushSource) -> None:
        """Ping says nothing when the door can work."""
        await source.ping()
        assert source.path.startswith("/")
        assert source.max_body_bytes > 0

    async def test_bytes_are_handed_over_unchanged(self, source: PushSource) -> None:
        """What the sender sent is what the intake gets, and the answer is positive."""
        intake = FakeIntake()
        answer = await self.answer(source, intake, b'{"a": "1.10"}')
        assert intake.bodies == [b'{"a": "1.10"}']
        assert 200 <= answer.status < 300

    async def test_a_stored_message_gets_a_receipt(self, source: PushSource) -> None:
        """The receipt holds position, key, hash and durability (guarantees section 1)."""
        receipt = msgspec.json.decode((await self.answer(source, FakeIntake(), b"{}")).body)
        assert {"outcome", "journal_position", "natural_key", "content_hash"} <= set(receipt)
        assert receipt["durability"] in {"fsync", "quorum-fsync", "memory"}

    async def test_no_proof_no_entry(self, source: PushSource) -> None:
        """Without proof nothing is handed over, and the answer does not say what was wrong."""
        intake = FakeIntake()
        answer = await source.receive(self.without_proof(b"{}"), intake)
        assert answer.status == 401
        assert intake.submissions == []
        assert "where" not in msgspec.json.decode(answer.body)

    async def test_a_closed_hub_sends_the_sender_away_with_a_time(self, source: PushSource) -> None:
        """A refusal of the intake keeps its status and says when to come back."""
        intake = FakeIntake()
        intake.refusal = Refused("TW-2020", "stopping", status=503, retry_after_seconds=9)
        answer = await self.answer(source, intake, b"{}")
        assert (answer.status, answer.headers["retry-after"]) == (503, "9")

    async def test_secrets_are_never_seen(self, source: PushSource) -> None:
        """No secret stands in an answer or in the text of the source."""
        answers = [
            await self.answer(source, FakeIntake(), b"{}"),
            await source.receive(self.without_proof(b"{}"), FakeIntake()),
        ]
        seen = repr(source) + repr(vars(source)) + repr(answers)
        assert [secret for secret in self.secrets if secret in seen] == []


class PullSourceSuite(SettingsSuite):
    """What every fetching source promises. Inputs hold one message per line."""

    registration: ClassVar[Registration]
    half = "source"

    def settings(self) -> Mapping[str, Any]:
        """Return settings as the project would pass them, secrets resolved."""
        raise NotImplementedError

    def offer(self, folder: Path, name: str, content: bytes) -> None:
        """Put an input where the source will find it."""
        raise NotImplementedError

    def waiting(self, folder: Path) -> list[str]:
        """Return the names of the inputs still offered."""
        raise NotImplementedError

    def stored(self, folder: Path) -> list[str]:
        """Return the names of the inputs the source put away as stored."""
        raise NotImplementedError

    def failed(self, folder: Path) -> list[str]:
        """Return the names of the inputs the source put away as failed."""
        raise NotImplementedError

    def make(self, folder: Path, clock: ManualClock, state: MemoryState) -> PullSource:
        """Return a source over a folder."""
        assert self.registration.source_settings is not None
        assert self.registration.make_source is not None
        settings = settings_from(self.registration.source_settings, self.settings(), "test")
        context = SourceContext("inbox", clock, state, str(folder), hints=MemoryHints())
        return cast("PullSource", self.registration.make_source(settings, context))

    @pytest.fixture
    def clock(self) -> ManualClock:
        """Return the clock of the test."""
        return ManualClock()

    @pytest.fixture
    def state(self) -> MemoryState:
        """Return the memory of the source."""
        return MemoryState()

    async def test_an_input_is_handed_over_once_and_put_away(
        self, tmp_path: Path, clock: ManualClock, state: MemoryState
    ) -> None:
        """Every byte is handed over, and the input is put away after that."""
        intake = FakeIntake()
        self.offer(tmp_path, "a.txt", b"one\ntwo\n")
        async with running(self.make(tmp_path, clock, state), intake):
            await until(clock, lambda: self.stored(tmp_path))
        assert intake.bodies == [b"one\ntwo\n"]
        assert self.waiting(tmp_path) == []

    async def test_what_the_hub_refuses_stays(
        self, tmp_path: Path, clock: ManualClock, state: MemoryState
    ) -> None:
        """While the hub takes nothing the input waits, and is taken afterwards."""
        intake = FakeIntake()
        intake.refusal = Refused("TW-2020", "stopping", status=503, retry_after_seconds=3)
        self.offer(tmp_path, "a.txt", b"one\n")
        async with running(self.make(tmp_path, clock, state), intake):
            await turns(clock, 5)
            assert self.waiting(tmp_path) == ["a.txt"]
            intake.refusal = None
            await until(clock, lambda: self.stored(tmp_path))
        assert intake.counts == {"accepted": 1}

    async def test_a_cut_off_input_fails_and_keeps_its_good_part(
        self, tmp_path: Path, clock: ManualClock, state: MemoryState
    ) -> None:
        """The good prefix is stored, the input is put away as failed, the next one is taken."""
        intake = FakeIntake()
        self.offer(tmp_path, "a.txt", b"one\ncut off")
        self.offer(tmp_path, "b.txt", b"two\n")
        async with running(self.make(tmp_path, clock, state), intake):
            await until(clock, lambda: self.stored(tmp_path) and self.failed(tmp_path))
        assert intake.counts == {"accepted": 2, "refused": 1}
        assert self.failed(tmp_path) == ["a.txt"]

    async def test_an_interrupted_input_is_read_again(
        self, tmp_path: Path, clock: ManualClock, state: MemoryState
    ) -> None:
        """After a source that died in the middle the next gives duplicates and the rest."""
        intake = FakeIntake()
        self.offer(tmp_path, "a.txt", b"one\ntwo\n")
        await intake.submit(Submission(b"one\n"))
        async with running(self.make(tmp_path, clock, state), intake):
            await until(clock, lambda: self.stored(tmp_path))
        assert intake.counts == {"accepted": 2, "duplicate": 1}

    async def test_stop_ends_the_run(
        self, tmp_path: Path, clock: ManualClock, state: MemoryState
    ) -> None:
        """A source that waits for input returns as soon as it is told to stop."""
        stop = asyncio.Event()
        run = asyncio.create_task(self.make(tmp_path, clock, state).run(FakeIntake(), stop))
        await turns(clock, 2)
        stop.set()
        await run

    async def test_ping_is_silent_when_it_can_work(
        self, tmp_path: Path, clock: ManualClock, state: MemoryState
    ) -> None:
        """Ping raises nothing over a usable place."""
        await self.make(tmp_path, clock, state).ping()


@asynccontextmanager
async def running(source: PullSource, intake: FakeIntake) -> Any:
    """Run a source for the length of a block; it must end by itself when told to stop."""
    stop = asyncio.Event()
    run = asyncio.create_task(source.run(intake, stop))
    try:
        yield run
    finally:
        stop.set()
        await run


async def until(clock: ManualClock, true: Any, rounds: int = 400) -> None:
    """Move time on in half seconds until something is true."""
    for _ in range(rounds):
        if true():
            return
        await turns(clock, 1)
    raise AssertionError("it never came to be")


async def turns(clock: ManualClock, count: int) -> None:
    """Move time on in half seconds, letting threads finish what they do in between."""
    for _ in range(count):
        for _ in range(4):
            await asyncio.to_thread(_nothing)
        await clock.advance(0.5)


def _nothing() -> None:
    return None
