"""Checks the target fields of a mapping table against the canonical message it makes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec
from msgspec import inspect

from tillway.errors import ConfigurationError
from tillway.mapping.numbers import NORMAL_FORMS
from tillway.mapping.rows import Block
from tillway.mapping.syntax import Call, Choice, Coalesce, CodeLookup, Literal, Node
from tillway.model.header import PosFact
from tillway.model.normal_form import exact_kinds
from tillway.spelling import nearest

_NO_NUMBERS = (
    inspect.StrType,
    inspect.BoolType,
    inspect.EnumType,
    inspect.DateType,
    inspect.DateTimeType,
    inspect.NoneType,
)


@cache
def shape_of(struct: type[msgspec.Struct]) -> inspect.Type:
    """Return what msgspec knows of a message or part; several tables make the same ones."""
    return inspect.type_info(struct)


def unknown_targets(top: Block, struct: type[msgspec.Struct]) -> list[ConfigurationError]:
    """Return one error (TW-3308) for every row whose target the message does not have."""
    return list(_unknown(top, shape_of(struct), top.kind))


def missing_targets(top: Block, struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the required fields of the message that no row makes, outside of lists.

    A fact of a till needs its number and till, unless the table gives it an object_id.
    """
    made = {row.target[0] for row in top.rows} | {block.target[0] for block in top.blocks}
    required = {field.encode_name for field in _fields(shape_of(struct)) if field.required}
    if issubclass(struct, PosFact) and "object_id" not in made:
        required |= {"workstation_id", "sequence_number"}
    return tuple(name for name in struct.__struct_fields__ if name in required - made)


def code_choices(
    top: Block, struct: type[msgspec.Struct]
) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield (code table, field, values) where codes go as they are into a field of few values.

    The targets must be known to exist.
    """
    yield from _code_choices(top, shape_of(struct), "")


def _code_choices(
    block: Block, info: inspect.Type, above: str
) -> Iterator[tuple[str, str, frozenset[str]]]:
    for row in block.rows:
        found = _target(info, row.target)
        values = None if isinstance(found, str) else _values_of(found)
        if values is not None:
            for table in _codes_made(row.node):
                yield table, above + row.name, values
    for inner in block.blocks:
        found = _target(info, inner.target)
        below = None if isinstance(found, str) else item_of(found)
        if below is not None:
            yield from _code_choices(inner, below, f"{above}{'.'.join(inner.target)}[].")


def _codes_made(node: Node) -> Iterator[str]:
    """Yield the code tables whose codes a part may make as they are."""
    match node:
        case CodeLookup(table=table):
            yield table
        case Choice(then=then, otherwise=otherwise):
            yield from _codes_made(then)
            yield from _codes_made(otherwise)
        case Coalesce(parts=parts):
            for part in parts:
                yield from _codes_made(part)


def _values_of(info: inspect.Type) -> frozenset[str] | None:
    """Return the only texts a field takes, None where it takes more."""
    values: set[str] = set()
    for option in options_of(info):
        match option:
            case inspect.LiteralType(values=some):
                values.update(map(str, some))
            case inspect.NoneType():
                pass
            case _:
                return None
    return frozenset(values)


def makes_exact_numbers(top: Block, struct: type[msgspec.Struct]) -> bool:
    """Tell whether every number of the message comes out of a function in its normal form.

    Such a message needs no second look at its numbers. The targets must be known to exist.
    """
    return _is_exact(top, shape_of(struct))


def _is_exact(block: Block, info: inspect.Type) -> bool:
    for row in block.rows:
        found = _target(info, row.target)
        assert not isinstance(found, str), "unknown targets are refused before"
        if not _is_normal(row.node, exact_kinds(found)):
            return False
    for inner in block.blocks:
        found = _target(info, inner.target)
        below = None if isinstance(found, str) else item_of(found)
        assert below is not None, "unknown targets are refused before"
        if not _is_exact(inner, below):
            return False
    return True


def _is_normal(node: Node, kinds: frozenset[str]) -> bool:
    """Tell whether a part makes only what `exact.py` would make of it for a field of these kinds.

    kinds is empty where no number of the model goes.
    """
    match node:
        case Literal(value=None):
            return True
        case Call(function=function):
            return not kinds or kinds == {NORMAL_FORMS.get(function)}
        case Choice(then=then, otherwise=otherwise):
            return _is_normal(then, kinds) and _is_normal(otherwise, kinds)
        case Coalesce(parts=parts):
            return all(_is_normal(part, kinds) for part in parts)
        case _:
            return not kinds


def _unknown(block: Block, info: inspect.Type, owner: str) -> Iterator[ConfigurationError]:
    for row in block.rows:
        found = _target(info, row.target)
        if isinstance(found, str):
            yield _error(f"{owner} row", row.name, row.at, found)
    for inner in block.blocks:
        assert inner.source is not None
        found = _target(info, inner.target)
        if isinstance(found, str):
            yield _error(inner.kind, inner.name, inner.source.at, found)
            continue
        below = item_of(found)
        if below is None:
            problem = "it holds no list in this message"
            yield _error(inner.kind, inner.name, inner.source.at, problem)
            continue
        yield from _unknown(inner, below, inner.name)


def _target(info: inspect.Type, path: tuple[str, ...]) -> inspect.Type | str:
    """Return the type a path leads to, or a sentence about the step that leads nowhere."""
    for step in path:
        plain = plain_of(info)
        if isinstance(plain, inspect.DictType | inspect.AnyType):
            return inspect.AnyType()
        fields = {field.encode_name: field.type for field in _fields(plain)}
        if step not in fields:
            return f"{nearest(step, fields)}known fields: {', '.join(fields) or 'none'}"
        info = fields[step]
    return info


def field_at(info: inspect.Type, path: tuple[str, ...]) -> inspect.Field | None:
    """Return the field of the model a path leads to; None where the model takes anything."""
    found = None
    for step in path:
        found = next((field for field in _fields(info) if field.encode_name == step), None)
        if found is None:
            return None
        info = found.type
    return found


def takes_none(info: inspect.Type) -> bool:
    """Tell whether None may stand for a value that is not there."""
    return any(isinstance(option, inspect.NoneType) for option in options_of(info))


def refuses_floats(info: inspect.Type) -> bool:
    """Tell whether the model refuses a float here by itself; an integer field takes 1.0."""
    return all(isinstance(option, _NO_NUMBERS) for option in options_of(info))


def refuses_emptiness(info: inspect.Type) -> bool:
    """Tell whether the model refuses an object that holds nothing but None."""
    return any(field.required and not takes_none(field.type) for field in _fields(info))


def options_of(info: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the types a value may have, without metadata."""
    if isinstance(info, inspect.Metadata):
        return options_of(info.type)
    if isinstance(info, inspect.UnionType):
        return tuple(below for option in info.types for below in options_of(option))
    return (info,)


def item_of(info: inspect.Type) -> inspect.Type | None:
    """Return what the members of a list are, None for what is no list."""
    plain = plain_of(info)
    if isinstance(plain, inspect.VarTupleType | inspect.ListType):
        return plain.item_type
    return plain if isinstance(plain, inspect.AnyType) else None


def plain_of(info: inspect.Type) -> inspect.Type:
    """Return a type without None and metadata; the first of several."""
    options = options_of(info)
    return next((one for one in options if not isinstance(one, inspect.NoneType)), options[0])


def _fields(info: inspect.Type) -> tuple[inspect.Field, ...]:
    plain = plain_of(info)
    return plain.fields if isinstance(plain, inspect.StructType) else ()


def _error(what: str, name: str, at: str, advice: str) -> ConfigurationError:
    detail = f'{what} "{name}" names a field that the message does not have ({at})'
    return ConfigurationError("TW-3308", detail, path=name, at=at, advice=advice)
