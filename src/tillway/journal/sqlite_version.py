"""The version of the tables in a journal file: checked by readers, brought up to date by a writer.

`schema.sql` always describes the newest version; `migrate.sql` has one step from each older one.
"""

from __future__ import annotations

import apsw

from tillway.errors import ConfigurationError
from tillway.journal.sqlite_actions import link_older_actions
from tillway.journal.sqlite_books import fill_books
from tillway.journal.statements import sql_file, statements

VERSION = 5
LINKED_SINCE = 4
BOOKED_SINCE = 5


def bring_up_to_date(db: apsw.Connection) -> None:
    """Change the tables of an older journal, and make those that are missing.

    Runs inside the caller's transaction: a crash leaves the older version whole. Raises
    ConfigurationError TW-5102 for a newer journal.
    """
    found = _version(db)
    if found is None:
        db.execute(sql_file("schema.sql"))
        return
    if found > VERSION:
        raise _other_version(found)
    steps = statements("migrate.sql")
    for version in range(found + 1, VERSION + 1):
        db.execute(steps[f"to_{version}"])
        if version == LINKED_SINCE:
            link_older_actions(db)
    db.execute(sql_file("schema.sql"))
    if found < BOOKED_SINCE:
        fill_books(db)


def check_version(db: apsw.Connection) -> None:
    """Raise ConfigurationError TW-5102 unless the journal has the tables that are read here."""
    found = _version(db)
    if found != VERSION:
        raise _other_version(found or 0)


def _version(db: apsw.Connection) -> int | None:
    """Return the version of the tables, None for a file without any."""
    known = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").get
    if known is None:
        return None
    version: int | None = db.execute("SELECT max(version) FROM schema_version").get
    return version


def _other_version(found: int) -> ConfigurationError:
    return ConfigurationError(
        "TW-5102",
        f"the journal has version {found} of its tables, this Tillway reads {VERSION}",
        value=str(found),
    )
