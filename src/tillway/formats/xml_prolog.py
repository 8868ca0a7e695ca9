"""Looks at an XML document before the parser does, and refuses what the parser must not see.

Surprising: only encodings in which `<` is the byte 0x3C, and UTF-16, are read. UTF-7, EBCDIC and
their like can spell `<!DOCTYPE` in bytes that no scan would find.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from tillway.errors import Refused
from tillway.formats.limits import CHUNK_BYTES, PROLOG_BYTES
from tillway.formats.refusals import malformed

_UTF8 = re.compile(r"utf-?8|us-ascii|ascii", re.IGNORECASE)
_SINGLE_BYTE = re.compile(
    r"iso-?8859-?\d{1,2}|latin-?\d|windows-125\d|cp125\d|koi8-[ru]", re.IGNORECASE
)
_UTF16 = re.compile(r"utf-?16(?:le|be)?|iso-10646-ucs-2|ucs-2", re.IGNORECASE)
_DECLARED = re.compile(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_SKIPPED = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_MARK_BYTES = 4
_ROOT = re.compile(r"<[^!?\s]")


def read_prolog(stream: BinaryIO) -> bytes | Refused:
    """Return the first bytes of a document, root element begun, or why it is refused.

    An empty stream gives no bytes; a stream without any root is left to the parser.
    """
    head = b""
    while True:
        chunk = stream.read(CHUNK_BYTES)
        head += chunk
        if chunk and len(head) < _MARK_BYTES:
            continue
        answer = _look(head)
        if answer is not None or not chunk:
            return head if answer is None or answer is _CLEAR else answer
        if len(head) > PROLOG_BYTES:
            return malformed("TW-3030", "Not XML: no root element at the start.", line=1)


_CLEAR = Refused("TW-3031", "", status=0)


def _look(head: bytes) -> Refused | None:
    """Return what is wrong, `_CLEAR` when the root has begun, or None to read on."""
    codec = _codec(head)
    if isinstance(codec, Refused):
        return codec
    text = head.removeprefix(codecs.BOM_UTF8).decode(codec, errors="ignore").removeprefix("\ufeff")
    position = 0
    while skipped := _SKIPPED.match(text, position):
        position = skipped.end()
    rest = text[position : position + 4]
    if _ROOT.match(rest):
        return _CLEAR
    if rest.startswith("<!") and not "<!--".startswith(rest[:4]):
        line = text.count("\n", 0, position) + 1
        detail = "The XML carries a document type declaration, which is never read."
        return malformed("TW-3031", detail, line=line, offset=position)
    if rest and not rest.startswith("<"):
        return malformed("TW-3030", "Not XML: text before the root element.", line=1)
    return None


def _codec(head: bytes) -> str | Refused:
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00")):
        return _encoding_refused("UTF-32")
    if head.startswith((b"\xff\xfe", b"<\x00")):
        codec, allowed = "utf-16-le", _UTF16
    elif head.startswith((b"\xfe\xff", b"\x00<")):
        codec, allowed = "utf-16-be", _UTF16
    elif b"\x00" in head[:4] or head.startswith(b"\x4c\x6f\xa7\x94"):
        return _encoding_refused("not one that is read")
    else:
        codec, allowed = "latin-1", _UTF8
    start = head[:1024].removeprefix(codecs.BOM_UTF8)
    declared = _DECLARED.match(start.decode(codec, errors="ignore").removeprefix("\ufeff"))
    name = declared.group(1) if declared else ""
    if name and not allowed.fullmatch(name):
        if allowed is _UTF8 and _SINGLE_BYTE.fullmatch(name):
            return codec
        return _encoding_refused(name)
    return codec


def _encoding_refused(name: str) -> Refused:
    detail = f"The XML encoding is {name[:40]}; UTF-8, UTF-16 and single-byte ones are read."
    return malformed("TW-3022", detail, line=1)
