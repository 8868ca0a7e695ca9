"""The production process: a hub, its doorway and its pages, from start to a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable

import msgspec

from tillway.api import HubAddress, new_token, remove_hub_file, write_hub_file
from tillway.api.stream import Live
from tillway.assembly.hub import Hub, open_hub
from tillway.assembly.pages import open_pages
from tillway.assembly.preparing import message_ids, preparations, worker_count
from tillway.assembly.watching import tell_fault
from tillway.clock import SystemClock
from tillway.errors import TillwayError
from tillway.gateway import Gateway, Server, serve
from tillway.gateway.app import Probe
from tillway.intake import Crew, Preparation, fork_workers
from tillway.project.code_rows import learn_code
from tillway.project.records import Release

READY_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""How long a timed run may take to deliver what it can before it stops anyway."""
LEAVE_SECONDS = 0.5
"""How long a hub whose journal failed may tidy up before it leaves as it is."""
SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits; Python's own is ten times that.

A reader or the writer must win it back after each row or statement, so waiting is most of its time.
"""


class Doorway(msgspec.Struct):
    """The listening half of a hub."""

    gateway: Gateway
    server: Server
    live: Live

    async def close(self) -> None:
        """Refuse at the doors, finish the requests in hand, and stop listening."""
        self.gateway.close_doors()
        self.live.stop()
        await self.server.close()


def forked_crew(release: Release) -> Crew:
    """Fork the workers of a hub; call it before the event loop starts and anything is open."""

    def prepare() -> dict[str, Preparation]:
        # Each worker has its own maker of ids: a copy of one would give the same ids twice.
        return preparations(release, SystemClock(), message_ids())

    def learn(table: str, source: str, canonical: str) -> None:
        learn_code(release, table, source, canonical)

    return Crew(fork_workers(worker_count(release.hub), prepare, learn))


async def run_hub(
    release: Release,
    crew: Crew,
    *,
    seconds: float | None = None,
    started: Callable[[str], None] = lambda _address: None,
) -> None:
    """Run a hub until SIGTERM or SIGINT, or for so many seconds, then let it finish.

    started is told the address once doors are open. Raises JournalFault when the journal failed:
    nothing more was acknowledged and the process must leave at once.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    hub = await open_hub(release, crew=crew)
    await hub.start()
    # Before the address is written down: who reads it may ask the hub to end at once.
    asked = _asked_to_end()
    doorway = await open_doorway(hub)
    address = f"http://{doorway.server.host}:{doorway.server.port}"
    # What stays for the life of the hub is left out of every search for cyclic garbage.
    gc.freeze()
    started(address)
    end = asyncio.create_task(_end(asked, seconds))
    failed = asyncio.create_task(hub.failed())
    stopped = asyncio.create_task(hub.delivery.watch())
    done, _ = await asyncio.wait({end, failed, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (end, failed, stopped):
        task.cancel()
    if failed in done:
        _leave_soon()
        await tell_fault(hub, failed.result())
        raise failed.result()
    if stopped in done:
        stopped.result()
    await doorway.close()
    if seconds is not None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hub.delivery.idle(), IDLE_SECONDS)
    await hub.stop()
    remove_hub_file(release.folder)


def _leave_soon() -> None:
    """End the process even if a call or a thread in it will not end: nothing more can be stored."""
    end = threading.Timer(LEAVE_SECONDS, os._exit, (os.EX_IOERR,))
    end.daemon = True
    end.start()


async def open_doorway(hub: Hub) -> Doorway:
    """Listen at the project's address and write down where, for the command line."""
    release = hub.release
    token = new_token()
    pages = await open_pages(hub, token)
    gateway = Gateway(
        hub.doors,
        alive=_alive(hub),
        ready=_ready(hub),
        fallback=pages.app,
    )
    server = await serve(gateway, release.hub.listen_host, release.hub.listen_port)
    write_hub_file(
        release.folder, HubAddress(release.hub.listen_host, server.port, os.getpid(), token)
    )
    return Doorway(gateway, server, pages.live)


def _alive(hub: Hub) -> Probe:
    async def alive() -> TillwayError | None:
        return hub.journal.fault

    return alive


def _ready(hub: Hub) -> Probe:
    async def ready() -> TillwayError | None:
        hub.gate.check()
        # An empty append still goes through the writer and its flush.
        async with asyncio.timeout(READY_SECONDS):
            await hub.journal.append([])
        return None

    return ready


def _asked_to_end() -> asyncio.Event:
    """Return what a signal sets that asks the hub to end."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    return asked


async def _end(asked: asyncio.Event, seconds: float | None) -> None:
    """Return when a signal asks to stop, or the time is over."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asked.wait(), seconds)
