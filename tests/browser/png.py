"""Makes a picture of a page small: at most 256 colours, which is plenty for text and lines.

Surprising: it is done by hand, because a picture tool would be one more thing to install.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
EXACT = 96
CHANNELS = {2: 3, 6: 4}
"""colour type -> bytes of a pixel; others do not come from a browser."""


def small(picture: bytes) -> bytes:
    """Return an 8-bit PNG without interlacing (RGB or RGBA) with a palette; ValueError if not."""
    width, height, depth, kind, *_, interlaced = struct.unpack(">IIBBBBB", _body(picture, b"IHDR"))
    if depth != 8 or kind not in CHANNELS or interlaced:
        raise ValueError(f"a PNG of depth {depth}, colour type {kind} is not for this")
    size = CHANNELS[kind]
    rows = list(_rows(zlib.decompress(_body(picture, b"IDAT")), width * size, size))
    pixels = [row[at : at + 3] for row in rows for at in range(0, len(row), size)]
    palette, places = _palette(Counter(pixels))
    indexes = bytes(map(places.__getitem__, pixels))
    lines = b"".join(b"\0" + indexes[at : at + width] for at in range(0, len(indexes), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(lines, 9)))
    return SIGNATURE + b"".join(_chunk(name, body) for name, body in (*parts, (b"IEND", b"")))


def _palette(counted: Counter[bytes]) -> tuple[list[bytes], dict[bytes, int]]:
    """Return the colours to keep, and for every colour the place of the nearest of them.

    The grounds come first as they are; of the others, those that look alike share a place, so
    that a rare green is not lost to forty greys.
    """
    exact = [colour for colour, _ in counted.most_common(EXACT)]
    alike: dict[bytes, bytes] = {}
    weights: Counter[bytes] = Counter()
    for colour, count in counted.most_common()[EXACT:]:
        shade = bytes(part >> 4 for part in colour)
        weights[alike.setdefault(shade, colour)] += count
    chosen = sorted({*exact, *(one for one, _ in weights.most_common(COLOURS - EXACT))})
    nearest = {
        colour: min(range(len(chosen)), key=lambda at: _apart(chosen[at], colour))
        for colour in counted
    }
    return chosen, nearest


def _apart(one: bytes, other: bytes) -> int:
    return sum((left - right) ** 2 for left, right in zip(one, other, strict=True))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _body(picture: bytes, wanted: bytes) -> bytes:
    """Return what stands in the chunks of a name, joined."""
    if not picture.startswith(SIGNATURE):
        raise ValueError("this is no PNG")
    found, at = b"", len(SIGNATURE)
    while at < len(picture):
        length, name = struct.unpack(">I4s", picture[at : at + 8])
        if name == wanted:
            found += picture[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def _rows(data: bytes, width: int, size: int) -> Iterator[bytes]:
    """Yield the rows of a picture with their filters undone."""
    before = bytearray(width)
    for start in range(0, len(data), width + 1):
        row = bytearray(data[start + 1 : start + 1 + width])
        _undo(data[start], row, before, size)
        yield bytes(row)
        before = row


def _undo(kind: int, row: bytearray, before: bytearray, size: int) -> None:
    for at in range(len(row)) if kind else ():
        left = row[at - size] if at >= size else 0
        corner = before[at - size] if at >= size else 0
        above = before[at]
        guess = (0, left, above, (left + above) // 2, _paeth(left, above, corner))[kind]
        row[at] = (row[at] + guess) & 255


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    apart = [(abs(guess - one), place) for place, one in enumerate((left, above, corner))]
    return (left, above, corner)[min(apart)[1]]
