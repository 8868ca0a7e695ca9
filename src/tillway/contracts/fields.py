"""What the canonical model knows about the fields of a message: lists, parts and closed values."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import inspect


class Field(msgspec.Struct, frozen=True):
    """One field; kind is the type of its value, or of its items where many is set."""

    kind: inspect.Type
    many: bool

    def inner(self) -> dict[str, Field]:
        """Return the fields of a part; {} for a plain value."""
        return fields_of(self.kind.cls) if isinstance(self.kind, inspect.StructType) else {}

    def values(self) -> tuple[str, ...]:
        """Return the closed list of values; () where any value of the type will do."""
        if isinstance(self.kind, inspect.LiteralType):
            return tuple(str(value) for value in self.kind.values)
        return ()


@cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, Field]:
    """Return the fields of a message or part by name."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name: _field(field.type) for field in info.fields}


def _field(info: inspect.Type) -> Field:
    plain = _plain(info)
    if isinstance(plain, inspect.VarTupleType | inspect.ListType):
        return Field(_plain(plain.item_type), many=True)
    return Field(plain, many=False)


def _plain(info: Any) -> inspect.Type:
    """Return a type without None and without metadata."""
    if isinstance(info, inspect.Metadata):
        return _plain(info.type)
    if isinstance(info, inspect.UnionType):
        for option in info.types:
            if not isinstance(option, inspect.NoneType):
                return _plain(option)
    assert isinstance(info, inspect.Type)
    return info
