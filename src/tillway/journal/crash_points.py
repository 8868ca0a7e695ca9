"""Named places where a process can die between two promises; a test makes it die just there.

Surprising: `reached` does nothing. A test's own launcher puts another function in its place before
the hub starts, so the hub reads no switch for it and pays one empty call per commit or per call.
"""

from __future__ import annotations

BEFORE_COMMIT = "before the commit"
BEFORE_ANSWER = "after the commit, before the answer"
BEFORE_DISPATCH = "after the answer, before dispatch"
BEFORE_SEND = "after the intent, before bytes leave"
BEFORE_CHECKPOINT = "after an audited action, before its signed checkpoint"
BEFORE_LEDGER = "after the answer of the target, before the ledger"


def reached(name: str, messages: int = 0) -> None:
    """Say that the process is at one of the places named above.

    messages: how many a commit takes in, for a test that waits for such a one.
    """
