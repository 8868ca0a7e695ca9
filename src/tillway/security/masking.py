"""Masks card and personal data in a tree of values, before anything durable is written.

Surprising: booleans survive under any name (`ElectronicSignature="false"` is a flag, not a
signature), and masking what is masked already changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Any

from tillway.errors import ConfigurationError
from tillway.security.cards import SHORTEST_CARD, may_change, without_cards
from tillway.security.masking_rules import Rule, Rules

PSEUDONYM_KEY_BYTES = 16
PSEUDONYM_MARK = "psn:"
LAST4_SHORTEST = 8
_PSEUDONYM = re.compile(r"psn:[0-9a-f]{24}")
_FLAGS = frozenset(("", "true", "false", "True", "False", "TRUE", "FALSE"))
_PLAIN, _ITEM, _LISTED = "plain", "item", "listed"
_KNOWN_NAMES = 20_000
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

    def mask(self, value: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return the masked tree and whether it differs; the tree given is left as it is."""
        if self._is_clean(value):
            return value, False
        # Where one field is listed the others mostly stay: only what is not clean is walked again.
        masked: dict[str, Any] = {}
        changed = False
        for name, member in value.items():
            one = {name: member}
            new = one if self._is_clean(one) else self._dict(one)
            changed = changed or new is not one
            masked.update(new)
        return (masked, True) if changed else (value, False)

    def pseudonym(self, value: str, group: str) -> str:
        """Return the pseudonym of a person, member or account; the same for the same value."""
        if _PSEUDONYM.fullmatch(value):
            return value
        digest = hmac.new(self._key, f"{group}\x1f{value}".encode(), hashlib.sha256)
        return PSEUDONYM_MARK + digest.hexdigest()[:24]

    def _is_clean(self, node: dict[str, Any]) -> bool:
        """Tell whether a tree surely stays as it is; most do, and are not walked again."""
        known = self._kinds
        for name, value in node.items():
            kind = known.get(name) or self._kind_of(name)
            if kind is _LISTED:
                return False
            what = type(value)
            if what is str:
                if len(value) >= SHORTEST_CARD and kind is _PLAIN and may_change(value):
                    return False
            elif what is dict:
                if kind is _ITEM or not self._is_clean(value):
                    return False
            elif what is list:
                if kind is _ITEM or not all(map(self._is_clean_member, value)):
                    return False
            elif kind is _PLAIN and _clean_number(value) is not value:
                return False
        return True

    def _is_clean_member(self, value: Any) -> bool:
        if isinstance(value, dict):
            return self._is_clean(value)
        return self._any(value) is value

    def _kind_of(self, name: str) -> str:
        rule, is_item = self._rules.of(name)
        if rule is not None or without_cards(name) != name:
            return _LISTED
        if len(self._kinds) >= _KNOWN_NAMES:
            self._kinds.clear()
        kind = self._kinds[name] = _ITEM if is_item else _PLAIN
        return kind

    def _dict(self, node: dict[str, Any]) -> dict[str, Any]:
        changed = False
        kept: dict[str, Any] = {}
        rule_of = self._rules.of
        for name, value in node.items():
            rule, is_item = rule_of(name)
            if rule is None:
                new = self._item(value) if is_item else self._any(value)
            elif rule.action == "drop" and not _is_flag(value):
                changed = True
                continue
            else:
                new = self._by_rule(value, rule)
            safe_name = without_cards(name)
            changed = changed or new is not value or safe_name != name
            kept[safe_name] = new
        return kept if changed else node

    def _any(self, value: Any) -> Any:
        if isinstance(value, str):
            return _clean_text(value)
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, list):
            return _each(value, self._any)
        return _clean_number(value)

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
    masked = [mask(value) for value in values]
    same = all(new is old for new, old in zip(masked, values, strict=True))
    return values if same else masked


def _clean_text(text: str) -> str:
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
