"""What a person does with messages that do not go by themselves: five orders, each by name.

retry and release send again; hold keeps a message, and so its lane, until it is released; skip
takes it out of its lane as a dead letter; abandon gives it up.

The same rows are built for a live route and for a journal without a hub; a live route also puts the
messages back into its lanes. An old version of an object is not sent again once a newer one is
stored; it can be abandoned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Literal

import msgspec

from tillway.delivery.bounds import DELIVERIES_AT_ONCE, LEFT_OUT_TOLD
from tillway.delivery.fates import HOLDS_LANE
from tillway.delivery.rebuild import ON_HOLD, waits_for_person
from tillway.delivery.returns import AWAITS_SALE
from tillway.delivery.stale import SUPERSEDED_CODE, superseded, superseded_text
from tillway.errors import ConfigurationError
from tillway.journal.base import Action, DeliveryRow, Journal, ObjectRevision, Settlement

Verb = Literal["retry", "release", "hold", "skip", "abandon"]
SKIPPED_CODE = "TW-4018"
_HELD_BY_ITSELF = frozenset({"findings", AWAITS_SALE, ON_HOLD})


class LetterOutcome(msgspec.Struct, frozen=True):
    """What became of one position: done, or not, with a code and a sentence that say why."""

    position: int
    done: bool
    code: str = ""
    detail: str = ""


class Order(msgspec.Struct, frozen=True):
    """What a person asked for; at is wall time in microseconds, release the current digest."""

    verb: Verb
    who: str
    reason: str
    at: int
    release: str = ""

    async def superseded(
        self, journal: Journal, positions: Sequence[int]
    ) -> dict[int, ObjectRevision]:
        """Return the messages that must not be sent any more, where the order sends."""
        return await superseded(journal, positions) if self.sends else {}

    @property
    def sends(self) -> bool:
        """Whether the message goes out by this order."""
        return self.verb in ("retry", "release")

    def refusal(
        self, position: int, row: DeliveryRow | None, version: ObjectRevision | None = None
    ) -> LetterOutcome | None:
        """Return why the order cannot be carried out on this row, or None when it can.

        version is given for a message that `superseded` names.
        """
        unfit = self._unfit(position, row)
        if unfit is None and version is not None and self.sends:
            detail = f"not done: {version.natural_key} is {superseded_text(version)}"
            return LetterOutcome(position, done=False, code=SUPERSEDED_CODE, detail=detail)
        return unfit

    def _unfit(self, position: int, row: DeliveryRow | None) -> LetterOutcome | None:
        if row is None:
            return refused(position, "it has no ledger row on this route: nothing to act on")
        if self._fits(row):
            return None
        if row.state == "in_doubt":
            return refused(position, "its outcome is unknown; the look-up at the target is due")
        held = f", {row.reason.replace('_', ' ')}" if row.state == "held" and row.reason else ""
        return refused(position, f"{self.verb} does not fit a message that is {row.state}{held}")

    def _fits(self, row: DeliveryRow) -> bool:
        looked_up = row.state == "in_doubt" and not waits_for_person(row)
        match self.verb:
            case "retry":
                return row.state in ("dead", "held") or waits_for_person(row)
            case "release":
                return row.state == "held"
            case "hold":
                return row.state == "held" and row.reason not in _HELD_BY_ITSELF
            case "skip":
                return row.state == "held" or looked_up or row.reason == HOLDS_LANE
            case "abandon":
                return row.state in ("dead", "held", "in_doubt")

    def row(self, row: DeliveryRow) -> DeliveryRow:
        """Return the row as the order leaves it."""
        told = f"by {self.who}: {self.reason}"
        changed = msgspec.structs.replace(row, updated_at=self.at, reason="", next_at=0)
        match self.verb:
            case "abandon":
                return msgspec.structs.replace(
                    changed, state="abandoned", detail=f"abandoned {told}"
                )
            case "skip":
                return msgspec.structs.replace(
                    changed, state="dead", code=SKIPPED_CODE, detail=f"skipped {told}"
                )
            case "hold":
                return msgspec.structs.replace(changed, reason=ON_HOLD, detail=f"held {told}")
            case "retry" | "release":
                release = self.release or row.release
                replayed = row.replayed or row.attempts > 0
                return msgspec.structs.replace(
                    changed,
                    state="held",
                    reason="operator",
                    next_at=self.at,
                    release=release,
                    replayed=replayed,
                )

    def action(self, row: DeliveryRow) -> Action:
        """Return the audit entry of one position."""
        return Action(self.at, self.who, self.verb, f"{row.route}/{row.position}", self.reason)


def refused(position: int, why: str) -> LetterOutcome:
    """Return the outcome of a position that could not be acted on."""
    return LetterOutcome(position, done=False, code="TW-4010", detail=f"not done: {why}")


def refuse_superseded(outcomes: Sequence[LetterOutcome]) -> None:
    """Raise ConfigurationError TW-4013 when every message of an order was superseded.

    Nothing was done then, and a count of none would not say why.
    """
    if not outcomes or any(one.code != SUPERSEDED_CODE for one in outcomes):
        return
    told = [one.detail.removeprefix("not done: ") for one in outcomes[:LEFT_OUT_TOLD]]
    more = len(outcomes) - len(told)
    told += [f"and {more} more"] if more else []
    raise ConfigurationError(SUPERSEDED_CODE, f"nothing was sent: {'; '.join(told)}")


def carry_out(
    route: str,
    positions: Sequence[int],
    rows: Sequence[DeliveryRow],
    order: Order,
    versions: Mapping[int, ObjectRevision],
) -> tuple[Settlement, list[LetterOutcome]]:
    """Return the settlement for these rows, and what becomes of each position.

    versions are those that `Order.superseded` names.
    """
    known = {row.position: row for row in rows}
    settlement = Settlement(route)
    outcomes: list[LetterOutcome] = []
    for position in positions:
        row = known.get(position)
        refusal = order.refusal(position, row, versions.get(position))
        if refusal is None and row is not None:
            settlement.rows.append(order.row(row))
            settlement.actions.append(order.action(row))
        outcomes.append(refusal or LetterOutcome(position, done=True))
    return settlement, outcomes


async def settle_offline(
    journal: Journal, route: str, positions: Sequence[int], order: Order
) -> list[LetterOutcome]:
    """Carry out an order on a journal that no hub delivers from; the next start sends.

    The caller holds the journal's lock. A row `sending` is refused, since its outcome is unknown.
    Raises ConfigurationError TW-4013 when a retry names only messages that are superseded.
    """
    outcomes: list[LetterOutcome] = []
    for chunk in chunks(sorted(set(positions))):
        rows = await journal.delivery_rows(route, chunk)
        versions = await order.superseded(journal, chunk)
        settlement, told = carry_out(route, chunk, rows, order, versions)
        if settlement.rows:
            await journal.settle(settlement)
        outcomes += told
    refuse_superseded(outcomes)
    return outcomes


def chunks(positions: Sequence[int]) -> Iterator[list[int]]:
    """Return positions in portions of one transaction."""
    rest = iter(positions)
    while chunk := list(islice(rest, DELIVERIES_AT_ONCE)):
        yield chunk
