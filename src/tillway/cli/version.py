"""`tillway version`: versions of everything that decides how this hub behaves."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version

from rich.console import Console

from tillway import __version__
from tillway.cli import exit_codes
from tillway.cli.options import Json
from tillway.cli.output import emit

LIBRARIES = ("apsw", "aiohttp", "lxml", "msgspec", "jsonschema-rs", "uvicorn", "uvloop")


def version(*, json: Json = False) -> int:
    """Print the versions of Tillway, Python, SQLite, the libraries and the connectors.

    Example: tillway version --json
    """
    import apsw

    from tillway.connect import connector_names

    data: dict[str, object] = {
        "tillway": __version__,
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
        "platform": platform.platform(),
        "libraries": {name: _installed(name) for name in LIBRARIES},
        "connectors": connector_names(),
    }
    emit("version", data, lambda console: _draw(console, data), json)
    return exit_codes.DONE


def _installed(name: str) -> str:
    try:
        return package_version(name)
    except PackageNotFoundError:
        return "not installed"


def _draw(console: Console, data: dict[str, object]) -> None:
    for name, value in data.items():
        if isinstance(value, dict):
            for library, number in value.items():
                console.print(f"{library:<14} {number}")
        elif isinstance(value, list):
            console.print(f"{name:<14} {', '.join(value)}")
        else:
            console.print(f"{name:<14} {value}")
