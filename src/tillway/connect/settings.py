"""Turns a table of settings into a connector's own Struct, and says in plain words what is wrong.

The Struct is the documentation too: `describe` lists its fields for the generated reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from tillway.errors import ConfigurationError
from tillway.security.secrets import HIDDEN, Secret
from tillway.spelling import nearest

SettingsType = TypeVar("SettingsType", bound=msgspec.Struct)
_AT = re.compile(r" - at `\$\.?(.*)`$")
_TYPE_WORDS = {
    "StrType": "text",
    "IntType": "integer",
    "FloatType": "number",
    "BoolType": "true or false",
    "ListType": "list",
    "VarTupleType": "list",
    "DictType": "table",
}


def says(description: str, *examples: Any, secret: bool = False) -> msgspec.Meta:
    """Return the words of one setting, for `Annotated`; an example may name a secret."""
    return msgspec.Meta(
        description=description,
        examples=list(examples) or None,
        extra={"secret": True} if secret else None,
    )


class Field(msgspec.Struct, frozen=True):
    """One setting as the reference shows it. default is "" for a required setting."""

    name: str
    type: str
    default: str
    required: bool
    meaning: str
    secret: bool
    example: str


def settings_from(
    struct_type: type[SettingsType], values: Mapping[str, Any], where: str
) -> SettingsType:
    """Return the settings as a Struct. where names the file or table, for people.

    Raises ConfigurationError TW-4180 (unknown name), TW-4181 (wrong value), TW-4182 (missing) or
    TW-8101 (a secret written down instead of `${secret:name}`). `setting_problems` lists them all.
    """
    for problem in _name_and_secret_problems(struct_type, values, where):
        raise problem
    return _converted(struct_type, values, where)


def setting_problems(
    struct_type: type[msgspec.Struct], values: Mapping[str, Any], where: str
) -> list[ConfigurationError]:
    """Return everything wrong with the settings, not only the first."""
    problems = _name_and_secret_problems(struct_type, values, where)
    known = {field.name for field in describe(struct_type)}
    try:
        _converted(struct_type, {n: v for n, v in values.items() if n in known}, where)
    except ConfigurationError as problem:
        problems.append(problem)
    return problems


@cache
def describe(struct_type: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return the settings of a connector in the order they are declared."""
    shape = inspect.type_info(struct_type)
    assert isinstance(shape, inspect.StructType)
    return tuple(_described(field) for field in shape.fields)


def _described(field: inspect.Field) -> Field:
    plain, schema, extra = _unwrapped(field.type)
    secret = bool(extra.get("secret"))
    examples = schema.get("examples") or [""]
    return Field(
        name=field.encode_name,
        type=_type_word(plain),
        default="" if field.required else _default_text(field),
        required=field.required,
        meaning=str(schema.get("description", "")),
        secret=secret,
        example="${secret:name}" if secret and not examples[0] else str(examples[0]),
    )


def _unwrapped(kind: inspect.Type) -> tuple[inspect.Type, dict[str, Any], dict[str, Any]]:
    if isinstance(kind, inspect.Metadata):
        return kind.type, kind.extra_json_schema or {}, kind.extra or {}
    return kind, {}, {}


def _type_word(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return _type_word(kind.type)
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(str(value) for value in kind.values)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_type_word(option) for option in kind.types)
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return f"list of {_type_word(kind.item_type)}"
    return _TYPE_WORDS.get(type(kind).__name__, type(kind).__name__.removesuffix("Type").lower())


def _default_text(field: inspect.Field) -> str:
    value = (
        field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    )
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(list(value)) if isinstance(value, tuple) else str(value)


def _name_and_secret_problems(
    struct_type: type[msgspec.Struct], values: Mapping[str, Any], where: str
) -> list[ConfigurationError]:
    fields = {field.name: field for field in describe(struct_type)}
    problems = []
    for name, value in values.items():
        if name not in fields:
            problems.append(_unknown(name, sorted(fields), where))
        elif fields[name].secret and _written_down(value):
            problems.append(_literal(name, where))
    return problems


def _written_down(value: Any) -> bool:
    parts = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(part, str) and part and not isinstance(part, Secret) for part in parts)


def _unknown(name: str, known: list[str], where: str) -> ConfigurationError:
    return ConfigurationError(
        "TW-4180",
        f'{where}: there is no setting "{name}"',
        path=name,
        advice=f"{nearest(name, known)}Settings here: {', '.join(known)}.",
        file=where,
    )


def _literal(name: str, where: str) -> ConfigurationError:
    return ConfigurationError(
        "TW-8101",
        f'{where}: "{name}" holds a secret and has its value written down',
        path=name,
        value=HIDDEN,
        advice=f'Write {name} = "${{secret:{name}}}" and keep the value outside the project.',
        file=where,
    )


def _converted(
    struct_type: type[SettingsType], values: Mapping[str, Any], where: str
) -> SettingsType:
    try:
        return msgspec.convert(values, struct_type)
    except msgspec.ValidationError as fault:
        text = str(fault)
        missing = re.search(r"missing required field `(.+?)`", text)
        if missing:
            raise ConfigurationError(
                "TW-4182",
                f'{where}: setting "{missing[1]}" is missing',
                path=missing[1],
                file=where,
            ) from None
        at = _AT.search(text)
        path = at[1] if at else ""
        sentence = _AT.sub("", text).replace("`", "")
        raise ConfigurationError(
            "TW-4181", f'{where}: setting "{path}": {sentence}', path=path, file=where
        ) from None
