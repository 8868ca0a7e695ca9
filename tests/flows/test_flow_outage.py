"""One target goes away in earnest: it is left in peace, then drained gently, and no other notices.

The full size of this, a minute at 60 sales a second, is a row of the proof table.
"""

from __future__ import annotations

from pathlib import Path

from flows.measures import SLOWED
from flows.outage import STOOD_STILL, Plan, Seen, outage, verdict

SMALL = Plan(2.5, 2.5, 40.0, 200.0, grace_seconds=6.0)
"""A short outage cannot be drained in a share of next to nothing, hence the grace."""


async def test_an_outage_of_one_target_floods_and_reorders_nothing(tmp_path: Path) -> None:
    """Few calls reach the dead ERP, the drain keeps to its rate and order, the other goes on."""
    seen = await outage(tmp_path, SMALL)
    found = verdict(SMALL, seen)
    assert set(found.faults) <= {SLOWED}, found.figure
    assert seen.sold > 200


def gentle() -> Seen:
    """Return what a good run of four sales a second looks like."""
    calls = [float(second) for second in range(10)] + [20.0 + n / 8 for n in range(80)]
    lags = [(n / 4, 5.0) for n in range(120)]
    return Seen(calls, 120, 10.0, 20.0, 30.0, lags, balanced=True)


GENTLE = Plan(10.0, 10.0, 4.0, 8.0)


def test_control_a_gentle_outage_has_no_fault() -> None:
    """The verdict of a run in which all went well is empty."""
    assert verdict(GENTLE, gentle()).faults == []


def test_control_each_broken_promise_is_told() -> None:
    """A flood, a slow drain, a hammered ERP, lost order, a slow neighbour: all are found."""
    flood, slow, hammered, late, neighbour, stopped, lost = (gentle() for _ in range(7))
    flood.calls += [31.0] * 9
    slow.drained_at = 36.0
    hammered.calls = sorted([*hammered.calls, *[12.0] * 30])
    late.late = ["0002:01:2026-11-20:7"]
    neighbour.lags = [(at, 50.0 if 10 <= at < 20 else 5.0) for at, _ in neighbour.lags]
    stopped.lags = [(at, 20_000.0 if 10 <= at < 20 else 5.0) for at, _ in stopped.lags]
    lost.lost = 1
    runs = (flood, slow, hammered, late, neighbour, stopped, lost)
    assert [verdict(GENTLE, seen).faults for seen in runs] == [
        ["peak of 9 calls in a second"],
        ["drained in 16.0 s"],
        ["30 calls to a dead ERP"],
        ["1 out of order, such as ['0002:01:2026-11-20:7']"],
        [SLOWED],
        [STOOD_STILL, SLOWED],
        ["1 lost, 0 doubled"],
    ]
