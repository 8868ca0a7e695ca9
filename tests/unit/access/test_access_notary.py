"""The notary looks at the whole chain now and then, and signs with its own key what another did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tillway.access import AuditVerdict, Notary
from tillway.access.notary import CHECK_SECONDS, LOOK_SECONDS
from tillway.clock import ManualClock
from tillway.journal.sqlite import open_sqlite
from unit.access.test_access_audit import ENTRIES, checked, inside, signed


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Give a journal whose chain is signed to its end."""
    await signed(tmp_path / "journal.db")
    return tmp_path / "journal.db"


def change(path: Path) -> None:
    """Change an old entry, which signing the newest ones never looks at."""
    with inside(path) as db:
        db.execute("UPDATE action SET who = 'eve' WHERE action_id = 2")


@asynccontextmanager
async def notary_of(path: Path, clock: ManualClock) -> AsyncIterator[Notary]:
    """Open the notary of a journal, as a hub does."""
    journal = await open_sqlite(path)
    try:
        yield await Notary.open(journal, path, clock)
    finally:
        await journal.close()


async def test_a_check_finds_what_signing_does_not_look_at(path: Path) -> None:
    """An old entry that was changed is `broken` from then on; signing alone never noticed."""
    async with notary_of(path, ManualClock()) as notary:
        assert (await notary.check()).holds
        assert notary.broken == ""
        change(path)
        assert await notary.sign()
        assert notary.broken == "", "the control: signing looks at what is new"
        verdict = await notary.check()
        assert (verdict.holds, verdict.first_bad) == (False, 2)
        assert "entry 2 was changed" in notary.broken


async def test_the_whole_chain_is_checked_at_the_start_and_every_hour(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask: the notary of a running hub looks by itself, and not at every look."""
    clock, looked, checks = ManualClock(), asyncio.Event(), 0
    real = Notary.check

    async def counted(self: Notary) -> AuditVerdict:
        nonlocal checks
        checks += 1
        found = await real(self)
        looked.set()
        return found

    monkeypatch.setattr(Notary, "check", counted)
    async with notary_of(path, clock) as notary, asyncio.timeout(60):
        running = asyncio.create_task(notary.run())
        await looked.wait()
        looked.clear()
        change(path)
        while not looked.is_set():
            await clock.advance(LOOK_SECONDS)
            await asyncio.sleep(0)
        running.cancel()
        assert notary.broken
    assert checks == 2
    assert clock.monotonic() >= CHECK_SECONDS


async def test_what_another_key_signed_is_signed_anew(path: Path) -> None:
    """A journal on another machine is vouched for by that machine's key from its start on."""
    files = sorted(path.parent.glob("audit.*"))
    assert len(files) == 3
    for file in files:
        file.unlink()
    async with notary_of(path, ManualClock()) as notary:
        assert (await notary.check()).holds
    verdict = await checked(path)
    assert (verdict.holds, verdict.signed) == (True, ENTRIES)
