"""The exit codes of every verb: a public interface, each with one meaning."""

from __future__ import annotations

from tillway.errors import ConfigurationError, JournalFault, TillwayError, Transient

DONE = 0
"""Done, and nothing to look at."""
FAILED = 1
"""Could not do it, or the check failed."""
ATTENTION = 2
"""Done, and there is something to look at."""
USAGE = 64
"""Wrong usage: an unknown verb or option."""
BUG = 70
"""A bug in Tillway; a report file was written."""
JOURNAL = 74
"""A journal write or flush failed; the service manager should start the hub again."""
LATER = 75
"""Try again later: somebody else holds the lock."""
NOT_STARTED = 78
"""Refused to start: configuration or machine not fit."""
INTERRUPTED = 130
"""Stopped from the keyboard, as every shell expects it."""

LOCK_HELD = frozenset({"TW-5002"})
"""Codes of a lock that another process holds."""
STARTING_VERBS = frozenset({"run", "dev"})
"""Verbs whose configuration errors mean `refused to start`, not `the check failed`."""


def exit_code_of(error: TillwayError, verb: str) -> int:
    """Return the exit code of a verb that ended with this error.

    A held lock, or anything Transient, is worth the same command later.
    """
    if isinstance(error, JournalFault):
        return JOURNAL
    if isinstance(error, Transient) or error.code in LOCK_HELD:
        return LATER
    if isinstance(error, ConfigurationError) and verb in STARTING_VERBS:
        return NOT_STARTED
    return FAILED
