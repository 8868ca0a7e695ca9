"""Reads a contract file: the subset of the Open Data Contract Standard 3.1 that Tillway checks.

Every field a contract names must exist in the canonical model; what the standard leaves to tools
(`arithmetic`, `sequence`) stands in customProperties.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from tillway.contracts import vocabulary as words
from tillway.contracts.contract import ArithmeticRule, Contract, Owner, SequenceExpectation
from tillway.contracts.demands import Demand
from tillway.contracts.document import Entry, read_document
from tillway.contracts.fields import Field, fields_of
from tillway.model.catalogue import MESSAGE_TYPES, message_type
from tillway.model.rules import RULES
from tillway.spelling import nearest

_VERSION = re.compile(r"v?(\d{1,6})(\.\d{1,6}){0,2}")
_RESET = re.compile(r"never|daily|wrap_at_[1-9][0-9]{0,17}")


def load_contract(text: str, *, file: str) -> Contract:
    """Read `contracts/<message_type>/v<N>.odcs.yaml`.

    Raises ConfigurationError with file, line and nearest known name: TW-2101 for a document that is
    not a contract of the standard, TW-2102 for a field, value, rule or type the model lacks,
    TW-2103 for a rule that Tillway would not check.
    """
    document = read_document(text, file)
    document.only(words.CONTRACT_KEYS)
    _check_head(document)
    name, properties = _schema(document)
    custom = _custom(document)
    owner = _owner(document)
    version = _needed(document, "version").value
    found = _VERSION.fullmatch(str(version))
    if found is None:
        raise _needed(document, "version").error("no version", 'write version: "1.0.0"')
    return Contract(
        message_type=name,
        version=int(found.group(1)),
        full_version=str(version),
        status=_needed(document, "status").text(),
        owner=owner,
        description=_description(document),
        demands=_demands(properties, fields_of(message_type(name).struct)),
        arithmetic=_arithmetic(custom.get(words.ARITHMETIC)),
        sequence=_sequence(custom.get(words.SEQUENCE), message_type(name).struct),
        file=file,
    )


def _needed(entry: Entry, key: str) -> Entry:
    found = entry.get(key)
    if found is None:
        raise entry.error(f"{key} is missing", f"write {key}: ...")
    return found


def _check_head(document: Entry) -> None:
    _one_of(_needed(document, "apiVersion"), words.API_VERSIONS)
    _one_of(_needed(document, "kind"), ("DataContract",))
    _one_of(_needed(document, "status"), words.STATUSES)
    _needed(document, "id").text()


def _one_of(entry: Entry, known: Iterable[str], code: str = "TW-2101") -> str:
    names = tuple(known)
    value = entry.value
    if value not in names:
        near = nearest(value, names) if isinstance(value, str) else ""
        raise entry.error(f'"{value}" is not known here', f"{near}use {', '.join(names)}", code)
    return str(value)


def _schema(document: Entry) -> tuple[str, list[Entry]]:
    objects = _needed(document, "schema").items()
    if len(objects) != 1:
        raise _needed(document, "schema").error(
            "a contract has one schema object", "write one contract for each message type"
        )
    table = objects[0]
    table.only(words.OBJECT_KEYS)
    _refuse_unchecked(table)
    name = _one_of(_needed(table, "name"), MESSAGE_TYPES, "TW-2102")
    properties = table.get("properties")
    return name, properties.items() if properties else []


def _owner(document: Entry) -> Owner:
    team = _needed(document, "team")
    team.only(words.TEAM_KEYS)
    support = document.get("support")
    channels = support.items() if support else []
    for channel in channels:
        channel.only(words.SUPPORT_KEYS)
    contact = ""
    if channels:
        contact = (channels[0].get("url") or _needed(channels[0], "channel")).text()
    return Owner(_needed(team, "name").text(), contact)


def _description(document: Entry) -> str:
    description = document.get("description")
    if description is None:
        return ""
    description.only(words.DESCRIPTION_KEYS)
    purpose = description.get("purpose")
    return purpose.text() if purpose else ""


def _demands(properties: list[Entry], known: dict[str, Field]) -> tuple[Demand, ...]:
    found: dict[str, Demand] = {}
    for entry in properties:
        entry.only(words.PROPERTY_KEYS)
        name = _needed(entry, "name")
        field = known.get(name.text())
        if field is None:
            names = ", ".join(known) or "none"
            advice = f"{nearest(name.text(), known)}known fields: {names}"
            raise name.error(f'the message has no field "{name.value}"', advice, "TW-2102")
        if name.value in found:
            raise name.error(f'the field "{name.value}" stands here twice', "join the two entries")
        found[name.value] = _demand(entry, name.value, field)
    return tuple(demand for demand in found.values() if not demand.is_empty())


def _demand(entry: Entry, name: str, field: Field) -> Demand:
    required = entry.get("required")
    if required is not None and not isinstance(required.value, bool):
        raise required.error("required is true or false", "write required: true")
    items, inner = entry.get("items"), entry.get("properties")
    if items is not None:
        items.only((*words.PROPERTY_KEYS,))
        _refuse_unchecked(items)
        inner = items.get("properties")
    if (items is not None) != field.many and (items is not None or inner is not None):
        problem = "is a list: write items" if field.many else "is no list: write properties"
        raise entry.error(f'the field "{name}" {problem}', "follow the model", "TW-2102")
    return Demand(
        name,
        required=required is not None and required.value is True,
        allowed=_allowed(entry, field),
        many=field.many,
        inner=_demands(inner.items(), field.inner()) if inner is not None else (),
    )


def _allowed(entry: Entry, field: Field) -> tuple[str, ...] | None:
    _refuse_unchecked(entry)
    quality = entry.get("quality")
    for rule in quality.items() if quality else []:
        if rule.get("metric") is not None:
            return _valid_values(rule, field)
    return None


def _valid_values(rule: Entry, field: Field) -> tuple[str, ...]:
    arguments = _needed(rule, "arguments")
    arguments.only(("validValues",))
    listed = _needed(arguments, "validValues")
    values = []
    for value in listed.items():
        known = field.values()
        values.append(_one_of(value, known, "TW-2102") if known else value.text())
    if not values:
        raise listed.error("validValues is empty", "name at least one value")
    return tuple(values)


def _refuse_unchecked(entry: Entry) -> None:
    """Refuse the quality rules that nothing here would check."""
    quality = entry.get("quality")
    on_field = entry.get("name") is not None and entry.get("dataGranularityDescription") is None
    for rule in quality.items() if quality else []:
        kind = rule.get("type")
        if kind is not None and kind.value == "text":
            continue
        rule.only(words.QUALITY_KEYS)
        metric, limit = rule.get("metric"), rule.get("mustBe")
        checked = metric is not None and metric.value == "invalidValues"
        if not (checked and on_field and limit is not None and limit.value == 0):
            raise rule.error(
                "Tillway would not check this rule",
                "use metric: invalidValues with arguments: validValues and mustBe: 0 on a field, "
                "or keep it as type: text",
                "TW-2103",
            )


def _custom(document: Entry) -> dict[str, Entry]:
    listed = document.get("customProperties")
    found: dict[str, Entry] = {}
    for entry in listed.items() if listed else []:
        entry.only(words.CUSTOM_KEYS)
        name = _needed(entry, "property").text()
        near = nearest(name, words.OWN_PROPERTIES)
        if name not in words.OWN_PROPERTIES and near:
            raise entry.error(f'unknown custom property "{name}"', f"{near}or rename it")
        found[name] = _needed(entry, "value")
    return found


def _arithmetic(entry: Entry | None) -> dict[str, ArithmeticRule]:
    if entry is None:
        return {}
    found = {}
    for name, settings in entry.fields().items():
        if name not in RULES:
            advice = f"{nearest(name, RULES)}known rules: {', '.join(RULES)}"
            raise settings.error(f'there is no audit rule "{name}"', advice, "TW-2102")
        settings.only(words.ARITHMETIC_KEYS)
        severity = settings.get("severity")
        found[name] = ArithmeticRule(
            _one_of(severity, words.SEVERITIES) if severity else None,  # type: ignore[arg-type]
            _tolerance(settings.get("tolerance")),
        )
    return found


def _tolerance(entry: Entry | None) -> Decimal | None:
    if entry is None:
        return None
    try:
        value = Decimal(str(entry.value))
    except ArithmeticError:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise entry.error("a tolerance is an amount of 0 or more", 'write tolerance: "0.01"')
    return value


def _sequence(entry: Entry | None, struct: type[Struct]) -> SequenceExpectation | None:
    if entry is None:
        return None
    entry.only(words.SEQUENCE_KEYS)
    known = fields_of(struct)
    scope = tuple(_one_of(one, known, "TW-2102") for one in _needed(entry, "scope").items())
    reset = _needed(entry, "reset")
    if not isinstance(reset.value, str) or not _RESET.fullmatch(reset.value):
        raise reset.error("reset is never, daily or wrap_at_<N>", "write reset: never")
    if not scope:
        raise entry.error("the scope is empty", "write scope: [business_unit_id, workstation_id]")
    return SequenceExpectation(scope, reset.value)
