"""What is watched of a hub in a soak, and when it counts as flat.

Surprising: the first quarter is left out. Caches of a fixed size fill then; what still grows after
it grows with every sale.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from bench.hub import HubUnderTest

WARM_SHARE = 0.25
MOST_GROWTH_SHARE = 0.05
"""How much the median of the last quarter may lie above that of the second quarter."""
MOST_LOG_MEGABYTES = 256.0
MOST_MORE_HANDLES = 8
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The hub at one moment. Memory is resident, of all its processes and of the first alone."""

    seconds: float
    sales: int
    memory_megabytes: float
    main_megabytes: float
    handles: int
    log_megabytes: float
    journal_megabytes: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    name: str
    figure: str
    goal: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a soak found."""

    lines: list[Line]
    samples: list[Sample]

    @property
    def ok(self) -> bool:
        """Say whether every line holds."""
        return all(line.ok for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """Return the lines and every sample."""
        return {
            "ok": self.ok,
            "rows": [asdict(line) for line in self.lines],
            "samples": [asdict(sample) for sample in self.samples],
        }


def sample_of(hub: HubUnderTest, seconds: float, sales: int) -> Sample:
    """Return how the hub stands now."""
    processes = [hub.pid, *_children(hub.pid)]
    memory = [_memory_megabytes(pid) for pid in processes]
    state = hub.folder / ".state"
    return Sample(
        seconds=seconds,
        sales=sales,
        memory_megabytes=round(sum(memory), 1),
        main_megabytes=round(memory[0], 1),
        handles=sum(_handles(pid) for pid in processes),
        log_megabytes=round((state / "journal.db-wal").stat().st_size / 1e6, 1),
        journal_megabytes=round((state / "journal.db").stat().st_size / 1e6, 1),
    )


def judge(
    samples: Sequence[Sample],
    *,
    seconds: float,
    answered: int,
    again: int,
    outages: int,
    booked: int,
    balanced: bool,
) -> Verdict:
    """Return the verdict over a run."""
    warm = samples[int(len(samples) * WARM_SHARE) :]
    third = len(warm) // 3
    early, late = warm[:third], warm[-third:]
    before, after = (median(one.memory_megabytes for one in some) for some in (early, late))
    growth = after / before - 1.0
    handles = [median(one.handles for one in some) for some in (early, late)]
    logs = [one.log_megabytes for one in samples]
    hourly = _slope(warm) * HOUR_SECONDS
    rate = answered / seconds
    lost = answered - booked
    return Verdict(
        [
            Line(
                "sales", f"{answered:,} at {rate:.1f}/s, {again} sent again", "118/s", rate >= 118
            ),
            Line("outages of the ERP", f"{outages}", "some", outages > 0),
            Line("lost or doubled at the ERP", f"{lost}", "0", not lost),
            Line("books", "balance" if balanced else "do not balance", "balance", balanced),
            Line(
                "memory, second and last quarter",
                f"{before:.1f} and {after:.1f} MB ({growth:+.1%}; {hourly:+.1f} MB an hour)",
                f"at most {MOST_GROWTH_SHARE:+.0%}",
                growth <= MOST_GROWTH_SHARE,
            ),
            Line(
                "open files, second and last quarter",
                f"{handles[0]:g} and {handles[1]:g}, at most {max(one.handles for one in warm)}",
                f"at most {MOST_MORE_HANDLES} more",
                handles[1] - handles[0] <= MOST_MORE_HANDLES,
            ),
            Line(
                "log of the journal, largest",
                f"{max(logs):.1f} MB",
                f"at most {MOST_LOG_MEGABYTES:.0f} MB",
                max(logs) <= MOST_LOG_MEGABYTES,
            ),
        ],
        list(samples),
    )


def table(verdict: Verdict) -> str:
    """Return the lines as a table."""
    rows = [("what", "figure", "goal", "ok")]
    rows += [(one.name, one.figure, one.goal, "yes" if one.ok else "NO") for one in verdict.lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (zip(row, widths, strict=True) for row in rows)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in row) for row in padded)


def _slope(samples: Sequence[Sample]) -> float:
    """Return how memory grows, in megabytes a second, as a straight line through the samples."""
    times = [one.seconds for one in samples]
    return linear_regression(times, [one.memory_megabytes for one in samples]).slope


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found]


def _memory_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _handles(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - the names are not needed
