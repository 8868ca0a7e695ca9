"""Says where two JSON documents differ, path by path, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ABSENT = object()
SHOWN_CHARACTERS = 80


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Yield one sentence per value that differs, in the order of the expected document.

    >>> list(differences({"a": [1, 2]}, {"a": [1, 3], "b": 4}))
    ['a[1]: expected 2, found 3', 'b: expected nothing, found 4']
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in [*expected, *(name for name in found if name not in expected)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from differences(expected.get(name, ABSENT), found.get(name, ABSENT), inner)
    elif isinstance(expected, list) and isinstance(found, list):
        for index in range(max(len(expected), len(found))):
            yield from differences(_at(expected, index), _at(found, index), f"{path}[{index}]")
    elif expected != found or isinstance(expected, bool) != isinstance(found, bool):
        yield f"{path or 'document'}: expected {_shown(expected)}, found {_shown(found)}"


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else ABSENT


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."
