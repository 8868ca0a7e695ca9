"""The one place where the command prints: data to stdout, everything else to stderr.

Colour and progress bars appear only on a terminal; the word or symbol is always there without
them. rich reads NO_COLOR by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import PurePath
from typing import Any, TextIO

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tillway.errors import ContractViolation, TillwayError, code_record

PIPE_COLUMNS = 160
"""Width of tables when nobody watches; a terminal's own width is used otherwise."""
SHOWN_VIOLATIONS = 20


def emit(verb: str, data: Mapping[str, Any], human: Callable[[Console], None], json: bool) -> None:
    """Print the result of a verb: one JSON document on one line, or what `human` draws.

    data holds plain values, Decimal, dates, Structs, dataclasses or paths; the schema field is
    added here. With --follow call it once per document.
    """
    if json:
        document = {"schema": f"tillway.{verb}/1", **data}
        sys.stdout.write(json_text(document) + "\n")
        sys.stdout.flush()
    else:
        human(_console(sys.stdout))


def print_document(text: str) -> None:
    """Print a document in a form of its own (SARIF, JUnit) on stdout, as it is."""
    sys.stdout.write(text.rstrip() + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Tell the person something that is not data."""
    _console(sys.stderr).print(text)


def fail(error: TillwayError, *, json: bool = False) -> None:
    """Print an error on stderr: code and sentence, where, what to do, where to read more."""
    errors = _parts(error)
    if json:
        document = {"schema": "tillway.error/1", "errors": [part.as_json() for part in errors]}
        sys.stderr.write(json_text(document) + "\n")
        return
    console = _console(sys.stderr)
    for part in errors:
        print_error(console, part)


def print_error(console: Console, error: TillwayError, word: str = "error") -> None:
    """Print one error or warning in the four-line form."""
    record = code_record(error.code)
    head = Text(f"{word} {error.code}", style="bold red" if word == "error" else "bold yellow")
    console.print(head + Text(f": {error.detail}", style="not bold default"), soft_wrap=True)
    for label, lines in (
        ("where", _where(error)),
        ("do", [error.advice or (record.advice if record else "")]),
        ("more", [f"tillway explain {error.code}"]),
    ):
        for line in filter(None, lines):
            console.print(f"  {label:<6} {line}", soft_wrap=True)


def table(*columns: str, title: str = "", right: Sequence[str] = ()) -> Table:
    """Return an empty table in the house style; columns named in `right` are right-aligned."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def money_text(amounts: Mapping[str, Decimal | str]) -> str:
    """Return amounts per currency as people read them: `1,204.50 EUR, 20.00 USD`."""
    shown = (f"{Decimal(amount):,} {currency}" for currency, amount in sorted(amounts.items()))
    return ", ".join(shown) or "-"


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while long work runs; yields `advance(count)`. Silent when piped."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.progress import Progress

    with Progress(console=_console(sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def json_text(value: object) -> str:
    """Return compact JSON on one line; Decimal becomes text, so that money stays exact."""
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise NotImplementedError(f"no JSON for {type(value).__name__}")


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() else PIPE_COLUMNS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def _parts(error: TillwayError) -> Sequence[TillwayError]:
    """Return the single errors inside one that stands for many (the problems of a project)."""
    inner: Sequence[TillwayError] = getattr(error, "parts", ())
    return inner or (error,)


def _where(error: TillwayError) -> list[str]:
    fields = dict(error.where)
    file, line = fields.pop("file", ""), fields.pop("line", "")
    place = [fields.pop("at", ""), f"{file}:{line}" if file and line else file]
    place += [f"{name} {value}" for name, value in fields.items()]
    found = f"found {error.value}" if error.value else ""
    lines = ["   ".join(filter(None, [*place, error.path, found]))]
    if isinstance(error, ContractViolation):
        lines += [str(breach) for breach in error.violations[:SHOWN_VIOLATIONS]]
        if len(error.violations) > SHOWN_VIOLATIONS:
            lines.append(f"and {len(error.violations) - SHOWN_VIOLATIONS} more")
    return lines
