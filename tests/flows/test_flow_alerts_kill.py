"""A hub that is killed while it tells somebody: the notice comes again under the same id, once.

Surprising: twice is possible and never is not. A receiver drops what it has seen by its id.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from flows.alert_receivers import PASSWORD, USER, Hook, post_office, web_hook
from flows.test_flow_alerts import MAIL, PAGER, RULES
from flows.tills import quayside
from flows.world import QUAYSIDE, World, until
from tillway.api.hub_file import read_hub_file

SECRET = "whsec_" + base64.b64encode(b"a secret of the pager, 32 bytes!").decode()


@dataclass(slots=True)
class Killer:
    """Takes a notice as a receiver does; while it is armed the hub dies before the answer."""

    hook: Hook
    process: asyncio.subprocess.Process | None = None

    async def take(self, request: web.Request) -> web.Response:
        """Keep the notice, and end the hub that waits for the answer."""
        answer = await Hook.take(self.hook, request)
        if self.process is not None:
            process, self.process = self.process, None
            process.kill()
            await process.wait()
        return answer


class DeadlyHook(Hook):
    """A web service whose answers can be deadly."""

    __slots__ = ("killer",)
    killer: Killer

    async def take(self, request: web.Request) -> web.Response:
        """Take a call."""
        return await self.killer.take(request)


@asynccontextmanager
async def hub(world: World) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the hub of a project as a process; what still runs at the end is killed."""
    (world.folder / ".state" / "hub.json").unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tillway", "run", "--project", str(world.folder)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until(lambda: read_hub_file(world.folder) is not None, "the hub did not start")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def sell(world: World, count: int) -> None:
    """Sell notebooks the ERP refuses."""
    address = read_hub_file(world.folder)
    assert address is not None
    for number in range(1, count + 1):
        sale = quayside(number, "0002", payments=[{"method": "CASH", "amt": "4.00"}])
        url = f"http://{address.host}:{address.port}{QUAYSIDE}"
        answer = await world.post(url, sale, world.keys["0002"])
        assert answer.status == 202, answer.text


def told(hook: Hook) -> list[str]:
    """Return the ids under which the P1 arrived, oldest first."""
    pairs = zip(hook.ids, hook.taken, strict=True)
    return [one for one, notice in pairs if notice["data"]["priority"] == "P1"]


async def test_a_notice_cut_off_by_a_kill_comes_again_under_its_id(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the receiver's yes and the spool, the next hub sends it again, and only it."""
    for name, value in (("PAGER", SECRET), ("PAGER_OLD", SECRET), ("MAIL_PASSWORD", PASSWORD)):
        monkeypatch.setenv(f"TILLWAY_SECRET_{name}", value)
    await world.erp_mode("reject")
    async with web_hook(SECRET, DeadlyHook) as hook, post_office(tmp_path) as mail:
        assert isinstance(hook, DeadlyHook)
        hook.killer = Killer(hook)
        folder = world.folder / "alerts"
        folder.mkdir(exist_ok=True)
        (folder / "pager.toml").write_text(PAGER.format(url=hook.url))
        (folder / "operations.toml").write_text(MAIL.format(port=mail.port, user=USER))
        (folder / "rules.toml").write_text(RULES.format(url=hook.url))
        async with hub(world) as first:
            hook.killer.process = first
            await sell(world, 3)
            await asyncio.wait_for(first.wait(), 120)
            assert told(hook) == [hook.ids[0]]
        beats = hook.beats
        async with hub(world):
            await until(lambda: len(told(hook)) > 1 and hook.beats > beats, "it is not told again")
        first_time, second_time = told(hook)
        assert first_time == second_time, "the receiver knows it by its id"
        beats = hook.beats
        async with hub(world):
            await until(lambda: hook.beats > beats, "the watch did not look")
        assert len(told(hook)) == 2, "what was taken is told no more"
        others = [one for one in hook.ids if one not in told(hook)]
        assert len(set(others)) == len(others)
        urgent = [one for one in mail.subjects if one.startswith("[P1]")]
        assert len(urgent) == 1, "what another receiver took before the kill is not repeated"
