"""The live stream says that something changed, resumes where it broke off, and ends cleanly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tillway.api.asgi import Reply, call_of, send_reply
from tillway.api.stream import EVENTS, Live
from tillway.clock import ManualClock, settle
from tillway.errors import Refused


class Ear:
    """One listener: what was sent to it, and when it has gone."""

    def __init__(self, live: Live, last: str = "") -> None:
        self._live = live
        self._gone = asyncio.Event()
        headers = [(b"last-event-id", last.encode())] if last else []
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
        self.call = call_of(scope, self._receive)
        self.text = ""
        self.ended = False
        self.beaten = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def listen(self) -> Ear:
        """Begin to listen."""
        reply = await self._live.stream(self.call)
        self.task = asyncio.create_task(self._run(reply))
        await settle()
        return self

    def leave(self) -> None:
        """Close the line."""
        self._gone.set()

    @property
    def events(self) -> list[str]:
        """Return the names of the events heard."""
        lines = self.text.splitlines()
        return [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]

    @property
    def last(self) -> str:
        """Return the id of the last event heard."""
        lines = self.text.splitlines()
        return [line.removeprefix("id: ") for line in lines if line.startswith("id: ")][-1]

    async def _run(self, reply: Reply) -> None:
        await send_reply(self._send, reply, self._receive)

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.text += message.get("body", b"").decode()
        if ": beat" in self.text:
            self.beaten.set()
        self.ended = message["type"] == "http.response.body" and not message["more_body"]


class Newsroom:
    """A stream whose news the test makes."""

    def __init__(self, **more: Any) -> None:
        self.seen: dict[Any, Any] = dict.fromkeys(EVENTS, 0)
        self.live = Live(self._look, ManualClock(), **more)

    async def tell(self, *events: str) -> None:
        """Let something change."""
        for event in events:
            self.seen[event] += 1
        await self.live.look()
        await settle()

    async def _look(self) -> dict[Any, Any]:
        return dict(self.seen)


@pytest.fixture
async def room() -> Newsroom:
    """Give a stream that has looked once."""
    made = Newsroom()
    await made.live.look()
    return made


async def test_a_listener_is_told_everything_once_then_only_news(room: Newsroom) -> None:
    """At first each event, afterwards what changed, with a version that rises."""
    ear = await Ear(room.live).listen()
    assert sorted(ear.events) == sorted(EVENTS)
    await room.tell("problems")
    await room.tell()
    await room.tell("problems", "alerts")
    assert ear.events[3:] == ["problems", "problems", "alerts"]
    assert 'event: problems\ndata: {"version":2}' in ear.text
    ear.leave()
    assert ear.task is not None
    await ear.task
    assert room.live.listeners == 0


async def test_a_listener_that_comes_back_hears_what_it_missed(room: Newsroom) -> None:
    """The newest of each event after its Last-Event-ID, and nothing it knows."""
    first = await Ear(room.live).listen()
    await room.tell("status")
    first.leave()
    await settle()
    await room.tell("alerts")
    await room.tell("alerts")
    back = await Ear(room.live, first.last).listen()
    assert back.events == ["alerts"]
    assert 'data: {"version":2}' in back.text
    current = await Ear(room.live, back.last).listen()
    assert current.events == []
    assert current.text == ": beat\n\n"


@pytest.mark.parametrize("last", ["0badcafe-3", "nonsense", "-", "00000000-99999999999999999999"])
async def test_an_id_of_another_start_gets_everything(room: Newsroom, last: str) -> None:
    """A hub that was started anew cannot know what was missed."""
    ear = await Ear(room.live, last).listen()
    assert sorted(ear.events) == sorted(EVENTS)


async def test_a_comment_keeps_the_line_alive() -> None:
    """Nothing new for a while: a comment goes out, which a browser does not show."""
    room = Newsroom(beat_seconds=0.001)
    ear = await Ear(room.live).listen()
    async with asyncio.timeout(60):
        await ear.beaten.wait()
    ear.leave()


async def test_every_stream_ends_when_the_hub_leaves(room: Newsroom) -> None:
    """The end is a whole answer, and nobody gets in afterwards."""
    ears = [await Ear(room.live).listen() for _ in range(3)]
    room.live.stop()
    for ear in ears:
        assert ear.task is not None
        await ear.task
        assert ear.ended
    with pytest.raises(Refused) as refusal:
        await room.live.stream(ears[0].call)
    assert refusal.value.status == 503


async def test_there_is_an_end_to_listeners() -> None:
    """Beyond the limit a listener is told to come back; a place is free again when one leaves."""
    room = Newsroom(most_listeners=2)
    ears = [await Ear(room.live).listen() for _ in range(2)]
    with pytest.raises(Refused) as refusal:
        await Ear(room.live).listen()
    assert (refusal.value.code, refusal.value.status) == ("TW-7017", 503)
    ears[0].leave()
    await settle()
    assert (await Ear(room.live).listen()).events


async def test_nobody_looks_while_nobody_listens(room: Newsroom) -> None:
    """The journal is asked for news only while it interests somebody."""
    ear = await Ear(room.live).listen()
    assert room.live._looking is not None
    ear.leave()
    await settle()
    assert room.live._looking is None
