"""One sale in a hundred is poison: it dies alone, is sent again when mended, and delays nobody.

The full size of this, 100,000 sales, is a row of the proof table.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.measures import SLOWED
from flows.poison import CAUSES, Plan, Seen, poison, verdict

SMALL = Plan(2_000, 10_000, 1_000.0)


async def test_poison_dies_alone_and_arrives_when_mended(tmp_path: Path) -> None:
    """Each is dead with its cause, then delivered and marked; the others keep their order."""
    seen = await poison(tmp_path, SMALL)
    found = verdict(seen)
    assert set(found.faults) <= {SLOWED}, found.figure
    assert len(seen.poison) == 100


def good() -> Seen:
    """Return what a good run of one till with one poisoned sale looks like."""
    keys = [f"0002:041:2026-11-20:{number}" for number in range(1, 200)]
    dead = keys[150]
    booked = [*keys[:150], *keys[151:], dead]
    lags = [(number / 10, 20.0) for number in range(200)]
    return Seen(
        {dead: "VOUCHER"}, 199, 10.0, {dead: CAUSES["VOUCHER"]}, booked, {dead}, lags, balanced=True
    )


def test_control_a_good_run_has_no_fault() -> None:
    """A sale that died may come late; everything else is as it should be."""
    assert verdict(good()).faults == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("cause", "1 dead, 0 with cause"),
        ("lost", "1 lost, 0 doubled"),
        ("order", "1 out of order, such as ['0002:041:2026-11-20:1']"),
        ("mark", "1 not marked as they should be"),
        ("slow", SLOWED),
        ("books", "the books do not balance"),
    ],
)
def test_control_each_broken_promise_is_told(broken: str, told: str) -> None:
    """Whatever is wrong with a run, the verdict has a sentence for it, and only that."""
    seen = good()
    match broken:
        case "cause":
            seen.dead = dict.fromkeys(seen.dead, "gave up")
        case "lost":
            del seen.booked[0]
        case "order":
            seen.booked.append(seen.booked.pop(0))
        case "mark":
            seen.marked = set()
        case "slow":
            seen.lags = [(at, 20.0 if at < seen.poison_began else 60.0) for at, _ in seen.lags]
        case _:
            seen.balanced = False
    assert verdict(seen).faults == [told]
