"""What the journal says of a run, gathered for grading against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tillway.journal.sqlite_queries import SqliteQueries
from tillway.simulator.grade import HubMessage

WINDOW = 2000


@dataclass(slots=True)
class JournalFacts:
    """`simulator.grade.HubFacts` of one journal."""

    counts: dict[str, int] = field(default_factory=dict)
    found: list[HubMessage] = field(default_factory=list)

    def outcome_counts(self) -> Mapping[str, int]:
        """Return how many inputs had each outcome."""
        return self.counts

    def messages(self) -> Iterable[HubMessage]:
        """Return everything accepted, in conflict or in quarantine."""
        return self.found


async def journal_facts(queries: SqliteQueries) -> JournalFacts:
    """Read a journal from its first message to its last."""
    facts = JournalFacts()
    for total in await queries.outcome_totals():
        facts.counts[total.group] = facts.counts.get(total.group, 0) + total.count
    dead = {row.position for row, _ in await queries.deliveries(["dead"], limit=1_000_000)}
    after = 0
    while messages := await queries.read(after, WINDOW):
        after = messages[-1].position
        for message in messages:
            e = message.envelope
            facts.found.append(
                HubMessage(
                    e.system,
                    e.message_type,
                    e.natural_key,
                    "accepted",
                    e.currency,
                    e.amount_minor,
                    dead=message.position in dead,
                )
            )
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
    return facts
