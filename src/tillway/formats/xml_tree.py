"""Turns an XML element into a tree of plain values, and such a tree back into an element.

Surprising: text in several pieces around children is joined with line feeds, so that digits apart
in the document never become one number in the tree.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from lxml import etree

from tillway.errors import Refused
from tillway.formats.limits import XmlLimits
from tillway.formats.refusals import malformed, too_large

ARTS_NAMESPACE = "http://www.nrf-arts.org/IXRetail/namespace/"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_NO_START = re.compile(r"^[^A-Za-z_]+")
_NOT_XML = "TW-3030"
_RESERVED = frozenset({"xml", "xmlns"})


def local_name(element: Any) -> str:
    """Return the name of an element without its namespace, which may hold any sign, even `}`."""
    tag: str = element.tag
    return tag.rpartition("}")[2]


class NoTree(Exception):
    """An element exceeds a limit or has a name that is none; carries the code of the refusal."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code

    def refusal(self, line: int) -> Refused:
        """Return the answer to an element that begins in this line."""
        refuse = malformed if self.code == _NOT_XML else too_large
        return refuse(self.code, str(self), line=line)


class Names:
    """Spells qualified names as `local` or `prefix:local`, and finds the namespace again."""

    def __init__(self, namespace: str, prefixes: dict[str, str]) -> None:
        self._bare = {"", ARTS_NAMESPACE, namespace}
        self._prefix_of = {uri: prefix for prefix, uri in prefixes.items()}
        self._namespace_of = {**prefixes, "xml": XML_NAMESPACE}

    def spelled(self, tag: str, prefix: str | None) -> str:
        """Return the name used in a tree for a tag in Clark notation (`{uri}local`)."""
        uri, _, local = tag.rpartition("}")
        uri = uri.removeprefix("{")
        if uri in self._bare:
            return local
        known = self._prefix_of.get(uri) or ("xml" if uri == XML_NAMESPACE else prefix)
        return f"{known or _last_word(uri)}:{local}"

    def clark(self, name: str) -> str:
        """Return a tag in Clark notation for a name used in a tree."""
        prefix, colon, local = name.rpartition(":")
        if not colon:
            return local
        return f"{{{self.namespace(prefix)}}}{local}"

    def namespace(self, prefix: str) -> str:
        """Return the namespace of a prefix; one that is not declared gets a placeholder."""
        return self._namespace_of.get(prefix) or f"urn:prefix:{quote(prefix)}"


def tree_of(element: Any, names: Names, limits: XmlLimits) -> dict[str, Any] | str:
    """Return the tree of an element: text alone gives a str, anything more a dict."""
    return _Walk(names, limits).read(element, 1)


def written(record: str, value: dict[str, Any], names: Names) -> bytes:
    """Return the bytes of one record element, which read back as the same tree."""
    prefixes = sorted(set(_prefixes(value)) - {"xml"})
    nsmap = {prefix: names.namespace(prefix) for prefix in prefixes}
    element = etree.Element(record, nsmap=nsmap)
    _fill(element, value, names)
    written_bytes: bytes = etree.tostring(element, encoding="utf-8")
    return written_bytes


class _Walk:
    def __init__(self, names: Names, limits: XmlLimits) -> None:
        self.names = names
        self.limits = limits
        self.known: dict[tuple[str, str | None], str] = {}
        self.children = 0

    def read(self, element: Any, depth: int) -> dict[str, Any] | str:
        limits = self.limits
        if not len(element) and not element.attrib:
            return element.text or ""
        if depth > limits.nesting_depth:
            raise NoTree("TW-3011", f"Nested deeper than {limits.nesting_depth} levels.")
        if len(element) > limits.children:
            raise NoTree("TW-3012", f"{len(element)} children; {limits.children} are allowed.")
        value = self._attributes(element)
        text = [element.text or ""]
        for child in element:
            name = self._name(child.tag, child.prefix)
            inner = self.read(child, depth + 1)
            if name not in value:
                value[name] = inner
            elif isinstance(value[name], list):
                value[name].append(inner)
            else:
                value[name] = [value[name], inner]
            text.append(child.tail or "")
        own = "\n".join(piece for piece in text if not piece.isspace() and piece)
        if own:
            value["#text"] = own
        return value

    def _attributes(self, element: Any) -> dict[str, Any]:
        if len(element.attrib) > self.limits.attributes:
            found = len(element.attrib)
            raise NoTree("TW-3013", f"{found} attributes; {self.limits.attributes} are allowed.")
        value: dict[str, Any] = {}
        for tag, text in element.attrib.items():
            prefix = _prefix_in(element, tag) if tag[0] == "{" else None
            value["@" + self._name(tag, prefix)] = text
        return value

    def _name(self, tag: str, prefix: str | None) -> str:
        spelled = self.known.get((tag, prefix))
        if spelled is None:
            spelled = self.names.spelled(tag, prefix)
            if not self._can_be_written(spelled):
                raise NoTree(_NOT_XML, f'Not XML: "{spelled}" is not a name.')
            self.known[tag, prefix] = spelled
        return spelled

    def _can_be_written(self, name: str) -> bool:
        """Say whether a name is one; the parser itself reads `:b`, `v:`, `v:1` and `a:b:c`."""
        first, colon, last = name.partition(":")
        if ":" in last or first == "xmlns" or (colon and not first):
            return False
        try:
            etree.QName(self.names.clark(name))
        except ValueError:
            return False
        return True


def _prefix_in(element: Any, tag: str) -> str | None:
    uri = tag[1:].partition("}")[0]
    return next((known for known, at in element.nsmap.items() if at == uri and known), None)


def _last_word(uri: str) -> str:
    word = next((part for part in reversed(re.split(r"[/:#]", uri)) if part), "ns")
    name = _NO_START.sub("", _NO_NAME.sub("-", word))
    return "ns" if name in _RESERVED else name or "ns"


def _prefixes(value: Any) -> list[str]:
    found: list[str] = []
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            found.extend(name.lstrip("@").partition(":")[0] for name in node if ":" in name)
            waiting.extend(node.values())
    return found


def _fill(element: Any, value: Any, names: Names) -> None:
    if not isinstance(value, dict):
        element.text = "" if value is None else str(value)
        return
    for name, inner in value.items():
        if name == "#text":
            element.text = inner
        elif name.startswith("@"):
            element.set(names.clark(name[1:]), inner)
        else:
            for one in inner if isinstance(inner, list) else [inner]:
                _fill(etree.SubElement(element, names.clark(name)), one, names)
