"""The virtual loop, disk and journal keep the rules that the simulation stands on."""

from __future__ import annotations

import asyncio
import time
from random import Random

import pytest

from tillway.errors import JournalFault, Refused
from tillway.journal.base import Receipt
from tillway.testing.journal import candidate
from tillway.testing.virtual_disk import VirtualDisk
from tillway.testing.virtual_journal import JOURNAL, VirtualJournal, new_disk, open_virtual
from tillway.testing.virtual_loop import VirtualClock, VirtualLoop, WouldBlock, run_virtual

LUCK = range(30)


async def append(journal: VirtualJournal, *numbers: int) -> list[Receipt]:
    """Store one sale after another."""
    return [(await journal.append([candidate(number)]))[0] for number in numbers]


def stored(disk: VirtualDisk) -> list[int]:
    """Return the positions in the journal on a disk."""
    loop = VirtualLoop()
    journal = open_virtual(disk, loop)

    async def read() -> list[int]:
        found = [message.position for message in await journal.read(0, 100)]
        await journal.close()
        return found

    return run_virtual(read(), loop)


def test_hours_pass_at_once_and_timers_run_in_their_order():
    """Two hours of sleep take no real time; the wall clock may be set meanwhile."""
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    seen = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        seen.append((seconds, clock.monotonic()))

    async def main() -> None:
        began = clock.now()
        await asyncio.gather(sleeper(7200.0), sleeper(1.0), sleeper(0.5))
        clock.step = -10.0
        assert clock.now() - began == 7190 * 1_000_000

    before = time.monotonic()
    run_virtual(main(), loop)
    assert time.monotonic() - before < 60
    assert seen == [(0.5, 0.5), (1.0, 1.0), (7200.0, 7200.0)]


def test_a_wait_that_never_ends_is_told():
    """Where a real loop would hang for ever, this one raises."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(WouldBlock, match="nothing is ready"):
        run_virtual(main(), VirtualLoop())


def test_nothing_is_given_to_a_thread():
    """Work for a thread would take real time, and is refused."""

    async def main() -> None:
        await asyncio.to_thread(print)

    with pytest.raises(WouldBlock, match="was given to"):
        run_virtual(main(), VirtualLoop())


def test_what_was_answered_survives_a_power_cut_and_what_was_not_may_not():
    """Each receipt outlives the cut; a write without a flush is lost by some of the cuts."""
    loop, disk = VirtualLoop(), new_disk()
    journal = open_virtual(disk, loop)
    receipts = run_virtual(append(journal, 1, 2, 3), loop)
    for seed in LUCK:
        found = stored(disk.after_power_cut(Random(seed)))
        assert found == [receipt.position for receipt in receipts]
    journal.writer.db.execute("PRAGMA synchronous = OFF")
    journal.writer.db.execute("UPDATE route SET position = 9")
    journal.writer.db.execute("DELETE FROM message WHERE position = 3")
    assert {len(stored(disk.after_power_cut(Random(seed)))) for seed in LUCK} == {2, 3}
    assert stored(disk.after_kill()) == [1, 2]


def test_a_full_disk_refuses_and_takes_again():
    """While no file may grow nothing is stored; then the same process goes on."""
    loop, disk = VirtualLoop(), new_disk()
    journal = open_virtual(disk, loop)

    async def main() -> None:
        await append(journal, 1)
        disk.full = True
        with pytest.raises(Refused):
            await append(journal, 2)
        disk.full = False
        assert [one.position for one in await append(journal, 2)] == [2]
        await journal.close()

    run_virtual(main(), loop)
    assert set(disk.files) == {JOURNAL}


def after_a_failed_flush() -> VirtualDisk:
    """Return a disk on which the flush of the second sale failed."""
    loop, disk = VirtualLoop(), new_disk()
    journal = open_virtual(disk, loop)

    async def main() -> None:
        await append(journal, 1)
        disk.fail_flush_in = 1
        with pytest.raises(JournalFault):
            await append(journal, 2)
        with pytest.raises(JournalFault):
            await append(journal, 3)

    run_virtual(main(), loop)
    disk.unplug()
    return disk


def test_after_a_failed_flush_nothing_is_acknowledged():
    """The journal fails for good; what was acknowledged before is there after a power cut."""
    disk = after_a_failed_flush()
    assert all(1 in stored(disk.after_power_cut(Random(seed))) for seed in LUCK)


def test_a_process_that_starts_after_a_failed_flush_makes_the_log_durable_first():
    """What it acknowledges must not stand behind a part of the log that was never saved.

    The system still shows that part, and takes it for saved: only writing it again helps.
    """
    disk = after_a_failed_flush().after_kill()
    loop = VirtualLoop()
    journal = open_virtual(disk, loop)
    [receipt] = run_virtual(append(journal, 4), loop)
    cuts = [stored(disk.after_power_cut(Random(seed))) for seed in LUCK]
    assert all(receipt.position in found for found in cuts)
