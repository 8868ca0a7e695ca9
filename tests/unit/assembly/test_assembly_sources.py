"""How the hub sets a source going: a door, a poller, or one that is both."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tillway.assembly import hub as hub_room
from tillway.assembly import preparing
from tillway.assembly.hub import is_pull, is_push, open_hub
from tillway.clock import ManualClock
from tillway.connect import Answer, Hint, Registration, SourceContext
from tillway.project.records import HubSettings, Masking, Release, SourceRecord


class _Settings(msgspec.Struct):
    """No settings."""


class Door:
    """A source that others call; it leaves a hint per call."""

    path = "/in/vendor"
    max_body_bytes = 1000

    def __init__(self, context: SourceContext) -> None:
        self.context = context

    async def receive(self, request: Any, _intake: Any) -> Answer:
        """Store a hint."""
        event_id = request.decode()
        hint = Hint(event_id=event_id, object_type="order", object_id="or-1")
        await self.context.hints.put(hint)
        return Answer(200, b"")

    async def ping(self) -> None:
        """Nothing to reach."""


class Poller:
    """A source that fetches; it notes what it found waiting."""

    def __init__(self, context: SourceContext) -> None:
        self.context = context
        self.found: list[str] = []
        self.ran = asyncio.Event()
        self.took = asyncio.Event()

    async def run(self, _intake: Any, stop: asyncio.Event) -> None:
        """Take every hint once."""
        self.ran.set()
        while not stop.is_set():
            for position, hint in await self.context.hints.waiting(10):
                self.found.append(hint.event_id)
                await self.context.hints.done(position)
                self.took.set()
            await asyncio.sleep(0)

    async def ping(self) -> None:
        """Nothing to reach."""


class Both(Door, Poller):
    """A door whose own poller fetches what the door was told of."""

    def __init__(self, context: SourceContext) -> None:
        Poller.__init__(self, context)


@pytest.fixture
def connectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the three as connectors; the one that is both masks as Square does."""
    known = {
        made.__name__.lower(): Registration(
            made.__name__.lower(),
            "test",
            masking=("square",) if made is Both else (),
            source_settings=_Settings,
            make_source=lambda _settings, context, made=made: made(context),
        )
        for made in (Door, Poller, Both)
    }
    for room in (hub_room, preparing):
        monkeypatch.setattr(room, "connector", known.__getitem__)


def _release(folder: Path, *names: str) -> Release:
    key = "a key of more than sixteen bytes"
    settings = HubSettings("demo", pseudonym_key=key, disk_floor_bytes=0)
    sources = {name: SourceRecord(name, name, "json", {}, "none", {}, ()) for name in names}
    return Release("r1", folder, settings, sources, {}, {}, {}, {}, {}, {}, {})


def test_a_source_may_be_both() -> None:
    """A door is called, a poller runs, and one may do both."""
    both = Both(context=None)  # type: ignore[arg-type]
    assert (is_push(both), is_pull(both)) == (True, True)
    assert (is_push(Poller(None)), is_pull(Door(None))) == (False, False)  # type: ignore[arg-type]


@pytest.mark.usefixtures("connectors")
async def test_doors_are_mounted_and_pollers_run(tmp_path: Path) -> None:
    """What is both is mounted and runs, and its poller gets what its door was told."""
    hub = await open_hub(_release(tmp_path, "door", "poller", "both"), clock=ManualClock())
    assert [type(source) for source, _ in hub.doors] == [Door, Both]
    await hub.start()
    both, door, poller = (hub.sources[name] for name in ("both", "door", "poller"))
    assert isinstance(both, Both)
    assert isinstance(door, Door)
    assert isinstance(poller, Poller)
    async with asyncio.timeout(10):
        await both.ran.wait()
        await poller.ran.wait()
        await both.receive(b"ev-1", None)
        await both.receive(b"ev-1", None)
        await door.receive(b"ev-2", None)
        await both.took.wait()
    assert (both.found, poller.found) == (["ev-1"], [])
    await hub.stop()


@pytest.mark.usefixtures("connectors")
def test_each_source_is_masked_by_the_lists_of_its_connector(tmp_path: Path) -> None:
    """The vendor's list holds for its source alone; the list that always holds, for all."""
    release = _release(tmp_path, "door", "both")
    record = {"bin": "411111", "first_name": "Ada"}
    masked = {
        name: preparing.masker(source, release).mask(record)[0]
        for name, source in release.sources.items()
    }
    assert masked == {"door": {"bin": "411111"}, "both": {}}


@pytest.mark.usefixtures("connectors")
def test_a_system_file_adds_to_what_is_masked(tmp_path: Path) -> None:
    """Lists, names to leave out, and names of numbers that are no cards."""
    release = _release(tmp_path, "door")
    more = Masking(lists=("stripe",), drop=("clerk",), item_fields=("shelf",))
    source = replace(release.sources["door"], masking=more)
    record = {"iin": "411111", "clerk": "Ada", "shelf": "4111111111111111", "note": "x"}
    plain, _ = preparing.masker(release.sources["door"], release).mask(record)
    masked, _ = preparing.masker(source, release).mask(record)
    assert plain == {**record, "shelf": "****1111"}
    assert masked == {"shelf": "4111111111111111", "note": "x"}
