"""Which delivered messages a replay would send again: count, money, lanes and time, before it runs.

A plan holds no positions, only what selects them, so that a year of history fits in it. Versions of
an object that a newer one superseded are left out and told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import msgspec

from tillway.delivery.bounds import LEFT_OUT_TOLD, READ_MESSAGES, REPLAY_RATE_PER_SECOND
from tillway.delivery.start import position_before
from tillway.journal.base import DeliveryRow, Journal, ObjectRevision, StoredMessage
from tillway.journal.revisions import superseded_messages


class ReplaySelection(msgspec.Struct, frozen=True):
    """Which delivered messages to send again; empty fields select everything.

    received_from and received_before are microseconds UTC, 0 for open; business dates are ISO and
    inclusive; key is a natural key.
    """

    route: str
    received_from: int = 0
    received_before: int = 0
    business_date_from: str = ""
    business_date_to: str = ""
    store: str = ""
    message_type: str = ""
    key: str = ""

    def takes(self, message: StoredMessage) -> bool:
        """Whether the message is selected."""
        envelope = message.envelope
        return (
            envelope.received_at >= self.received_from
            and (not self.received_before or envelope.received_at < self.received_before)
            and (not self.business_date_from or envelope.business_date >= self.business_date_from)
            and (not self.business_date_to or envelope.business_date <= self.business_date_to)
            and self.store in ("", envelope.store)
            and self.message_type in ("", envelope.message_type)
            and self.key in ("", envelope.natural_key)
        )


class ReplayPlan(msgspec.Struct, frozen=True):
    """What a replay would do, for positions up to `until` and nothing later.

    money: (message type, currency) -> minor units; unknown counts messages without a known amount.
    superseded counts selected messages that are left out of all of this, because a newer revision
    of their object is stored; left_out names the first of them.
    """

    selection: ReplaySelection
    after: int
    until: int
    count: int
    money: Mapping[tuple[str, str], int]
    unknown: int
    lanes: int
    rate_per_second: float
    expected_seconds: float
    superseded: int = 0
    left_out: tuple[ObjectRevision, ...] = ()


class Selected(msgspec.Struct, frozen=True):
    """A delivered message of a selection; version is given when a newer one superseded it."""

    message: StoredMessage
    row: DeliveryRow
    version: ObjectRevision | None


async def plan_replay(
    journal: Journal,
    selection: ReplaySelection,
    rate_per_second: float = REPLAY_RATE_PER_SECOND,
) -> ReplayPlan:
    """Return what a replay of these messages would do; sends nothing."""
    after = await position_before(journal, selection.received_from)
    until = await journal.last_position()
    money: dict[tuple[str, str], int] = {}
    lanes: set[str] = set()
    left_out: list[ObjectRevision] = []
    count = unknown = superseded = 0
    async for one in selected(journal, selection, after, until):
        if one.version is not None:
            superseded += 1
            if len(left_out) < LEFT_OUT_TOLD:
                left_out.append(one.version)
            continue
        envelope = one.message.envelope
        count += 1
        lanes.add(one.row.lane)
        if envelope.amount_minor is None:
            unknown += 1
        else:
            key = (envelope.message_type, envelope.currency)
            money[key] = money.get(key, 0) + envelope.amount_minor
    return ReplayPlan(
        selection=selection,
        after=after,
        until=until,
        count=count,
        money=money,
        unknown=unknown,
        lanes=len(lanes),
        rate_per_second=rate_per_second,
        expected_seconds=count / rate_per_second if rate_per_second > 0 else 0.0,
        superseded=superseded,
        left_out=tuple(left_out),
    )


async def selected(
    journal: Journal, selection: ReplaySelection, after: int, until: int
) -> AsyncIterator[Selected]:
    """Return the delivered messages of a selection, in journal order."""
    while after < until:
        messages = await journal.read(after, READ_MESSAGES)
        if not messages:
            return
        after = messages[-1].position
        until_here = (m for m in messages if m.position <= until)
        # What retention let go cannot be sent any more.
        taken = {m.position: m for m in until_here if m.canonical and selection.takes(m)}
        if not taken:
            continue
        rows = await journal.delivery_rows(selection.route, list(taken))
        delivered = {row.position: row for row in rows if row.state == "delivered"}
        versions = await superseded_messages(journal, [taken[at] for at in delivered])
        for position, row in delivered.items():
            yield Selected(taken[position], row, versions.get(position))
