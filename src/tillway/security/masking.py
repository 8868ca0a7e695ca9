"""Masks card and personal data in a tree of values, before anything durable is written.

Surprising: booleans survive under any name (`ElectronicSignature="false"` is a flag, not a
signature), and masking what is masked already changes nothing.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable
from operator import is_
from typing import Any

from tillway.errors import ConfigurationError
from tillway.security.cards import SHORTEST_CARD, json_may_hold_cards, may_change, without_cards
from tillway.security.masking_rules import KNOWN_CHARACTERS, KNOWN_NAMES, Rule, Rules

PSEUDONYM_KEY_BYTES = 16
PSEUDONYM_MARK = "psn:"
LAST4_SHORTEST = 8
_PSEUDONYM = re.compile(r"psn:[0-9a-f]{24}")
_FLAGS = frozenset(("", "true", "false", "True", "False", "TRUE", "FALSE"))
_PLAIN, _ITEM, _LISTED = "plain", "item", "listed"
_SCALARS = frozenset((str, int, bool, type(None)))
_KNOWN_PEOPLE = 4_096
_LONG_NUMBER = 10**12


class Masker:
    """Masks trees of values by name of field and by content.

    pseudonym_key is secret and at least 16 bytes; lists are lists of `masking.toml` beyond
    `default`; drop names more fields to leave out; item_fields names more fields with item numbers.
    """

    def __init__(
        self,
        pseudonym_key: bytes,
        lists: Iterable[str] = (),
        drop: Iterable[str] = (),
        item_fields: Iterable[str] = (),
    ) -> None:
        if len(pseudonym_key) < PSEUDONYM_KEY_BYTES:
            detail = f"The key for pseudonyms must have at least {PSEUDONYM_KEY_BYTES} bytes."
            raise ConfigurationError("TW-8201", detail)
        self._key = pseudonym_key
        self._rules = Rules(lists, drop, item_fields)
        self._kinds: dict[str, str] = {}
        self._plain: set[str] = set()
        self._pseudonyms: dict[tuple[str, str], str] = {}

    def mask(
        self, value: dict[str, Any], text: bytes | None = None, *, plain_below: bool = False
    ) -> tuple[dict[str, Any], bool]:
        """Return the masked tree and whether it differs; the tree given is left as it is.

        text is the JSON the tree was read from, if it was: one look at it mostly shows that no
        value can hold a card, and then only names matter; plain_below: and only those at the top,
        since all others may stay and no number is a float.
        """
        if text is None or json_may_hold_cards(text):
            masked = self._dict(value)
        else:
            masked = self._named(value, below=not plain_below)
        return masked, masked is not value

    def may_stay(self, name: str) -> bool:
        """Tell whether what a name holds is kept as it is, unless it holds a card."""
        return not self._is_listed(name)

    def pseudonym(self, value: str, group: str) -> str:
        """Return the pseudonym of a person, member or account; the same for the same value."""
        known = self._pseudonyms.get((group, value))
        if known is None:
            if _PSEUDONYM.fullmatch(value):
                return value
            digest = hmac.digest(self._key, f"{group}\x1f{value}".encode(), "sha256")
            known = PSEUDONYM_MARK + digest.hex()[:24]
            if len(value) <= KNOWN_CHARACTERS:
                if len(self._pseudonyms) >= _KNOWN_PEOPLE:
                    self._pseudonyms.clear()
                self._pseudonyms[group, value] = known
        return known

    def _dict(self, node: dict[str, Any]) -> dict[str, Any]:
        """Mask one object by its names and by what its texts and numbers hold."""
        if self._listed(node):
            return self._with_listed(node, self._any)
        masked = {
            name: self._item(value) if self._kind(name) is _ITEM else self._any(value)
            for name, value in node.items()
        }
        return node if all(map(is_, masked.values(), node.values())) else masked

    def _named(self, node: dict[str, Any], *, below: bool = True) -> dict[str, Any]:
        """Mask one object by its names alone. Most of it stays, so it is copied late."""
        plain, copy = self._plain, None
        listed: list[str] = []
        if not plain.issuperset(node):
            listed = [name for name in node if name not in plain and self._is_listed(name)]
            if listed:
                if not all(map(is_, listed, map(without_cards, listed))):
                    return self._with_listed(node, self._any_named)
                copy = self._by_rules(node, listed)
        if not below:
            return node if copy is None else copy
        for name, value in node.items():
            what = value.__class__
            if what is str or not value:  # most are texts; what is empty or zero can hide nothing
                continue
            if (what is dict or what is list or what is float) and name not in listed:
                new = self._any_named(value)
                if new is not value:
                    copy = dict(node) if copy is None else copy
                    copy[name] = new
        return node if copy is None else copy

    def _by_rules(self, node: dict[str, Any], listed: list[str]) -> dict[str, Any] | None:
        """Return a copy in which the listed names are masked; None when all may stay."""
        copy = None
        for name in listed:
            value = node[name]
            rule = self._rules.of(name)[0]
            assert rule is not None, "a name that is listed for its own sake has a rule"
            dropped = rule.action == "drop" and not _is_flag(value)
            new = value if dropped else self._by_rule(value, rule)
            if dropped or new is not value:
                copy = dict(node) if copy is None else copy
                copy[name] = new
                if dropped:
                    del copy[name]
        return copy

    def _with_listed(self, node: dict[str, Any], plain: Callable[[Any], Any]) -> dict[str, Any]:
        """Mask an object with listed names; plain masks the values of the other names."""
        changed = False
        kept: dict[str, Any] = {}
        for name, value in node.items():
            kind = self._kind(name)
            safe_name = name
            if kind is not _LISTED:
                new = plain(value) if kind is _PLAIN else self._item(value)
            else:
                rule = self._rules.of(name)[0]
                if rule is not None and rule.action == "drop" and not _is_flag(value):
                    changed = True
                    continue
                new = plain(value) if rule is None else self._by_rule(value, rule)
                safe_name = without_cards(name)
                changed = changed or safe_name != name
            kept[safe_name] = new
            changed = changed or new is not value
        return kept if changed else node

    def _listed(self, node: dict[str, Any]) -> bool:
        """Tell whether a name of this object is listed, or is no name one may keep."""
        return any(map(self._is_listed, node))

    def _is_listed(self, name: str) -> bool:
        return self._kind(name) is _LISTED

    def _kind(self, name: str) -> str:
        return self._kinds.get(name) or self._kind_of(name)

    def _kind_of(self, name: str) -> str:
        rule, is_item = self._rules.of(name)
        listed = rule is not None or without_cards(name) != name
        kind = _LISTED if listed else _ITEM if is_item else _PLAIN
        if len(name) > KNOWN_CHARACTERS:
            return kind
        if len(self._kinds) >= KNOWN_NAMES:
            self._kinds.clear()
            self._plain.clear()
        self._kinds[name] = kind
        if not listed:
            self._plain.add(name)
        return kind

    def _any(self, value: Any) -> Any:
        what = value.__class__
        if what is str:
            return value if len(value) < SHORTEST_CARD else _clean_text(value)
        if what is dict:
            return self._dict(value)
        if what is list:
            return _each(value, self._any)
        return _clean_number(value)

    def _any_named(self, value: Any) -> Any:
        what = value.__class__
        if what is dict:
            return self._named(value)
        if what is list:
            return self._list_named(value)
        return _clean_number(value) if what is float else value

    def _list_named(self, values: list[Any]) -> list[Any]:
        """Mask a list. What is in it is nearly always a flat record of plain names."""
        plain, copy = self._plain, None
        for place, value in enumerate(values):
            if (
                value.__class__ is dict
                and plain.issuperset(value)
                and _SCALARS.issuperset(map(type, value.values()))
            ):
                continue
            new = self._any_named(value)
            if new is not value:
                copy = list(values) if copy is None else copy
                copy[place] = new
        return values if copy is None else copy

    def _item(self, value: Any) -> Any:
        """Mask below an item field: the number itself is left alone, and nothing further down."""
        if isinstance(value, dict) and "#text" in value:
            rest = {name: inner for name, inner in value.items() if name != "#text"}
            masked = self._dict(rest)
            if masked is rest:
                return value
            return {**masked, "#text": value["#text"]}
        if isinstance(value, list):
            return _each(value, self._item)
        return self._dict(value) if isinstance(value, dict) else value

    def _by_rule(self, value: Any, rule: Rule) -> Any:
        if isinstance(value, dict):
            return self._dict_by_rule(value, rule)
        if isinstance(value, list):
            return _each(value, lambda one: self._by_rule(one, rule))
        if _is_flag(value) or rule.action == "drop":
            return value
        text = str(value)
        new = _last4(text) if rule.action == "last4" else self.pseudonym(text, rule.group)
        return value if new == value else new

    def _dict_by_rule(self, node: dict[str, Any], rule: Rule) -> dict[str, Any]:
        """Mask every text below a listed element; attributes follow their own names."""
        attributes = {name: value for name, value in node.items() if name.startswith("@")}
        masked = self._dict(attributes)
        changed = masked is not attributes
        kept = dict(masked)
        for name, value in node.items():
            if name in attributes:
                continue
            own = self._rules.of(name)[0]
            if own is not None and own.action == "drop" and not _is_flag(value):
                changed = True
                continue
            safe_name = without_cards(name)
            kept[safe_name] = self._by_rule(value, rule)
            changed = changed or kept[safe_name] is not value or safe_name != name
        return kept if changed else node


def _is_flag(value: Any) -> bool:
    return value is None or isinstance(value, bool) or (isinstance(value, str) and value in _FLAGS)


def _each(values: list[Any], mask: Any) -> list[Any]:
    masked = list(map(mask, values))
    return values if all(map(is_, masked, values)) else masked


def _clean_text(text: str) -> str:
    if not may_change(text):
        return text
    clean = without_cards(text)
    return text if clean == text else clean


def _clean_number(value: Any) -> Any:
    if value is None or isinstance(value, bool) or -_LONG_NUMBER < value < _LONG_NUMBER:
        return value
    text = str(value)
    clean = without_cards(text)
    return value if clean == text else clean


def _last4(text: str) -> str:
    return "****" + text[-4:] if len(text) >= LAST4_SHORTEST else "****"
