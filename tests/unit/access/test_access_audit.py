"""The audit chain: what was done stands as it was signed, and every way of changing it is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from tillway.access import AuditFiles, AuditVerdict, Notary, check_audit, read_public
from tillway.access.checkpoints import newest_checkpoint, read_checkpoints
from tillway.clock import ManualClock
from tillway.errors import ConfigurationError, all_codes
from tillway.journal.base import Action, Settlement
from tillway.journal.chain import link
from tillway.journal.sqlite import SqliteJournal, open_sqlite
from tillway.journal.sqlite_queries import open_queries

ENTRIES = 9
SIGNED_EACH = 3


def action(number: int) -> Action:
    """Return what somebody did."""
    return Action(1_000 + number, "ada", "retry", f"pos-to-erp/{number}", "the ERP is back")


async def act(journal: SqliteJournal, first: int, count: int) -> None:
    """Let somebody do so many things in one commit."""
    actions = [action(number) for number in range(first, first + count)]
    await journal.settle(Settlement("", actions=actions))


async def signed(path: Path) -> None:
    """Make a journal of nine entries with a checkpoint after each third."""
    journal = await open_sqlite(path)
    notary = await Notary.open(journal, path, ManualClock())
    for first in range(1, ENTRIES + 1, SIGNED_EACH):
        await act(journal, first, SIGNED_EACH)
        await notary.sign()
    await journal.close()


async def checked(path: Path, *trusted: bytes) -> AuditVerdict:
    """Return the verdict over a journal that no hub holds."""
    queries = open_queries(path)
    try:
        return await check_audit(queries, AuditFiles.beside(path), trusted)
    finally:
        await queries.close()


@contextmanager
def inside(path: Path) -> Iterator[apsw.Connection]:
    """Open the file as somebody would who can write to it."""
    db = apsw.Connection(str(path))
    yield db
    db.close()


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """Give a journal whose chain is signed to its end."""
    await signed(tmp_path / "journal.db")
    return tmp_path / "journal.db"


async def test_an_untouched_chain_holds(path: Path) -> None:
    """Every entry is vouched for; the key of the state folder is known by its fingerprint."""
    verdict = await checked(path)
    assert verdict.holds
    assert (verdict.entries, verdict.signed, verdict.first_bad) == (ENTRIES, ENTRIES, None)
    assert len(verdict.key) == 16
    public = read_public(AuditFiles.beside(path).public_key)
    assert (await checked(path, public)).holds


async def test_entries_after_the_newest_checkpoint_are_no_fault(path: Path) -> None:
    """A crash may come before the signature; the next start signs what it left."""
    journal = await open_sqlite(path)
    await act(journal, 10, 2)
    await journal.close()
    verdict = await checked(path)
    assert (verdict.holds, verdict.entries, verdict.signed) == (True, 11, ENTRIES)
    journal = await open_sqlite(path)
    await Notary.open(journal, path, ManualClock())
    await journal.close()
    assert (await checked(path)).signed == 11


def rehash(db: apsw.Connection, number: int) -> None:
    """Give the entry the link that fits its content, as somebody who knows the method would."""
    before = db.execute("SELECT link FROM action WHERE action_id = ?", (number - 1,)).get
    row = db.execute(
        "SELECT at, who, verb, subject, reason FROM action WHERE action_id = ?", (number,)
    ).get
    fresh = link(before or bytes(32), number, Action(*row))
    db.execute("UPDATE action SET link = ? WHERE action_id = ?", (fresh, number))


def rewrite(db: apsw.Connection) -> None:
    """Change entry 5 and link everything after it anew."""
    db.execute("UPDATE action SET who = 'eve' WHERE action_id = 5")
    for number in range(5, ENTRIES + 1):
        rehash(db, number)


def change_and_rehash(db: apsw.Connection) -> None:
    """Change entry 6, after which there is a checkpoint, with its link."""
    db.execute("UPDATE action SET who = 'eve' WHERE action_id = 6")
    rehash(db, 6)


def insert(db: apsw.Connection) -> None:
    """Put an entry that fits between the fourth and the fifth: the next one does not follow."""
    db.execute("UPDATE action SET action_id = -action_id WHERE action_id > 4")
    db.execute("UPDATE action SET action_id = 1 - action_id WHERE action_id < 0")
    db.execute("INSERT INTO action VALUES (5, 1004, 'eve', 'retry', 's', 'r', x'00')")
    rehash(db, 5)


def remove_and_close_up(db: apsw.Connection) -> None:
    """Take entry 4 out and give the others its number."""
    db.execute("DELETE FROM action WHERE action_id = 4")
    db.execute("UPDATE action SET action_id = -action_id WHERE action_id > 4")
    db.execute("UPDATE action SET action_id = -action_id - 1 WHERE action_id < 0")


def exchange(db: apsw.Connection) -> None:
    """Let entries 2 and 7 change places."""
    db.execute("UPDATE action SET action_id = -2 WHERE action_id = 2")
    db.execute("UPDATE action SET action_id = 2 WHERE action_id = 7")
    db.execute("UPDATE action SET action_id = 7 WHERE action_id = -2")


def cut(db: apsw.Connection) -> None:
    """Take the last three entries, and the checkpoint that knows of them."""
    db.execute("DELETE FROM action WHERE action_id > 6")
    db.execute("DELETE FROM audit_checkpoint WHERE count > 6")


@pytest.mark.parametrize(
    ("tamper", "first_bad", "code"),
    [
        ("UPDATE action SET reason = 'no reason' WHERE action_id = 5", 5, "TW-8311"),
        ("UPDATE action SET at = at + 1 WHERE action_id = 1", 1, "TW-8311"),
        ("UPDATE action SET link = zeroblob(32) WHERE action_id = 9", 9, "TW-8311"),
        ("UPDATE action SET who = CAST(x'ff' AS TEXT) WHERE action_id = 3", 3, "TW-8311"),
        ("DELETE FROM action WHERE action_id = 4", 4, "TW-8312"),
        ("DELETE FROM action WHERE action_id < 4", 1, "TW-8312"),
        ("DELETE FROM action WHERE action_id > 7", 8, "TW-8313"),
        ("DELETE FROM action", 1, "TW-8313"),
        ("UPDATE audit_checkpoint SET at = at + 1 WHERE count = 6", 6, "TW-8315"),
        ("UPDATE audit_checkpoint SET count = 8 WHERE count = 9", 8, "TW-8315"),
        ("DELETE FROM audit_checkpoint WHERE count = 9", 9, "TW-8316"),
        (rewrite, 4, "TW-8314"),
        (change_and_rehash, 4, "TW-8314"),
        (insert, 6, "TW-8311"),
        (remove_and_close_up, 4, "TW-8311"),
        (exchange, 2, "TW-8311"),
        (cut, 7, "TW-8313"),
    ],
)
async def test_what_was_changed_is_found_at_its_first_place(
    path: Path, tamper: str | Callable[[apsw.Connection], None], first_bad: int, code: str
) -> None:
    """A change, a hole, another order, a cut or a rewritten end: each names where trust ends."""
    with inside(path) as db:
        if callable(tamper):
            tamper(db)
        else:
            db.execute(tamper)
    verdict = await checked(path)
    assert verdict.first_bad == first_bad
    assert code in {finding.code for finding in verdict.findings}
    assert code in all_codes()


async def test_entries_before_a_break_that_nothing_vouches_for_are_told(path: Path) -> None:
    """A link made anew is seen at the next entry, unless a checkpoint stands between."""
    with inside(path) as db:
        insert(db)
    verdict = await checked(path)
    assert verdict.signed == 3
    assert "entries 4 to 5 are vouched for by no checkpoint" in verdict.findings[0].text


async def test_a_checkpoint_that_is_gone_or_damaged_outside_is_found(path: Path) -> None:
    """The file beside the journal is half of the proof."""
    file = AuditFiles.beside(path).checkpoint
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    assert {one.code for one in (await checked(path)).findings} == {"TW-8315"}
    file.unlink()
    assert {one.code for one in (await checked(path)).findings} == {"TW-8316"}


async def test_a_chain_signed_with_another_key_is_found_by_a_key_kept_elsewhere(
    path: Path, tmp_path: Path
) -> None:
    """Who can write everything can sign anew, but not with the auditor's key."""
    kept = read_public(AuditFiles.beside(path).public_key)
    files = AuditFiles.beside(path)
    for file in (files.private_key, files.public_key, files.checkpoint):
        file.unlink()
    with inside(path) as db:
        rewrite(db)
        db.execute("DELETE FROM audit_checkpoint")
    journal = await open_sqlite(path)
    await Notary.open(journal, path, ManualClock())
    await journal.close()
    assert (await checked(path)).holds
    verdict = await checked(path, kept)
    assert {finding.code for finding in verdict.findings} == {"TW-8315"}
    assert verdict.signed == 0


async def test_the_notary_signs_nothing_that_contradicts_what_was_signed(path: Path) -> None:
    """After a cut the checkpoint stays as evidence, however often the hub starts and goes on."""
    evidence = AuditFiles.beside(path).checkpoint.read_bytes()
    with inside(path) as db:
        cut(db)
    for first in (7, 8):
        journal = await open_sqlite(path)
        notary = await Notary.open(journal, path, ManualClock())
        await act(journal, first, 1)
        assert await notary.sign() is None
        await journal.close()
    assert AuditFiles.beside(path).checkpoint.read_bytes() == evidence
    verdict = await checked(path)
    assert (verdict.first_bad, verdict.signed) == (9, 6)
    assert "entries 7 to 8 are vouched for by no checkpoint" in verdict.findings[0].text


async def test_the_notary_does_not_replace_a_forged_checkpoint(path: Path) -> None:
    """A checkpoint without a good signature is evidence too."""
    file = AuditFiles.beside(path).checkpoint
    file.write_bytes(file.read_bytes().replace(b'"count":9', b'"count":6'))
    forged = file.read_bytes()
    journal = await open_sqlite(path)
    notary = await Notary.open(journal, path, ManualClock())
    await act(journal, 10, 1)
    assert await notary.sign() is None
    await journal.close()
    assert file.read_bytes() == forged


async def test_a_new_key_is_a_stranger_to_older_checkpoints_only(path: Path) -> None:
    """On another machine there is another key: the chain holds, and the older key is named."""
    files = AuditFiles.beside(path)
    older = read_public(files.public_key)
    for file in (files.private_key, files.public_key, files.checkpoint):
        file.unlink()
    assert (await checked(path)).key == ""
    journal = await open_sqlite(path)
    notary = await Notary.open(journal, path, ManualClock())
    await act(journal, 10, 1)
    await notary.sign()
    await journal.close()
    verdict = await checked(path)
    assert (verdict.holds, verdict.signed, len(verdict.strangers)) == (True, 10, 1)
    both = (older, read_public(files.public_key))
    assert (await checked(path, *both)).strangers == ()


async def test_the_key_is_made_once_and_for_its_owner_alone(path: Path) -> None:
    """A key that others may read is refused, and so is a file that is no key."""
    private = AuditFiles.beside(path).private_key
    assert private.stat().st_mode & 0o777 == 0o600
    content = private.read_bytes()
    journal = await open_sqlite(path)
    await Notary.open(journal, path, ManualClock())
    assert private.read_bytes() == content
    private.chmod(0o640)
    with pytest.raises(ConfigurationError) as told:
        await Notary.open(journal, path, ManualClock())
    assert told.value.code == "TW-8301"
    private.chmod(0o600)
    private.write_text("no key")
    with pytest.raises(ConfigurationError) as told:
        await Notary.open(journal, path, ManualClock())
    assert told.value.code == "TW-8302"
    await journal.close()


async def test_a_checkpoint_is_kept_for_every_head_that_was_signed(path: Path) -> None:
    """The journal keeps them all, the file the newest; nothing is signed twice."""
    journal = await open_sqlite(path)
    notary = await Notary.open(journal, path, ManualClock())
    assert await notary.sign() == await newest_checkpoint(journal)
    kept = await read_checkpoints(journal)
    await journal.close()
    assert [one.count for one in kept] == [0, 3, 6, 9]
    assert all(one.is_genuine for one in kept)
    assert AuditFiles.beside(path).read_checkpoint() == kept[-1]


async def test_the_notary_of_a_running_hub_signs_within_a_look(tmp_path: Path) -> None:
    """What a person does is signed when the clock has moved by one look."""
    path = tmp_path / "journal.db"
    journal = await open_sqlite(path)
    notary = await Notary.open(journal, path, ManualClock())
    await act(journal, 1, 1)
    await notary.sign_if_possible()
    await journal.close()
    assert (await checked(path)).signed == 1
