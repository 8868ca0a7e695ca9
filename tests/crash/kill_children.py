"""Hubs without a doorway, forked from one warm process and killed in the middle of their work.

A script of its own, so that it may fork: `kill_children.py FOLDER KILLS SEED [late]`. Each life
runs the real intake, journal and delivery over the same journal; what it acknowledges is written to
`acks`, what the target booked to `booked`, and both outlive it. `late` commits after the answer.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from crash.trading import LateCommit
from flows.tills import quayside
from tillway.assembly.hub import journal_path
from tillway.assembly.preparing import message_ids, preparations
from tillway.clock import SystemClock
from tillway.connect import Delivered, Outbound, Submission
from tillway.delivery import Delivery
from tillway.intake import Gate, SourceIntake
from tillway.journal.sqlite import open_sqlite
from tillway.project import load_release
from tillway.project.records import Release

ACKS, BOOKED = "acks", "booked"
TILLS = ("01", "02", "03", "04")
LAST_SALES = 5
MOST_SALES_BEFORE_A_KILL = 8
LONGEST_WAIT_SECONDS = 0.01
MISHAP_SECONDS = 0.001
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class FileTarget:
    """A target of class A: a line in a file for each key it did not know."""

    delivery_class = "A"
    max_bulk = 3
    stops_per_lane = False

    def __init__(self, path: Path) -> None:
        self._known = set(lines(path))
        self._file = os.open(path, APPEND)

    async def send(self, batch: Sequence[Outbound]) -> list[Delivered]:
        """Book what is new; the process may die before and after."""
        await asyncio.sleep(MISHAP_SECONDS)
        answers = []
        for message in batch:
            if message.key not in self._known:
                self._known.add(message.key)
                os.write(self._file, f"{message.key}\n".encode())
            answers.append(Delivered(message.key))
        await asyncio.sleep(MISHAP_SECONDS)
        return answers

    async def look_up(self, key: str) -> str | None:
        """Return the key where it is booked."""
        return key if key in self._known else None

    async def ping(self) -> None:
        """Be there."""

    async def close(self) -> None:
        """Nothing is held."""


def lines(path: Path) -> list[str]:
    """Return the lines of a file, none where there is no file."""
    return path.read_text().splitlines() if path.exists() else []


def next_numbers(folder: Path) -> dict[str, int]:
    """Return with which number each till goes on: the one after the last that had its answer."""
    numbers = dict.fromkeys(TILLS, 1)
    for ack in lines(folder / ACKS):
        till, number = ack.split()
        numbers[till] = int(number) + 1
    return numbers


async def live(release: Release, told: int, seed: int, sales: int, *, late: bool) -> None:
    """Run one life: each till sells so many more, until all is delivered.

    A byte goes to told once it has begun to work, and one after each sale that has its answer.
    """
    folder = release.folder
    journal = await open_sqlite(journal_path(release))
    if late:
        journal._writer._db = LateCommit(journal._writer._db)  # type: ignore[assignment]
    clock = SystemClock()
    preparation = preparations(release, clock, message_ids())["quayside"]
    intake = SourceIntake("quayside", preparation, journal, Gate())
    target = FileTarget(folder / BOOKED)
    targets = dict.fromkeys(release.targets, target)
    delivery = Delivery(release, targets, journal, clock, Random(seed))  # type: ignore[arg-type]
    await delivery.start()
    acks = os.open(folder / ACKS, APPEND)
    os.write(told, b".")

    async def sell(till: str, first: int) -> None:
        for number in range(first, first + sales):
            body = json.dumps(quayside(number, tillNo=till)).encode()
            result = await intake.submit(Submission(body, store="0002"))
            assert set(result.counts) <= {"accepted", "duplicate"}, result
            os.write(acks, f"{till} {number}\n".encode())
            os.write(told, b".")

    await asyncio.gather(*(sell(*one) for one in next_numbers(folder).items()))
    await delivery.idle()
    await delivery.stop(1.0)
    await journal.close()


def child(release: Release, seed: int, sales: int, *, late: bool) -> tuple[int, int]:
    """Fork one life; return its id, and the pipe that tells how far it has come."""
    heard, told = os.pipe()
    pid = os.fork()
    if pid:
        os.close(told)
        return pid, heard
    status = 1
    try:
        asyncio.run(live(release, told, seed, sales, late=late))
        status = 0
    finally:
        os._exit(status)


def main(folder: Path, kills: int, seed: int, *, late: bool) -> None:
    """Kill so many lives, then let one end well."""
    release = load_release(folder, environ=os.environ)
    rng = Random(seed)
    # What is there already is shared with every life; a search for garbage would copy it.
    gc.freeze()
    for number in range(kills):
        pid, heard = child(release, seed + number, sales=10_000, late=late)
        # By what it has done, not by the clock: a busy machine would kill it before it sold.
        for _ in range(1 + rng.randint(0, MOST_SALES_BEFORE_A_KILL)):
            assert os.read(heard, 1) == b".", "a life ended before it was killed"
        time.sleep(rng.uniform(0.0, LONGEST_WAIT_SECONDS))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(heard)
    pid, _ = child(release, seed + kills, sales=LAST_SALES, late=False)
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), late=sys.argv[4:] == ["late"])
