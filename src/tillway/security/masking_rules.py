"""What is masked, by name: the lists of `masking.toml`, compiled into one look-up.

Surprising: names are compared without case, prefix and separators, so `card_number` and
`acs:CardNumber` are one name; that is why the lists hold each name once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

from tillway.errors import ConfigurationError

Action = Literal["drop", "last4", "pseudonym"]
_SEPARATORS = re.compile(r"[_\-. ]+")
KNOWN_NAMES, KNOWN_CHARACTERS = 20_000, 128
"""So many names are remembered, none longer: a sender can make up as many as it likes."""


class Rule(msgspec.Struct, frozen=True):
    """What happens to a field: action, and the group whose pseudonyms belong together."""

    action: Action
    group: str


class Rules:
    """Looks up what happens to a name, and whether it holds item numbers."""

    def __init__(
        self, lists: Iterable[str], drop: Iterable[str], item_fields: Iterable[str]
    ) -> None:
        table = _table()
        self._exact: dict[str, Rule] = {}
        self._parts: list[tuple[re.Pattern[str], Rule]] = []
        items = [*table["item_fields"]["names"], *item_fields]
        for name in ("default", *lists):
            if name not in table or name == "item_fields":
                known = ", ".join(sorted(table.keys() - {"item_fields"}))
                detail = f'There is no masking list "{name}".'
                advice = f"Known lists: {known}."
                raise ConfigurationError("TW-8202", detail, value=name, advice=advice)
            items += table[name].get("item_fields", {}).get("names", [])
            self._take(table[name])
        self._take({"drop": {"declared": list(drop)}})
        self._items = re.compile("|".join(_pattern(name) for name in items))
        self._known: dict[str, tuple[Rule | None, bool]] = {}

    def of(self, name: str) -> tuple[Rule | None, bool]:
        """Return the rule for a name, or None; and whether it is an item field."""
        answer = self._known.get(name)
        if answer is None:
            plain = plain_name(name)
            rule = self._exact.get(plain)
            if rule is None:
                rule = next((rule for part, rule in self._parts if part.fullmatch(plain)), None)
            answer = rule, rule is None and self._items.fullmatch(plain) is not None
            if len(self._known) >= KNOWN_NAMES:
                self._known.clear()
            if len(name) <= KNOWN_CHARACTERS:
                self._known[name] = answer
        return answer

    def _take(self, lists: dict[str, dict[str, list[str]]]) -> None:
        for action, groups in lists.items():
            if action == "item_fields":
                continue
            for group, names in groups.items():
                rule = Rule(action, group)  # type: ignore[arg-type]
                for name in names:
                    if "*" in name:
                        self._parts.append((re.compile(_pattern(name)), rule))
                    else:
                        self._exact[plain_name(name)] = rule


def masking_lists() -> tuple[str, ...]:
    """Return the names of the lists a source may add to the one that always holds."""
    return tuple(sorted(_table().keys() - {"default", "item_fields"}))


def plain_name(name: str) -> str:
    """Return a name as the lists compare it: its local part, without case and separators."""
    local = name.rpartition(":")[2].lstrip("@")
    return _SEPARATORS.sub("", local).casefold()


def _pattern(name: str) -> str:
    return ".*".join(re.escape(plain_name(part)) for part in name.split("*"))


@cache
def _table() -> dict[str, Any]:
    text = (resources.files("tillway.security") / "masking.toml").read_text("utf-8")
    return tomllib.loads(text)
