"""Reading ahead: every accepted message once, in order, from memory or from the journal."""

import asyncio

from tillway.delivery.window import Window
from tillway.testing.delivery import Bench


class Pausing:
    """A journal whose read can be held up while commits go on."""

    def __init__(self, journal) -> None:
        self.journal = journal
        self.go_on = asyncio.Event()
        self.go_on.set()

    def subscribe(self, listener):
        """Listen to the journal."""
        return self.journal.subscribe(listener)

    async def read(self, after: int, limit: int):
        """Wait, then read what is there by then."""
        await self.go_on.wait()
        return await self.journal.read(after, limit)


class Late:
    """A journal that can be read at once, and tells of its commits only when asked to."""

    def __init__(self, journal) -> None:
        self.read = journal.read
        self._told = []
        journal.subscribe(self._told.append)

    def subscribe(self, listener):
        """Listen to what `tell` tells."""
        self._listener = listener
        return lambda: None

    def tell(self) -> None:
        """Tell of each commit since the last time."""
        while self._told:
            self._listener(self._told.pop(0))


async def drain(window: Window) -> list[int]:
    """Return the positions of everything that the window hands out."""
    found: list[int] = []
    while window.has_more:
        messages = window.take_tail() if window.is_live else await window.fetch()
        found += [message.position for message in messages]
    return found


async def test_what_is_committed_during_a_read_is_handed_out_once():
    """It is seen by the read and heard as well, and still comes once."""
    bench = Bench()
    journal = Pausing(bench.journal)
    window = Window(journal, 0, lambda: None)
    await bench.accept("1:1", "1:1")
    journal.go_on.clear()
    reading = asyncio.create_task(window.fetch())
    await asyncio.sleep(0)
    await bench.accept("1:1", "1:1")
    journal.go_on.set()
    assert [message.position for message in await reading] == [1, 2, 3, 4]
    await bench.accept("1:1")
    assert await drain(window) == [5]
    assert window.is_live


async def test_a_commit_that_is_heard_of_after_it_was_read_is_handed_out_once():
    """A reader may see a commit before the writer has told anybody of it."""
    bench = Bench()
    journal = Late(bench.journal)
    window = Window(journal, 0, lambda: None)
    await bench.accept("1:1", "1:1")
    assert [message.position for message in await window.fetch()] == [1, 2]
    assert window.is_live
    journal.tell()
    assert await drain(window) == []
    await bench.accept("1:1")
    journal.tell()
    assert await drain(window) == [3]
    assert window.newest == 3


async def test_a_tail_that_grew_too_long_is_read_from_the_journal(monkeypatch):
    """Nothing is lost and nothing comes twice when memory was not enough."""
    monkeypatch.setattr("tillway.delivery.window.TAIL_MESSAGES", 3)
    bench = Bench()
    window = Window(bench.journal, 0, lambda: None)
    assert await drain(window) == []
    for _ in range(5):
        await bench.accept("1:1", "1:1")
    assert not window.is_live
    assert await drain(window) == list(range(1, 11))
    await bench.accept("1:1")
    assert window.is_live
    assert await drain(window) == [11]


async def test_a_gap_during_the_read_is_noticed(monkeypatch):
    """When the tail overflows while the journal is read, the read does not count as the end."""
    monkeypatch.setattr("tillway.delivery.window.TAIL_MESSAGES", 1)
    bench = Bench()
    journal = Pausing(bench.journal)
    window = Window(journal, 0, lambda: None)
    journal.go_on.clear()
    reading = asyncio.create_task(window.fetch())
    await asyncio.sleep(0)
    await bench.accept("1:1", "1:1")
    journal.go_on.set()
    await reading
    await bench.accept("1:1", "1:1")
    assert window.position == 2
    assert await drain(window) == [3, 4]


async def test_a_closed_window_hears_nothing():
    """After closing, the journal keeps no reference to it."""
    bench = Bench()
    window = Window(bench.journal, 0, lambda: None)
    window.close()
    await bench.accept("1:1")
    assert bench.journal._listeners == []
    assert window.newest == 0
