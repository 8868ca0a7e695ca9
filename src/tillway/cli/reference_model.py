"""Reference pages about the messages: types and fields, audit rules, formats, mapping functions."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tillway.cli.markdown import code, page, section, table
from tillway.connect.settings import describe
from tillway.dialects.registry import dialect_names
from tillway.formats.camt_format import CamtOptions
from tillway.formats.csv_format import CsvOptions
from tillway.formats.json_format import JsonOptions
from tillway.formats.mt940_format import Mt940Options
from tillway.formats.registry import format_names
from tillway.formats.xml_format import XmlOptions
from tillway.mapping import FUNCTIONS, SPECIAL_FORMS
from tillway.model import MESSAGE_TYPES, RULES, MessageType
from tillway.model.catalogue import OBJECT_KEY_SPACE, POS_KEY_FIELDS
from tillway.model.rules import AuditRule
from tillway.reconcile.rules import ALSO_OF_THE_DAY, DAY_RULES

GAP = "SEQ_GAP"
"""Needs the numbers of a day, so no message shows it when it arrives."""
FORMAT_OPTIONS: Mapping[str, type[msgspec.Struct]] = {
    "camt": CamtOptions,
    "csv": CsvOptions,
    "json": JsonOptions,
    "mt940": Mt940Options,
    "ndjson": JsonOptions,
    "poslog": XmlOptions,
    "xml": XmlOptions,
}


def messages_page() -> str:
    """Return the page of the canonical messages, field by field."""
    parts: dict[str, dict[str, Any]] = {}
    sections = [_message(kind, parts) for kind in MESSAGE_TYPES.values()]
    sections += [section(name, _fields(schema)) for name, schema in sorted(parts.items())]
    about = (
        "The canonical messages and the parts they are made of. Amounts and quantities are exact "
        'decimals and travel as text ("12.50").'
    )
    return page("Messages", about, *sections)


def rules_page() -> str:
    """Return the page of the audit rules."""
    about = (
        "What is checked beyond the shape of a message. Severity: error holds what depends on it, "
        "warn is shown, count is only counted, off is asked only where a project sets a severity. "
        "A project sets severity, tolerance and owner of each rule: of those at intake in the "
        "contract of the message, of all of them for the store-day in `recon/store-day.toml`."
    )
    at_intake = (
        "Judged when a message arrives, from the message alone. A breach is a finding: the message "
        'is accepted with it, and a route that `requires = "clean"` holds it back.'
    )
    of_the_day = (
        "Judged with the store-day, master data and the other systems in view. A finding of "
        "severity error holds the posting of its day, never a message."
    )
    both = [RULES[name] for name in ALSO_OF_THE_DAY]
    return page(
        "Audit rules",
        about,
        section("At intake", at_intake, _rules(rule for rule in RULES.values() if rule.id != GAP)),
        section("Of the store-day", of_the_day, _rules([*DAY_RULES.values(), *both])),
    )


def formats_page() -> str:
    """Return the page of formats with their options, and the dialects."""
    sections = [section(name, _options(name)) for name in format_names()]
    dialects = "\n".join(f"* {code(name)}" for name in dialect_names())
    about = "What `format` and `[source.format_options]` of a system may say."
    return page("Formats and dialects", about, *sections, section("Dialects", dialects))


def functions_page() -> str:
    """Return the page of everything a mapping table can call."""
    rows = (
        (code(one.usage), one.makes, one.meaning)
        for one in (*FUNCTIONS.values(), *SPECIAL_FORMS.values())
    )
    about = "Everything an expression can call. A function of a missing value gives nothing."
    return page("Mapping functions", about, table(("Function", "Makes", "Meaning"), rows))


def _rules(rules: Iterable[AuditRule]) -> str:
    ordered = sorted(rules, key=lambda rule: rule.code)
    rows = (
        (code(rule.id), rule.level, "off" if rule.off else rule.severity, rule.code, rule.finds)
        for rule in ordered
    )
    return table(("Rule", "Looks at", "Severity", "Code", "Finds"), rows)


def _message(kind: MessageType, parts: dict[str, dict[str, Any]]) -> str:
    schema = kind.json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    own = definitions.pop(schema["$ref"].rpartition("/")[2])
    parts.update(definitions)
    own_key, order = _names(kind.key_fields), _names(kind.ordering_fields)
    if kind.key_space == OBJECT_KEY_SPACE:
        own_key = f"{_names(POS_KEY_FIELDS)}; without a register's number {own_key}"
        order = f"{order}; without a register's number its key"
    facts = [f"Version {kind.version}.", f"Key: {own_key}."]
    if kind.has_revisions:
        facts.append(f"Revisions: {code('revision')}.")
    if kind.money_field:
        facts.append(f"Money: {code(kind.money_field)}.")
    facts.append(f"Keeps its order by: {order}.")
    return section(kind.name, kind.purpose, " ".join(facts), _fields(own))


def _names(fields: Iterable[str]) -> str:
    return ", ".join(map(code, fields))


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = (
        (
            code(name),
            _kind(field),
            "yes" if name in required else "",
            field.get("description", ""),
        )
        for name, field in schema.get("properties", {}).items()
    )
    return table(("Field", "Kind", "Required", "Meaning"), rows)


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kinds(field["anyOf"])))
    if "enum" in field:
        return " ".join(code(str(value)) for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    if field.get("format") == "decimal":
        return "decimal"
    return str(field.get("format") or field.get("type", "any"))


def _kinds(fields: list[dict[str, Any]]) -> Iterator[str]:
    for field in fields:
        if field.get("type") != "null":
            yield _kind(field)


def _options(name: str) -> str:
    struct = FORMAT_OPTIONS[name]
    rows = ((code(one.name), one.type, code(one.default) or "empty") for one in describe(struct))
    return f"{inspect.getdoc(struct)}\n\n{table(('Option', 'Kind', 'Default'), rows)}"
