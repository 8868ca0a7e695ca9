"""The hub watches the room on its disk: it warns, shuts intake at the floor, and opens it again."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tillway.assembly.hub import DISK_CHECK_SECONDS, open_hub
from tillway.clock import ManualClock
from tillway.project.records import HubSettings, Release

TOTAL, FLOOR = 1000, 50


async def test_room_that_gets_short_is_told_once_and_intake_stops_at_the_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Below a fifth it is said once; below the floor intake is shut until there is room again."""
    room = SimpleNamespace(total=TOTAL, free=TOTAL)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: room)
    settings = HubSettings("demo", pseudonym_key="x" * 32, disk_floor_bytes=FLOOR)
    release = Release("r1", tmp_path, settings, {}, {}, {}, {}, {}, {}, {}, {})
    clock = ManualClock()
    hub = await open_hub(release, clock=clock)
    await hub.start()
    caplog.set_level(logging.WARNING, "tillway.assembly.hub")
    seen = []
    for free in (300, 190, 180, FLOOR - 1, FLOOR, 300):
        room.free = free
        await clock.advance(DISK_CHECK_SECONDS)
        seen.append((hub.gate.is_open, sum("of the disk" in one for one in caplog.messages)))
    await hub.stop()
    assert seen == [(True, 0), (True, 1), (True, 1), (False, 1), (True, 1), (True, 1)]
