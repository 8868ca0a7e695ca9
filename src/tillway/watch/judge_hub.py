"""Rules about the hub itself: intake, journal, audit chain, clock, backup, and room on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tillway.clock import MICROSECONDS
from tillway.observe.moments import age_text, local_text
from tillway.watch.flows import HOUR, start_of
from tillway.watch.growth import days_left
from tillway.watch.scene import Scene, Sighting
from tillway.watch.windows import sums

HUB = "hub"
CERTIFICATE_DAYS = 30


async def intake_closed(scene: Scene) -> list[Sighting]:
    """Say why intake is closed."""
    why = scene.facts.intake_closed
    return [Sighting("IntakeClosed", HUB, f"the hub takes no messages: {why}")] if why else []


async def journal_fault(scene: Scene) -> list[Sighting]:
    """Say what the journal could not do."""
    why = scene.facts.fault
    return [Sighting("JournalFault", HUB, f"the journal failed: {why}", detail=why)] if why else []


async def audit_chain(scene: Scene) -> list[Sighting]:
    """Say why the audit chain is not signed any more."""
    why = scene.facts.audit_broken
    found = Sighting("AuditChainBroken", HUB, f"the audit chain is broken: {why}", detail=why)
    return [found] if why else []


async def clock_set_back(scene: Scene) -> list[Sighting]:
    """Say by how much the machine's clock was set back."""
    if scene.set_back_seconds <= scene.book.threshold("ClockSetBack") * 60:
        return []
    told = f"the clock of this machine was set back by {age_text(scene.set_back_seconds)}"
    return [Sighting("ClockSetBack", HUB, told)]


async def backup_old(scene: Scene) -> list[Sighting]:
    """Find a hub whose last backup is old; one that never made any is told when it is no trial."""
    at, limit = scene.facts.backup_at, scene.book.threshold("BackupOld") * 3600
    since = at or scene.recorder.since
    if scene.seconds_since(since) <= limit or not (at or scene.facts.guarded):
        return []
    age = age_text(scene.seconds_since(since))
    told = f"the last backup is {age} old" if at else f"no backup in {age} since the first start"
    return [Sighting("BackupOld", HUB, told, since=since)]


async def disk_days(scene: Scene) -> list[Sighting]:
    """Find what runs out: room on the disk, and certificates."""
    found = []
    left = await days_left(scene.journal, scene.now, scene.facts)
    if left is not None and left < scene.book.threshold("DiskDays"):
        full = local_text(
            scene.now + round(left * 86400 * MICROSECONDS), scene.release.hub.time_zone
        )[:10]
        yesterday = start_of(scene.ago(86400), HOUR)
        flows = await sums(scene.journal, HOUR, yesterday, scene.now)
        taken = sum(one.ok for flow, one in flows.items() if flow.startswith("source/"))
        found.append(
            Sighting(
                "DiskDays",
                "disk",
                f"the disk is full in {left:.0f} days, about {full}",
                count=taken,
                detail=f"{scene.facts.disk_free / 1e9:,.1f} GB are free, the journal has"
                f" {scene.facts.journal_bytes / 1e9:,.1f} GB",
            )
        )
    for name, ends in sorted(scene.facts.certificates.items()):
        days = (ends - scene.now) / (86400 * MICROSECONDS)
        if days < CERTIFICATE_DAYS:
            told = f"the certificate of {name} ends in {max(0, days):.0f} days"
            found.append(Sighting("DiskDays", f"certificate {name}", told))
    return found


JUDGES: Mapping[str, Any] = {
    "IntakeClosed": intake_closed,
    "JournalFault": journal_fault,
    "AuditChainBroken": audit_chain,
    "ClockSetBack": clock_set_back,
    "BackupOld": backup_old,
    "DiskDays": disk_days,
}
