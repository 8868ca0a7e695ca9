"""The newest messages and their fate, for people who watch sales flow."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from tillway.clock import utc_text
from tillway.journal.base import StoredMessage
from tillway.journal.projection import Asking
from tillway.journal.queries import JournalQueries
from tillway.observe.amounts import amount_of


class MessageReader(JournalQueries, Asking, Protocol):
    """A journal opened for reading: the questions of people and the reads of consumers."""

    async def read(self, after: int, limit: int) -> list[StoredMessage]:
        """Return up to limit accepted messages after a position."""
        ...

    async def load(self, positions: Sequence[int]) -> list[StoredMessage]:
        """Return these messages with payload, in position order."""
        ...

    async def last_position(self) -> int:
        """Return the position of the newest accepted message."""
        ...


class Hit(msgspec.Struct, frozen=True):
    """One message in a list. fates: route -> state, for routes that have settled or held it.

    received_at is RFC 3339 in UTC; amount is None when the message states no money. revision is the
    version of its object, None without one; superseded_by the higher one that came before it.
    """

    position: int
    natural_key: str
    message_type: str
    system: str
    store: str
    workstation: str
    business_date: str
    sequence_number: int | None
    receipt_number: str
    amount: Decimal | None
    currency: str
    received_at: str
    clean: bool
    revision: int | None = None
    superseded_by: int | None = None
    fates: dict[str, str] = msgspec.field(default_factory=dict)


def superseded_text(revision: int) -> str:
    """Say why no route carries a message whose object was stored in a higher revision before."""
    return f"superseded by revision {revision}"


async def hits_of(queries: JournalQueries, messages: Sequence[StoredMessage]) -> list[Hit]:
    """Return messages as a list shows them, in their order, with their fate on every route."""
    fates: dict[int, dict[str, str]] = {}
    for row in await queries.deliveries_of([message.position for message in messages]):
        fates.setdefault(row.position, {})[row.route] = row.state
    return [hit_of(message, fates.get(message.position, {})) for message in messages]


def hit_of(message: StoredMessage, fates: dict[str, str]) -> Hit:
    """Return one message as a list shows it."""
    envelope = message.envelope
    money = envelope.amount_minor
    return Hit(
        position=message.position,
        natural_key=envelope.natural_key,
        message_type=envelope.message_type,
        system=envelope.system,
        store=envelope.store,
        workstation=envelope.workstation,
        business_date=envelope.business_date,
        sequence_number=envelope.sequence_number,
        receipt_number=envelope.receipt_number,
        amount=None if money is None else amount_of(money, envelope.currency),
        currency=envelope.currency,
        received_at=utc_text(envelope.received_at),
        clean=message.clean,
        revision=envelope.revision,
        superseded_by=message.superseded_by,
        fates=fates,
    )


async def latest(reader: MessageReader, count: int) -> list[Hit]:
    """Return the newest accepted messages, newest first."""
    newest = await reader.last_position()
    messages = await reader.read(max(0, newest - count), count)
    return await hits_of(reader, messages[::-1])
