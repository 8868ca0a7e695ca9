"""Finds connectors through the entry points `tillway.connectors`; built-ins use the same door."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from tillway.connect.kit import Registration
from tillway.errors import ConfigurationError
from tillway.spelling import nearest

GROUP = "tillway.connectors"


@cache
def _points() -> dict[str, object]:
    return {point.name: point for point in entry_points(group=GROUP)}


def connector_names() -> list[str]:
    """Return the names of every installed connector."""
    return sorted(_points())


@cache
def connector(name: str) -> Registration:
    """Return a connector; it is imported only now.

    Raises ConfigurationError TW-1101 with the nearest known name.
    """
    for point in entry_points(group=GROUP, name=name):
        registration: Registration = point.load()
        return registration
    raise ConfigurationError(
        "TW-1101",
        f'no connector is called "{name}"',
        value=name,
        advice=f"{nearest(name, connector_names())}Known: {', '.join(connector_names())}.",
    )
