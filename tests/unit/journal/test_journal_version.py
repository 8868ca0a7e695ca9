"""A journal of an older version is brought up to date; one of another version is told, not read."""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import pytest

from tillway.errors import ConfigurationError, code_record
from tillway.journal.base import Action, Settlement
from tillway.journal.chain import ORIGIN, AuditEntry, link
from tillway.journal.sqlite import open_sqlite
from tillway.journal.sqlite_queries import open_queries
from tillway.journal.statements import sql_file
from tillway.testing.journal import candidate
from tillway.testing.journal_objects import hint, superseded, version

TO_VERSION_1 = """
DROP INDEX message_object; DROP INDEX message_natural_key; DROP INDEX message_hint;
DROP INDEX message_object_id; DROP INDEX message_run; DROP INDEX message_odd_key;
ALTER TABLE message DROP COLUMN object_id;
ALTER TABLE message DROP COLUMN register_epoch;
ALTER TABLE message ADD COLUMN revision_text TEXT NOT NULL DEFAULT '';
UPDATE message SET revision_text = coalesce(revision, '');
ALTER TABLE message DROP COLUMN revision;
ALTER TABLE message DROP COLUMN object_digest;
ALTER TABLE message DROP COLUMN superseded_by;
ALTER TABLE message RENAME COLUMN revision_text TO revision;
ALTER TABLE action DROP COLUMN link;
UPDATE schema_version SET version = 1
"""


async def _journal_of_version_1(path: Path) -> None:
    journal = await open_sqlite(path)
    await journal.append([candidate(1), version("or-1", 2), candidate(1, epoch=12)])
    await journal.close()
    db = apsw.Connection(str(path))
    db.execute(TO_VERSION_1)
    db.close()


def _set_version(path: Path, number: int) -> None:
    db = apsw.Connection(str(path))
    db.execute("UPDATE schema_version SET version = ?", (number,))
    db.close()


async def test_an_older_journal_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its messages are there with their revisions, and new ones are stored beside them."""
    path = tmp_path / "journal.db"
    await _journal_of_version_1(path)
    journal = await open_sqlite(path)
    await journal.append([version("or-2", 3), version("or-2", 1), candidate(1)])
    found = superseded(await journal.read(0, 10))
    await journal.close()
    assert found == [(None, None), (2, None), (None, None), (3, None), (1, 3)]


async def test_numbers_of_an_older_journal_know_the_run_of_their_counter(tmp_path: Path) -> None:
    """It stood at the end of the key alone; a key without it belongs to the first run."""
    path = tmp_path / "journal.db"
    await _journal_of_version_1(path)
    journal = await open_sqlite(path)
    epochs = [message.envelope.register_epoch for message in await journal.read(0, 10)]
    runs = [(one.register_epoch, one.count) for one in await journal.sequences()]
    await journal.close()
    assert epochs == [0, 0, 12]
    assert runs == [(0, 1), (12, 1)]


async def test_what_people_did_in_an_older_journal_is_linked(tmp_path: Path) -> None:
    """Its audit log becomes a chain from the first entry on, and new entries follow it."""
    path = tmp_path / "journal.db"
    old = [Action(number, "ada", "retry", f"erp/{number}", "it is back") for number in range(1, 6)]
    journal = await open_sqlite(path)
    await journal.settle(Settlement("", actions=old[:4]))
    await journal.close()
    db = apsw.Connection(str(path))
    db.execute(TO_VERSION_1)
    db.close()
    journal = await open_sqlite(path)
    await journal.settle(Settlement("", actions=old[4:]))
    entries = await journal.audit_entries(0, 10)
    await journal.close()
    head = ORIGIN
    for number, action in enumerate(old, start=1):
        head = link(head, number, action)
        assert entries[number - 1] == AuditEntry(number, action, head)


async def test_an_older_journal_is_not_read_beside(tmp_path: Path) -> None:
    """A reader may not change it, so it says what to do."""
    path = tmp_path / "journal.db"
    await _journal_of_version_1(path)
    queries = open_queries(path)
    with pytest.raises(ConfigurationError) as told:
        await queries.last_position()
    await queries.close()
    assert told.value.code == "TW-5102"
    assert "tillway run" in code_record(told.value.code).advice


async def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    """A Tillway that does not know its tables neither writes nor reads them."""
    path = tmp_path / "journal.db"
    await _journal_of_version_1(path)
    _set_version(path, 99)
    with pytest.raises(ConfigurationError) as told:
        await open_sqlite(path)
    assert told.value.code == "TW-5102"
    _set_version(path, 1)
    await (await open_sqlite(path)).close()


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("read.hints", "message_hint"),
        ("search.find_object", "message_natural_key"),
        ("search.find_object", "message_object_id"),
        ("search.find_key", "message_sequence"),
        ("search.find_name", "message_name"),
        ("search.find_name", "message_odd_key"),
        ("read.newest_revisions", "COVERING INDEX message_object"),
    ],
)
async def test_what_is_asked_often_is_asked_of_an_index(
    tmp_path: Path, name: str, index: str
) -> None:
    """The cost of hints, of an object, a key and its revisions does not grow with the journal."""
    file, _, statement = name.partition(".")
    plan = await _plan(tmp_path, f"{file}.sql", statement, "message.position")
    assert index in plan
    assert "SCAN message" not in plan


async def test_the_newest_revision_is_asked_of_an_index(tmp_path: Path) -> None:
    """A message with a revision costs one look into the index of objects."""
    plan = await _plan(tmp_path, "append.sql", "newest_revisions", "")
    assert "COVERING INDEX message_object" in plan


async def test_numbered_receipts_stand_in_no_index_of_objects(tmp_path: Path) -> None:
    """What every till sends pays nothing for what few systems need; objects do stand there."""
    path = tmp_path / "journal.db"
    journal = await open_sqlite(path)
    await journal.append([candidate(number) for number in range(1, 5)])
    await journal.append([version("or-1", 1), hint(1)])
    await journal.close()
    db = apsw.Connection(str(path))
    counts = [
        db.execute(f"SELECT count(*) FROM message INDEXED BY {index} WHERE {where}").get
        for index, where in (
            ("message_object", "object_digest IS NOT NULL"),
            ("message_natural_key", "sequence_number IS NULL"),
            ("message_object_id", "object_id <> ''"),
            ("message_odd_key", "sequence_number IS NOT NULL AND workstation = ''"),
            ("message_run", "register_epoch > 0"),
            ("message_hint", "message_type = 'source.hint'"),
        )
    ]
    db.close()
    assert counts == [1, 2, 0, 0, 0, 1]


async def _plan(folder: Path, file: str, name: str, columns: str) -> str:
    path = folder / "journal.db"
    await (await open_sqlite(path)).close()
    text = sql_file(file).split(f"-- name: {name}\n")[1].split("-- name:")[0]
    text = text.replace(":columns", columns).replace(":digests", "?, ?")
    holes = len(set(re.findall(r"\?\d+", text))) or text.count("?")
    db = apsw.Connection(str(path))
    plan = "\n".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {text}", (None,) * holes))
    db.close()
    return plan
