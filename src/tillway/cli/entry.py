"""The one door of the command: `main` picks the verb, runs it and leaves with its exit code.

The command-line library is imported only when a verb really runs, so `tillway --version` stays
cheap.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from tillway import __version__

VERSION_FLAGS = ("--version", "-V")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and leave the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in VERSION_FLAGS:
        sys.stdout.write(f"tillway {__version__}\n")
        sys.exit(0)
    if "--no-color" in given:
        os.environ["NO_COLOR"] = "1"
        given.remove("--no-color")
    from tillway.cli.app import run_verb

    sys.exit(run_verb(given))
