"""Asks before a verb changes many messages: a question, and above 100 the typed count."""

from __future__ import annotations

import sys

from tillway.errors import ConfigurationError

TYPED_ABOVE = 100


def agreed(count: int, *, yes: bool, confirm_count: int | None = None) -> bool:
    """Say whether the person agreed to change `count` messages, after the plan was printed.

    Raises ConfigurationError TW-1003 when the count given does not equal the plan's, and TW-1002
    when nobody can be asked (no terminal) and the options do not answer either.
    """
    if confirm_count is not None and confirm_count != count:
        raise ConfigurationError(
            "TW-1003",
            f"--confirm-count says {confirm_count}, the plan has {count} messages",
            advice=f"Look at the plan again; --confirm-count {count} agrees to it.",
        )
    if count > TYPED_ABOVE:
        return confirm_count == count or _typed(
            f"Type {count} to go on: ", str(count), f"--confirm-count {count}"
        )
    return yes or confirm_count == count or _typed("Go on? [y/N] ", "y", "--yes")


def _typed(question: str, wanted: str, option: str) -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "TW-1002", "nobody is at the terminal to agree to the plan", advice=f"Give {option}."
        )
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == wanted
