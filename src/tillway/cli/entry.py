"""The one door of the command: `main` picks the verb, runs it and leaves with its exit code.

The command-line library is imported only when a verb really runs, so `tillway --version` stays
cheap.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from tillway import __version__

VERSION_FLAGS = ("--version", "-V")
YOUNG_OBJECTS = 10_000
"""Made and not yet freed before Python looks for cycles among them. Its own 700 is one message, and
to look again and again while a thousand modules are imported takes a tenth of a start."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave the process with its exit code."""
    gc.set_threshold(YOUNG_OBJECTS)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in VERSION_FLAGS:
        sys.stdout.write(f"tillway {__version__}\n")
        sys.exit(0)
    if "--no-color" in given:
        os.environ["NO_COLOR"] = "1"
        given.remove("--no-color")
    from tillway.cli.app import run_verb

    sys.exit(run_verb(given))
