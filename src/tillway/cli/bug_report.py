"""Writes the report file of a bug: versions and the stack, never a value or a payload."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
import traceback
from pathlib import Path

from tillway import __version__
from tillway.errors import TillwayError


def write_report(bug: BaseException, verb: str) -> TillwayError:
    """Write the report and return the error to print; the text of the exception stays out of it.

    The file goes to `.state/` of the folder the command runs in, else to the temporary folder.
    """
    folder = Path(".state")
    if not folder.is_dir():
        folder = Path(tempfile.gettempdir())
    now = time.strftime("%Y-%m-%dT%H%M%S", time.gmtime())
    path = folder / f"tillway-bug-{now}-{os.getpid()}.json"
    path.write_text(json.dumps(_report(bug, verb), indent=2) + "\n", "utf-8")
    return TillwayError(
        "TW-9001",
        f"a bug in Tillway: {type(bug).__name__} in `tillway {verb}`",
        value=str(bug),
        advice=f"Send {path} to the maintainers. It holds no payload.",
    )


def _report(bug: BaseException, verb: str) -> dict[str, object]:
    stack = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(bug.__traceback__)
    ]
    chain: list[str] = []
    cause = bug.__cause__ or bug.__context__
    while cause is not None and len(chain) < 5:
        chain.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return {
        "schema": "tillway.bug/1",
        "tillway": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "verb": verb,
        "error": type(bug).__name__,
        "caused_by": chain,
        "stack": stack,
    }
