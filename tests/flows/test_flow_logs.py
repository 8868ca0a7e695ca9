"""`tillway run --log json` as a process: every line is JSON, and says which sale had trouble."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flows.tills import quayside
from flows.world import QUAYSIDE, ROUTE, World, until
from tillway.api.hub_file import read_hub_file

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WORDS = ("Notebook", "CASH", '"4.00"', "lines", "payments")


class Ran:
    """A hub that runs as a process, and what it wrote."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def read(self) -> None:
        """Keep every line until the process closes its output."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode())

    def events(self) -> list[dict[str, Any]]:
        """Return every line as JSON."""
        return [json.loads(line) for line in self.lines]


@asynccontextmanager
async def run(world: World, *more: str) -> AsyncIterator[Ran]:
    """Run the hub of a project as a process; it must end cleanly."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tillway", "run", "--project", str(world.folder), *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    ran = Ran(process)
    reading = asyncio.create_task(ran.read())
    try:
        await until(lambda: read_hub_file(world.folder) is not None, "the hub did not start")
        yield ran
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()
        await reading
    assert process.stderr is not None
    assert process.returncode == 0, (await process.stderr.read()).decode()


async def sell(world: World) -> None:
    """Sell a notebook, with a trace."""
    address = read_hub_file(world.folder)
    assert address is not None
    sale = quayside(1, "0002", payments=[{"method": "CASH", "amt": "4.00"}])
    url = f"http://{address.host}:{address.port}{QUAYSIDE}"
    header = f"00-{TRACE}-00f067aa0ba902b7-01"
    answer = await world.post(url, sale, world.keys["0002"], traceparent=header)
    assert answer.status == 202, answer.text


async def test_a_hub_told_to_end_once_its_address_is_there_ends_cleanly(world: World) -> None:
    """It minds signals before it says where it listens."""
    async with run(world) as ran:
        ran.process.send_signal(signal.SIGTERM)
        assert await ran.process.wait() == 0


async def test_a_sale_the_erp_refuses_is_a_line_with_its_correlation_id(world: World) -> None:
    """Start, trouble and end are lines of JSON on stdout; nothing of the sale itself is in them."""
    await world.erp_mode("reject")
    async with run(world, "--log", "json") as ran:
        await sell(world)
        await until(lambda: any("delivery.dead" in line for line in ran.lines), "no line came")
    found = ran.events()
    assert [found[0]["event"], found[-1]["event"]] == ["hub.started", "hub.stopped"]
    [dead] = [one for one in found if one["event"] == "delivery.dead"]
    assert dead["level"] == "error"
    assert (dead["trace_id"], dead["store"], dead["receipt"], dead["route"]) == (
        *(TRACE, "0002", "1", ROUTE),
    )
    assert all({"time", "level", "event"} <= set(one) for one in found)
    assert not [word for word in WORDS if word in "".join(ran.lines)]


async def test_people_read_sentences_as_before(world: World) -> None:
    """Without the flag no line is JSON; the setting of the project does what the flag does."""
    async with run(world) as ran:
        pass
    assert [line for line in ran.lines if line.startswith("{")] == []
    assert "stopped cleanly\n" in ran.lines
    world.add_line("tillway.toml", '[telemetry]\nlog = "json"')
    async with run(world) as ran:
        pass
    assert [one["event"] for one in ran.events()] == ["hub.started", "hub.stopped"]
