"""Promises broken on purpose, each found by the same seeds that find nothing in the real hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from unittest.mock import patch

import msgspec

from crash.trading import LateCommit
from tillway.delivery.calls import Caller
from tillway.delivery.fates import Fates
from tillway.delivery.outbound import idempotency_key
from tillway.delivery.settle import Settler
from tillway.delivery.traffic import Traffic
from tillway.delivery.window import Window
from tillway.intake.enveloping import identity_of
from tillway.testing.virtual_journal import VirtualJournal

Plant = tuple[str, Callable[..., Any]]


def _nothing(_journal: VirtualJournal) -> None:
    """Leave the journal as it is."""


@dataclass(frozen=True, slots=True)
class Breaks:
    """What is broken while a world runs: a name to put another function in, and the journal."""

    name: str = ""
    plant: Plant | None = None
    on_journal: Callable[[VirtualJournal], None] = _nothing

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Break it until the block ends."""
        if self.plant is None:
            yield
        else:
            with patch(*self.plant):
                yield


def _answers_first(journal: VirtualJournal) -> None:
    journal.writer._db = LateCommit(journal.writer._db)  # type: ignore[assignment]


def _does_not_flush(journal: VirtualJournal) -> None:
    journal.writer.db.execute("PRAGMA synchronous = NORMAL")


def _cursor_ahead(settler: Settler) -> tuple[int | None, dict[tuple[str, str], tuple[int, int]]]:
    """Move the cursor over everything that was read."""
    for position in settler._order:
        settler._done.setdefault(position, None)
    return _advance(settler)


def _at_once(_settler: Settler, call: Callable[[], None]) -> None:
    """Wait for no commit."""
    call()


def _heard_again(window: Window, messages: Any) -> None:
    """Keep what a read handed out before it was heard of."""
    position, window.position = window.position, 0
    _listen(window, messages)
    window.position = position


def _lane_each(traffic: Traffic, opened: Any, name: str) -> None:
    """Put each message into a lane of its own."""
    _queue(traffic, opened, f"{name}#{opened.message.position}")


def _repeated(fates: Fates, answer: Any, error: Any) -> None:
    """Send what is in doubt once more, whatever the class."""
    fates._later(answer, error, "in_doubt")


async def _sent_unseen(_caller: Caller, job: Any, _opened: Any) -> None:
    """Take everything for absent at a target that could be asked."""
    job.trouble.doubtful = False


_keys = count(1)


def _fresh_key(envelope: Any) -> str:
    return f"{idempotency_key(envelope)}#{next(_keys)}"


def _fresh_identity(system: str, kind: Any, message: Any) -> Any:
    """Give the same document another identity each time."""
    identity = identity_of(system, kind, message)
    return msgspec.structs.replace(identity, digest=next(_keys).to_bytes(16, "big"))


def _forgets(_fates: Fates, *_found: Any) -> None:
    """Find nothing again after a restart."""


def _never_counted(_settler: Settler, _action: Any) -> None:
    """Put no order on record."""


def _all_carried(_route: Any, envelope: Any, _body: Any) -> bool:
    return envelope.message_type == "retail_transaction.completed"


_advance = Settler._advance
_queue = Traffic._queue
_listen = Window._listen

BREAKS = (
    Breaks("the answer comes before the commit", on_journal=_answers_first),
    Breaks("a commit is not flushed", on_journal=_does_not_flush),
    Breaks("the cursor moves early", ("tillway.delivery.settle.Settler._advance", _cursor_ahead)),
    Breaks(
        "the order of lanes is ignored", ("tillway.delivery.traffic.Traffic._queue", _lane_each)
    ),
    Breaks("a lane goes on too early", ("tillway.delivery.settle.Settler.then", _at_once)),
    Breaks(
        "a message is handed out twice", ("tillway.delivery.window.Window._listen", _heard_again)
    ),
    Breaks(
        "what is in doubt is sent again at class D",
        ("tillway.delivery.fates.Fates._doubt", _repeated),
    ),
    Breaks(
        "class B is sent to without a look-up",
        ("tillway.delivery.calls.Caller._look_up", _sent_unseen),
    ),
    Breaks(
        "class A gets another key each time",
        ("tillway.delivery.outbound.idempotency_key", _fresh_key),
    ),
    Breaks("a duplicate is accepted", ("tillway.intake.pipeline.identity_of", _fresh_identity)),
    Breaks("a restart forgets what was held", ("tillway.delivery.dispatcher.rebuild", _forgets)),
    Breaks("an order is not on record", ("tillway.delivery.settle.Settler.act", _never_counted)),
    Breaks("a filter is ignored", ("tillway.routing.route.Route.carries", _all_carried)),
)
"""Each with the promise it breaks as its name."""
