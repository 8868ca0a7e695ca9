"""Reads a YAML document into values that remember their line.

Numbers with a point become Decimal, never float; anchors, aliases and doubled keys are refused, so
that a document says what it seems to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import yaml

from tillway.errors import ConfigurationError
from tillway.spelling import nearest

MAX_DOCUMENT_CHARACTERS = 512_000
MAX_DOCUMENT_DEPTH = 40
_TAG = "tag:yaml.org,2002:"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML over libyaml, where it was built with it."""
_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


class Entry(msgspec.Struct, frozen=True):
    """One value of a document: a dict or list of entries, or a plain value; at is `file:line`."""

    value: Any
    at: str
    path: str

    def get(self, key: str) -> Entry | None:
        """Return the entry under a key of a mapping; None where it is absent or null."""
        found = self.fields().get(key)
        return None if found is None or found.value is None else found

    def fields(self) -> Mapping[str, Entry]:
        """Return the entries of a mapping."""
        if not isinstance(self.value, dict):
            raise self.error("this must be a mapping of names to values", "write name: value lines")
        return self.value

    def items(self) -> list[Entry]:
        """Return the entries of a list."""
        if not isinstance(self.value, list):
            raise self.error("this must be a list", "write one - line for each item")
        return self.value

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error("this must be a text", "write a text, in quotes where it looks odd")
        return self.value.strip()

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that are not known, with the nearest known name."""
        names = tuple(known)
        for key, entry in self.fields().items():
            if key not in names:
                advice = f"{nearest(key, names)}known keys: {', '.join(names)}"
                raise entry.error(f'unknown key "{key}"', advice)

    def plain(self) -> Any:
        """Return the value without lines, as ordinary dicts and lists."""
        if isinstance(self.value, dict):
            return {key: entry.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain() for entry in self.value]
        return self.value

    def error(self, problem: str, advice: str, code: str = "TW-2101") -> ConfigurationError:
        """Return the error for this entry, with its file and line."""
        where = f"{self.path}: " if self.path else ""
        return ConfigurationError(
            code, f"{where}{problem} ({self.at})", path=self.path, at=self.at, advice=advice
        )


def read_document(text: str, file: str) -> Entry:
    """Read one YAML document. Raises ConfigurationError TW-2101 with file and line."""
    start = Entry(None, f"{file}:1", "")
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise start.error("the document is too large", "split it")
    try:
        _look_over(text, file)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        at = Entry(None, f"{file}:{mark.line + 1 if mark else 1}", "")
        said = getattr(problem, "problem", None) or str(problem).split("\n", maxsplit=1)[0]
        raise at.error(f"no YAML: {said}", "mend the YAML at this line") from None
    if node is None:
        raise start.error("the document is empty", "write the contract")
    return _entry(node, file, "")


def _look_over(text: str, file: str) -> None:
    """Refuse what is not used here, and what is nested too deep for libyaml, which would crash."""
    depth = 0
    for token in yaml.scan(text, Loader=_LOADER):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        too_deep = depth > MAX_DOCUMENT_DEPTH
        if too_deep or isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            at = Entry(None, f"{file}:{token.start_mark.line + 1}", "")
            if too_deep:
                raise at.error("the document is nested too deep", "flatten it")
            raise at.error("anchors and aliases are not used here", "write the value out")


def _entry(node: yaml.Node, file: str, path: str) -> Entry:
    here = Entry(None, f"{file}:{node.start_mark.line + 1}", path)
    if isinstance(node, yaml.MappingNode):
        return Entry(_fields(node, file, here), here.at, path)
    if isinstance(node, yaml.SequenceNode):
        items = [_entry(child, file, f"{path}[{index}]") for index, child in enumerate(node.value)]
        return Entry(items, here.at, path)
    return Entry(_scalar(node, here), here.at, path)


def _fields(node: yaml.MappingNode, file: str, here: Entry) -> dict[str, Entry]:
    fields: dict[str, Entry] = {}
    for key, child in node.value:
        at = f"{file}:{key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise Entry(None, at, here.path).error("a key must be a text", "write name: value")
        name = key.value
        path = f"{here.path}.{name}" if here.path else name
        if name in fields:
            raise Entry(None, at, path).error("this key is written twice", "remove one of them")
        entry = _entry(child, file, path)
        fields[name] = Entry(entry.value, at, path)
    return fields


def _scalar(node: yaml.Node, here: Entry) -> Any:
    kind, text = node.tag.removeprefix(_TAG), node.value
    if kind == "null":
        return None
    if kind == "bool":  # YAML 1.1 takes off and no for false; here they are words
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return Decimal(text)
    except (ValueError, InvalidOperation):
        raise here.error(f"{text} is no plain number", "write it in quotes, or as 12.50") from None
    if kind in {"str", "timestamp"}:
        return text
    raise here.error(f"the tag {node.tag} is not used here", "write plain values")
