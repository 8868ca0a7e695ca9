"""The settings that are at work, with where each came from; of secrets only that there is one."""

from __future__ import annotations

from typing import Any

import msgspec

from tillway.project.records import HubSettings, Release
from tillway.security.secrets import Secret

HIDDEN = ("origins", "pseudonym_key")
BUILT_IN = "built in"


class Setting(msgspec.Struct, frozen=True):
    """One setting. origin: file, environment or command line it came from, or built in.

    secret: a secret fills it; its value is shown nowhere.
    """

    part: str
    name: str
    value: str
    origin: str
    secret: bool = False


def settings_of(release: Release) -> list[Setting]:
    """Return the settings of the hub, then those of every source and target."""
    hub = release.hub
    found = [
        _setting("hub", name, getattr(hub, name), _origin(hub, name))
        for name in HubSettings.__struct_fields__
        if name not in HIDDEN
    ]
    key = bool(hub.pseudonym_key)
    found.append(Setting("hub", "pseudonym_key", "", _origin(hub, "pseudonym_key"), secret=key))
    for system, source in sorted(release.sources.items()):
        found += _system(f"source {system}", source.settings, f"systems/{system}.toml")
    for system, target in sorted(release.targets.items()):
        found += _system(f"target {system}", target.settings, f"systems/{system}.toml")
    return found


def _origin(hub: HubSettings, name: str) -> str:
    return hub.origins.get(name, BUILT_IN)


def _system(part: str, values: Any, file: str) -> list[Setting]:
    return [_setting(part, name, value, file) for name, value in sorted(values.items())]


def _setting(part: str, name: str, value: Any, origin: str) -> Setting:
    secret = _is_secret(value)
    return Setting(part, name, "" if secret else str(value), origin, secret=secret)


def _is_secret(value: Any) -> bool:
    """Say whether a value is a secret, or holds one."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(_is_secret(one) for one in value.values())
    return isinstance(value, list | tuple) and any(_is_secret(one) for one in value)
