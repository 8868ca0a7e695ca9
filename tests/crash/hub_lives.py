"""One project through many lives of its hub, each of which ends by a fault of its own.

Surprising: the restart that must recover is the next life; the tills go on where their last answer
left them, and repeat what had none.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from crash.sellers import TILLS, plain_world, sell_until_it_dies, sold_to_the_end
from crash.trial import on_trial
from flows.world import World
from tillway.cli.exit_codes import JOURNAL
from tillway.journal import crash_points
from tillway.project import load_release
from tillway.project.records import Release

PLACES = (
    crash_points.BEFORE_COMMIT,
    crash_points.BEFORE_ANSWER,
    crash_points.BEFORE_DISPATCH,
    crash_points.BEFORE_SEND,
    crash_points.BEFORE_LEDGER,
)
LATEST_TIME = 40
PAGES_BEFORE_A_CHECKPOINT = 20
DEADLINE_SECONDS = 60.0


@dataclass(slots=True)
class Lives:
    """The lives so far: where the tills stand, and how long a hub took to leave by itself.

    release: the project as it is loaded, which is the same in every life. leaving_seconds: as the
    proof saw it. own_seconds: as the hub did, see `Leaving`; as seen where the
    hub was ended before it could say.
    """

    world: World
    release: Release
    answered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TILLS, 0))
    leaving_seconds: list[float] = field(default_factory=list)
    own_seconds: list[float] = field(default_factory=list)

    async def live(self, code: int, **trial: Any) -> None:
        """Start the hub, plant a fault, and sell until it is gone, with this exit code."""
        async with on_trial(self.world, release=self.release, **trial) as hub:
            hub.arm()
            selling = asyncio.create_task(sell_until_it_dies(hub, self.answered, last=None))
            found = await hub.ended(DEADLINE_SECONDS)
            left_at = time.monotonic()
            await selling
            assert found == code, f"the hub of {trial} ended with {found}"
            if code == JOURNAL:
                leaving = hub.leaving()
                seen = left_at - leaving.failed_at
                self.leaving_seconds.append(seen)
                self.own_seconds.append(
                    seen if leaving.own_seconds is None else leaving.own_seconds
                )

    async def end(self) -> None:
        """Check that all that was answered is stored, and each sale is booked once, in order."""
        await sold_to_the_end(self.world, self.answered, max(self.answered.values()) + 1)


async def killed_at_places(folder: Path, lives: int, seed: int) -> None:
    """Kill hubs at the named places and in the middle of checkpoints, each in turn."""
    rng = Random(seed)
    async with plain_world(folder) as world:
        trial = Lives(world, load_release(world.folder, environ=os.environ))
        for number in range(lives):
            await trial.live(-signal.SIGKILL, **_death(number, rng))
        await trial.end()


def _death(number: int, rng: Random) -> dict[str, Any]:
    times = rng.randint(1, LATEST_TIME)
    which = number % (len(PLACES) + 1)
    if which < len(PLACES):
        return {"crash_point": PLACES[which], "times": times}
    pages = {"checkpoint_pages": PAGES_BEFORE_A_CHECKPOINT}
    return {"write_to": "journal.db", "times": times, **pages}


async def failing_flushes(folder: Path, numbers: Iterable[int]) -> list[tuple[float, float]]:
    """Let one hub after another fail at its n-th flush; return the seconds each took to leave.

    Those as the proof saw it, and those as the hub did: see `Lives`.
    """
    async with plain_world(folder) as world:
        trial = Lives(world, load_release(world.folder, environ=os.environ))
        for number in numbers:
            await trial.live(JOURNAL, fail_flush=number)
        await trial.end()
    return list(zip(trial.leaving_seconds, trial.own_seconds, strict=True))
