"""Joins the watch to a hub: what only the running process knows, told anew at each look."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from tillway.assembly.backup_memory import last_backup
from tillway.assembly.certificates import certificates
from tillway.clock import MICROSECONDS
from tillway.errors import JournalFault, Refused
from tillway.watch import HubFacts, Spool, Watch

if TYPE_CHECKING:
    from tillway.assembly.hub import Hub

LEAVING_SECONDS = 0.3
"""How long a hub whose journal failed may take to say so."""
LOOPBACK = ("127.", "::1", "localhost")


def watch_over(hub: Hub, new_id: Callable[[], str]) -> Watch:
    """Return the watch over a hub; nothing is read before it is opened."""
    spool = Spool.beside(hub.journal.path)
    return Watch(hub.release, hub.journal, hub.clock, spool, lambda: facts_of(hub), new_id)


def facts_of(hub: Hub) -> HubFacts:
    """Return what the process knows about itself now."""
    path = hub.journal.path
    disk = shutil.disk_usage(path.parent)
    backup = last_backup(path)
    log = path.with_name(f"{path.name}-wal")
    return HubFacts(
        intake_closed="" if hub.stopping.is_set() else _closed(hub),
        fault=str(hub.journal.fault or ""),
        audit_broken=hub.notary.broken,
        disk_free=disk.free,
        disk_total=disk.total,
        journal_bytes=path.stat().st_size if path.exists() else 0,
        wal_bytes=log.stat().st_size if log.exists() else 0,
        backup_at=round(backup.taken_at.timestamp() * MICROSECONDS) if backup else 0,
        certificates=certificates(hub.release),
        held_lanes={one.route: one.held_lanes for one in hub.delivery.snapshot().routes},
        timings=hub.journal.take_timings(),
        guarded=not hub.release.hub.listen_host.startswith(LOOPBACK),
    )


async def tell_fault(hub: Hub, fault: JournalFault) -> None:
    """Tell of a failed journal in the moment that is left; what is not sent waits in the spool."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(LEAVING_SECONDS):
            await hub.watch.tell_fault(fault)


def _closed(hub: Hub) -> str:
    try:
        hub.gate.check()
    except Refused as refusal:
        return refusal.detail
    return ""
