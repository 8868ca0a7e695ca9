"""What the journal says of a run, gathered for grading against the truth."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

import msgspec

from tillway.journal.base import StoredMessage
from tillway.journal.sqlite_queries import SqliteQueries
from tillway.model import message_type, to_minor
from tillway.observe import gaps
from tillway.simulator.verdict import HubMessage, Identity, MissingNumbers

WINDOW = 2000
SETTLED = "till.settled"


class JournalFacts(msgspec.Struct):
    """`simulator.verdict.HubFacts` of one journal."""

    counts: dict[str, int] = msgspec.field(default_factory=dict)
    found: list[HubMessage] = msgspec.field(default_factory=list)
    gaps: list[MissingNumbers] = msgspec.field(default_factory=list)

    def outcome_counts(self) -> Mapping[str, int]:
        """Return how many inputs had each outcome."""
        return self.counts

    def messages(self) -> Iterable[HubMessage]:
        """Return everything accepted, in conflict or in quarantine."""
        return self.found

    def missing(self) -> Iterable[MissingNumbers]:
        """Return the gaps in the numbers of the registers."""
        return self.gaps


async def journal_facts(queries: SqliteQueries, repeated: Container[Identity] = ()) -> JournalFacts:
    """Read a journal from its first message to its last; count what came again of `repeated`."""
    facts = JournalFacts()
    for total in await queries.outcome_totals():
        facts.counts[total.group] = facts.counts.get(total.group, 0) + total.count
    dead = {row.position for row, _ in await queries.deliveries(["dead"], limit=1_000_000)}
    after = 0
    while messages := await queries.read(after, WINDOW):
        after = messages[-1].position
        for message in messages:
            found = _accepted(message, dead=message.position in dead)
            if found.identity in repeated:
                record = await queries.record(message.position)
                found = msgspec.structs.replace(
                    found, repeats=len(record.duplicates) if record else 0
                )
            facts.found.append(found)
    for row in await queries.invalid(open_only=False, limit=1_000_000):
        facts.found.append(
            HubMessage(
                row.system,
                row.message_type,
                row.natural_key,
                row.outcome,
                row.currency,
                row.amount_minor,
            )
        )
    facts.gaps = [
        MissingNumbers(
            gap.system,
            gap.store,
            gap.workstation,
            gap.business_date,
            gap.first,
            gap.last,
            gap.register_epoch,
        )
        for gap in await gaps(queries)
    ]
    return facts


def _accepted(message: StoredMessage, *, dead: bool) -> HubMessage:
    e = message.envelope
    return HubMessage(
        e.system,
        e.message_type,
        e.natural_key,
        "accepted",
        e.currency,
        e.amount_minor,
        dead=dead,
        business_date=e.business_date,
        over_minor=_over(message) if e.message_type == SETTLED else None,
    )


def _over(message: StoredMessage) -> int:
    """Return what a settled till had too much, over all its tenders, in minor units."""
    settled = message_type(SETTLED).decode(message.canonical)
    return sum(
        to_minor(tender.over_short, settled.currency)
        for tender in settled.tenders
        if tender.over_short is not None
    )
