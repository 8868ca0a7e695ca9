"""Brings the mishaps of a plan over a world: death, disk, outages, a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from simulate.plan import Mishap
from tillway.journal import crash_points
from tillway.testing.virtual_disk import VirtualDisk

if TYPE_CHECKING:
    from simulate.world import World

MACHINE_STAYS_SHARE = 0.5
"""How often a process that left by itself is started again on a machine that ran on."""
CUT_AGAIN_SHARE = 0.1
"""How often the power fails while a hub starts, in a world of several mishaps."""


class Mishaps:
    """Every fault of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.generator("faults")
        self._deaths_at: dict[str, int] = {}
        self._is_full = False
        self._is_over = False

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Hear of crash points while the world runs."""
        before = crash_points.reached
        crash_points.reached = self._reached
        try:
            yield
        finally:
            crash_points.reached = before

    def begin(self) -> None:
        """Set the time of each mishap."""
        for one in self._world.plan.mishaps:
            self._world.loop.call_later(one.at, self._happen, one)

    def end(self) -> None:
        """Nothing fails any more."""
        self._is_over = True
        self._deaths_at.clear()
        self._fill(full=False)
        self._world.life.disk.count_down = 0
        self._world.life.disk.fail_flush_in = 0

    def mount(self, disk: VirtualDisk) -> None:
        """Put a disk into its state for a new life."""
        disk.full = self._is_full
        several = len(self._world.plan.mishaps) > 1
        if several and not self._is_over and self._random.random() < CUT_AGAIN_SHARE:
            disk.at_zero = lambda: self._cut_power(disk)
            disk.count_down = self._random.randint(1, 12)

    def after_leaving(self, disk: VirtualDisk) -> VirtualDisk:
        """Return the disk after a process left by itself: only it starts again, or the machine."""
        if self._random.random() < MACHINE_STAYS_SHARE:
            return disk.after_kill()
        return disk.after_power_cut(self._random)

    def _happen(self, one: Mishap) -> None:
        world, disk = self._world, self._world.life.disk
        if self._is_over or world.life.is_dead:
            return
        world.note(f"mishap: {one.kind} {one.where} {one.count} for {one.seconds:.1f} s")
        if one.kind == "kill":
            self._kill("killed")
        elif one.kind == "kill_at":
            self._deaths_at[one.where] = one.count
        elif one.kind == "power":
            self._cut_power(disk)
        elif one.kind == "power_at":
            disk.at_zero = lambda: self._cut_power(disk)
            disk.count_down = one.count
        elif one.kind == "stop":
            world.stop()
        elif one.kind == "flush":
            disk.fail_flush_in = one.count
        elif one.kind == "full":
            self._fill(full=True)
            world.loop.call_later(one.seconds, partial(self._fill, full=False))
        elif one.kind == "away":
            self._away(one)
        else:
            world.step_clock(one.seconds)

    def _away(self, one: Mishap) -> None:
        remote = self._world.remotes[one.where]
        remote.is_away = True
        self._world.loop.call_later(one.seconds, remote.come_back)

    def _fill(self, *, full: bool) -> None:
        self._is_full = full
        self._world.life.disk.full = full

    def _reached(self, place: str, _messages: int = 0) -> None:
        left = self._deaths_at.get(place, 0)
        if not left or self._world.life.is_dead:
            return
        self._deaths_at[place] = left - 1
        if left == 1:
            self._kill(f"killed {place}")

    def _kill(self, why: str) -> None:
        disk = self._world.life.disk.after_kill()
        self._world.die(disk, self._random.uniform(0.1, 20.0), why)

    def _cut_power(self, disk: VirtualDisk) -> None:
        if disk is self._world.life.disk and not self._world.life.is_dead:
            left = disk.after_power_cut(self._random)
            self._world.die(left, self._random.uniform(5.0, 40.0), "the power is cut")
