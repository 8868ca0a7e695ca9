"""`tillway ingest`: one file through the same intake as its source would take it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
from cyclopts import Parameter
from rich.console import Console

from tillway.api.client import HubClient
from tillway.api.operations import Operations
from tillway.cli import exit_codes
from tillway.cli.acting import act
from tillway.cli.options import HERE, Json, Project
from tillway.cli.output import emit, progress
from tillway.errors import ConfigurationError

SHOWN_ITEMS = 20
GOOD = ("accepted", "duplicate")
SourceName = Annotated[str, Parameter(name="--source", help="The source whose file this is.")]


class _Watched(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        super().__init__(path)
        self._advance = advance

    def readinto(self, buffer: Any, /) -> int:
        """Read, and tell."""
        count = super().readinto(buffer) or 0
        self._advance(count)
        return count


def ingest(
    file: Path, /, *, source: SourceName, project: Project = HERE, json: Json = False
) -> int:
    """Take in one file through the intake of a source, and count what became of its messages.

    It works beside a running hub and without one; sending a file again only gives duplicates.
    Leaves with 2 when a message was refused, quarantined or in conflict, with 1 when the file was
    cut off.

    Example: tillway ingest day.xml --source northgate

    Parameters
    ----------
    file
        The file to take in, in the format its source declares.
    """
    if not file.is_file():
        raise ConfigurationError("TW-7016", f"there is no file {file.name}", file=str(file))
    with (
        progress(f"ingest {file.name}", file.stat().st_size) as advance,
        _watched(file, advance) as stream,
    ):
        found = act(project, _here(source, stream, file.name), _there(source, stream, file.name))
    found = {"source": source, "name": file.name, **found}
    found.pop("schema", None)
    emit("ingest", found, lambda console: _draw(console, found), json)
    if not found["complete"]:
        return exit_codes.FAILED
    bad = any(count for name, count in found["counts"].items() if name not in GOOD)
    return exit_codes.ATTENTION if bad else exit_codes.DONE


def _watched(path: Path, advance: Callable[[int], None]) -> BinaryIO:
    return io.BufferedReader(_Watched(path, advance))


def _here(source: str, stream: BinaryIO, name: str) -> Callable[[Operations], Any]:
    async def take(operations: Operations) -> dict[str, Any]:
        result: dict[str, Any] = msgspec.to_builtins(await operations.ingest(source, stream, name))
        return result

    return take


def _there(source: str, stream: BinaryIO, name: str) -> Callable[[HubClient], dict[str, Any]]:
    return lambda client: client.send_file(source, stream, name)


def _draw(console: Console, found: dict[str, Any]) -> None:
    counts = found["counts"]
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    console.print(f"{found['name']}: {told or 'no message in it'}")
    if not found["complete"]:
        console.print("the file is cut off or unreadable; what came before is stored")
    wrong = [item for item in found["items"] if item["outcome"] not in GOOD]
    for item in wrong[:SHOWN_ITEMS]:
        error = item.get("error") or {}
        place = f"line {item['line']}" if item["line"] else f"byte {item['offset']}"
        console.print(
            f"  {place}: {item['outcome']} {item['natural_key']} "
            f"{error.get('code', '')} {error.get('detail', '')}",
            soft_wrap=True,
        )
        for breach in error.get("errors", []):
            told = "  ".join(f"{name} {value}" for name, value in breach.items())
            console.print(f"      {told}", soft_wrap=True)
