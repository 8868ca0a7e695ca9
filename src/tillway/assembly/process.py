"""The production process: a hub, its doorway and its pages, from start to a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from tillway.api import (
    Changes,
    HubAddress,
    Questions,
    Snapshot,
    api_app,
    new_token,
    remove_hub_file,
    write_hub_file,
)
from tillway.api.asgi import App, Receive, Scope, Send
from tillway.assembly.hub import Hub, open_hub
from tillway.assembly.operations import HubOperations
from tillway.assembly.preparing import message_ids, preparations, worker_count
from tillway.clock import SystemClock
from tillway.console import console_app, forward_to
from tillway.errors import TillwayError
from tillway.gateway import Gateway, Server, serve
from tillway.gateway.app import Probe
from tillway.intake import Crew, Preparation, fork_workers
from tillway.project.records import Release

READY_SECONDS = 5.0
IDLE_SECONDS = 30.0
YOUNG_OBJECTS = 10_000
"""Made and not yet freed before Python looks for cycles among them; its own 700 is one message."""
"""How long a timed run may take to deliver what it can before it stops anyway."""


@dataclass(slots=True)
class Doorway:
    """The listening half of a hub."""

    gateway: Gateway
    server: Server

    async def close(self) -> None:
        """Refuse at the doors, finish the requests in hand, and stop listening."""
        self.gateway.close_doors()
        await self.server.close()


def forked_crew(release: Release) -> Crew:
    """Fork the workers of a hub; call it before the event loop starts and anything is open."""

    def prepare() -> dict[str, Preparation]:
        # Each worker has its own maker of ids: a copy of one would give the same ids twice.
        return preparations(release, SystemClock(), message_ids())

    return Crew(fork_workers(worker_count(release.hub), prepare))


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
    hub = await open_hub(release, crew=crew)
    await hub.start()
    doorway = await open_doorway(hub)
    address = f"http://{doorway.server.host}:{doorway.server.port}"
    _rarely_collect()
    started(address)
    end = asyncio.create_task(_end(seconds))
    failed = asyncio.create_task(hub.failed())
    stopped = asyncio.create_task(hub.delivery.watch())
    done, _ = await asyncio.wait({end, failed, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (end, failed, stopped):
        task.cancel()
    if failed in done:
        raise failed.result()
    if stopped in done:
        stopped.result()
    await doorway.close()
    if seconds is not None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hub.delivery.idle(), IDLE_SECONDS)
    await hub.stop()
    remove_hub_file(release.folder)


def _rarely_collect() -> None:
    """Leave what stays for the life of the hub out of every search for cyclic garbage."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


async def open_doorway(hub: Hub) -> Doorway:
    """Listen at the project's address and write down where, for the command line."""
    release = hub.release
    token = new_token()
    gateway = Gateway(
        hub.doors,
        alive=_alive(hub),
        ready=_ready(hub),
        fallback=_pages(hub, token),
    )
    server = await serve(gateway, release.hub.listen_host, release.hub.listen_port)
    write_hub_file(
        release.folder, HubAddress(release.hub.listen_host, server.port, os.getpid(), token)
    )
    return Doorway(gateway, server)


def _pages(hub: Hub, token: str) -> App:
    """Return the app behind the doors: the API under /api/, the console everywhere else."""
    release, journal = hub.release, hub.journal
    snapshot = Snapshot(journal, release, hub.clock)
    operations = HubOperations(hub)
    api = api_app(
        Questions(journal, release, snapshot, hub.clock),
        Changes(operations, journal, release),
        token=token,
    )
    console = console_app(
        reader=journal,
        release=release,
        snapshot=snapshot,
        operations=operations,
        clock=hub.clock,
        dev=forward_to(release.hub.dev_control) if release.hub.dev_control else None,
    )

    async def pages(scope: Scope, receive: Receive, send: Send) -> None:
        app = api if scope["path"].startswith("/api/") else console
        await app(scope, receive, send)

    return pages


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


async def _end(seconds: float | None) -> None:
    """Return when a signal asks to stop, or the time is over."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asked.wait(), seconds)
