"""What is watched of a hub in a soak, and when it counts as flat.

Surprising: sockets are held to a bound and not to their past. How many there are follows how many
calls are in flight; files that stay open have no such reason. And the first part of a run is left
out: caches of a fixed size fill then; what still grows after it grows with every sale.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from bench.hub import HubUnderTest

WARM_SHARE = 0.25
MOST_GROWTH_SHARE = 0.05
"""How much the median of the last quarter may lie above that of the second quarter."""
MOST_LOG_MEGABYTES = 256.0
PARTS = 6
"""Open files are compared by the medians of the second and the last of so many parts of a run."""
MOST_MORE_FILES = 6
"""More than a reader of the journal that opens late; one file left by each outage is found."""
STANDING_SOCKETS = 20
"""What the hub listens at, and talks to its workers over."""
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The hub at one moment. Memory is resident, of all its processes and of the first alone."""

    seconds: float
    sales: int
    memory_megabytes: float
    main_megabytes: float
    files: int
    sockets: int
    log_megabytes: float
    journal_megabytes: float

    @property
    def handles(self) -> int:
        """Return everything that is open."""
        return self.files + self.sockets


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
    files, sockets = map(sum, zip(*map(descriptors, processes), strict=True))
    state = hub.folder / ".state"
    return Sample(
        seconds=seconds,
        sales=sales,
        memory_megabytes=round(sum(memory), 1),
        main_megabytes=round(memory[0], 1),
        files=files,
        sockets=sockets,
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
    connections: int,
) -> Verdict:
    """Return the verdict over a run.

    connections: how many the tills hold and the hub may hold to its target, together.
    """
    warm = samples[int(len(samples) * WARM_SHARE) :]
    third = len(warm) // 3
    early, late = warm[:third], warm[-third:]
    before, after = (median(one.memory_megabytes for one in some) for some in (early, late))
    growth = after / before - 1.0
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
            _open_files(samples),
            _open_sockets(samples, connections + STANDING_SOCKETS),
            Line(
                "log of the journal, largest",
                f"{max(logs):.1f} MB",
                f"at most {MOST_LOG_MEGABYTES:.0f} MB",
                max(logs) <= MOST_LOG_MEGABYTES,
            ),
        ],
        list(samples),
    )


def _open_files(samples: Sequence[Sample]) -> Line:
    part = len(samples) // PARTS
    early, late = samples[part : 2 * part], samples[-part:]
    before, after = (median(one.files for one in some) for some in (early, late))
    return Line(
        "open files, second and last sixth",
        f"{before:g} and {after:g}",
        f"at most {MOST_MORE_FILES} more",
        after - before <= MOST_MORE_FILES,
    )


def _open_sockets(samples: Sequence[Sample], bound: int) -> Line:
    most = max(one.sockets for one in samples)
    return Line("sockets, most", f"{most}", f"at most {bound}", most <= bound)


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


def descriptors(pid: int) -> tuple[int, int]:
    """Return how many files, pipes and the like a process has open, and how many sockets."""
    files = sockets = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            is_socket = str(entry.readlink()).startswith("socket:")
            sockets += is_socket
            files += not is_socket
    return files, sockets
