"""Joins the table of verbs to the command-line library and turns every end into an exit code.

Only the verb that was asked for is imported; the others are known by name and one line. A wrong
option leaves with 64, because 2 means "done, and there is something to look at".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Group

from tillway import __version__
from tillway.cli import exit_codes
from tillway.cli.bug_report import write_report
from tillway.cli.output import fail
from tillway.cli.verbs import GROUPS, VERBS
from tillway.errors import ConfigurationError, TillwayError
from tillway.spelling import nearest

ABOUT = "The road every sale takes from the till to the books."
FOOT = "Every verb takes --json and --help. Colour: --no-color or NO_COLOR=1 turns it off."


def make_app(verb: str = "") -> App:
    """Return the command with every verb registered by name; `verb` keeps its own long help."""
    app = App(
        name="tillway",
        help=ABOUT,
        help_epilogue=FOOT,
        version=__version__,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    groups = {name: Group(name, sort_key=order) for order, name in enumerate(GROUPS)}
    for name, entry in VERBS.items():
        summary = None if name == verb else entry.summary
        app.command(entry.target, name=name, help=summary, group=groups[entry.group])
    return app


def run_verb(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are printed here."""
    json = "--json" in arguments
    verb = arguments[0] if arguments else "--help"
    if not verb.startswith("-") and verb not in VERBS:
        fail(_unknown_verb(verb), json=json)
        return exit_codes.USAGE
    try:
        result = make_app(verb)(list(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as wrong:
        fail(_wrong_usage(wrong, verb), json=json)
        return exit_codes.USAGE
    except TillwayError as error:
        fail(error, json=json)
        return exit_codes.exit_code_of(error, verb)
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except Exception as bug:  # noqa: BLE001 - whatever it is, the person gets a report and code 70
        fail(write_report(bug, verb), json=json)
        return exit_codes.BUG
    return result if isinstance(result, int) else exit_codes.DONE


def _unknown_verb(verb: str) -> ConfigurationError:
    known = ", ".join(VERBS)
    return ConfigurationError(
        "TW-1001",
        f'"{verb}" is not a verb of tillway',
        advice=f"{nearest(verb, VERBS)}Verbs: {known}.",
    )


def _wrong_usage(wrong: CycloptsError, verb: str) -> ConfigurationError:
    return ConfigurationError(
        "TW-1001", str(wrong).strip().rstrip("."), advice=f"`tillway {verb} --help` shows how."
    )


def _reader_left() -> int:
    """Leave quietly when `| head` closed the pipe; nothing more can be printed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_codes.DONE
