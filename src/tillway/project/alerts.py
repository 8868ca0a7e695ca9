"""Reads `alerts/rules.toml` and one `alerts/<name>.toml` for each receiver."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from pathlib import PurePosixPath
from typing import Any

import msgspec

from tillway.project.alert_records import (
    PRIORITIES,
    Escalation,
    OpeningHours,
    Priority,
    QuietHours,
    Receiver,
    RuleChoice,
    ServiceLevels,
    WatchSettings,
)
from tillway.project.documents import Document
from tillway.project.problems import Problems
from tillway.project.reading import TableReader
from tillway.security.secrets import Secret

ALERT_RULES = "alerts/rules.toml"
LARGEST_PORT = 65535
_DEFAULTS = WatchSettings()
_LEVELS = ServiceLevels()
_WEB = ("http://", "https://")


def read_alerts(documents: Mapping[str, Document], problems: Problems) -> WatchSettings:
    """Return the settings of the folder, the defaults without one; what is wrong is noted."""
    receivers = {
        name: _receiver(name, TableReader(document, problems))
        for file, document in documents.items()
        if file.startswith("alerts/") and file != ALERT_RULES and (name := PurePosixPath(file).stem)
    }
    document = documents.get(ALERT_RULES)
    if document is None:
        return WatchSettings(receivers=receivers)
    reader = TableReader(document, problems)
    levels, route_levels = _levels(reader)
    found = WatchSettings(
        rules=_rules(reader),
        receivers=receivers,
        escalations=_escalations(reader, receivers),
        console_url=_address(reader, "console_url").rstrip("/"),
        heartbeat_url=_address(reader, "heartbeat_url"),
        report_at=_time(reader, "report_at", _DEFAULTS.report_at),
        levels=levels,
        route_levels=route_levels,
        opening=_opening(reader),
    )
    reader.done()
    return found


def _rules(reader: TableReader) -> dict[str, RuleChoice]:
    """Return what was set for each rule; the watch knows the rules and says which are unknown."""
    rules = reader.table("rules")
    found = {}
    for name in reader.free("rules"):
        rule = rules.table(name) if rules else None
        if rule is None:
            continue
        threshold = rule.number("threshold", -1.0, -1.0)
        word: Any = rule.choice("priority", (*PRIORITIES, ""), "")
        found[name] = RuleChoice(
            threshold if threshold >= 0 else None, word or None, rule.flag("off")
        )
        rule.done()
    return found


def _receiver(name: str, reader: TableReader) -> Receiver:
    kind: Any = reader.choice("kind", ("email", "webhook"), "email")
    reader.require("kind")
    security: Any = reader.choice("security", ("starttls", "tls", "none"), "starttls")
    found = Receiver(
        name=name,
        kind=kind,
        priorities=_priorities(reader, PRIORITIES),
        quiet=_quiet(reader),
        to=reader.texts("to"),
        sender=reader.text("from"),
        host=reader.text("host"),
        port=reader.whole("port", 587, 1, LARGEST_PORT),
        security=security,
        user=reader.text("user"),
        password=_secret(reader, "password"),
        ca_file=reader.text("ca_file"),
        url=_address(reader, "url"),
        secrets=_secrets(reader),
    )
    needed = ("to", "from", "host") if kind == "email" else ("url", "secrets")
    for key in needed:
        reader.require(key)
    reader.done()
    return found


def _priorities(reader: TableReader, default: tuple[Priority, ...]) -> tuple[Priority, ...]:
    found: Any = reader.texts("priorities", default)
    for one in found:
        if one not in PRIORITIES:
            reader.note("priorities", "TW-1103", f'"{one}" is none of {", ".join(PRIORITIES)}')
    return tuple(one for one in PRIORITIES if one in found)


def _quiet(reader: TableReader) -> QuietHours | None:
    quiet = reader.table("quiet")
    if quiet is None:
        return None
    found = QuietHours(
        _time(quiet, "from", time(22)),
        _time(quiet, "to", time(7)),
        _priorities(quiet, ("P3", "P4")),
    )
    if "P1" in found.priorities:
        quiet.note("priorities", "TW-1103", "P1 is told at once, also in quiet hours")
    quiet.done()
    return found


def _escalations(reader: TableReader, receivers: Mapping[str, Receiver]) -> tuple[Escalation, ...]:
    found = []
    for step in reader.tables("escalation"):
        names = step.texts("receivers")
        for name in names:
            if name not in receivers:
                known = ", ".join(sorted(receivers)) or "none yet"
                step.note("receivers", "TW-1103", f"there is no alerts/{name}.toml; known: {known}")
        found.append(Escalation(step.number("after_minutes", 15.0), names))
        step.done()
    return tuple(sorted(found, key=lambda one: one.after_minutes))


def _levels(reader: TableReader) -> tuple[ServiceLevels, dict[str, ServiceLevels]]:
    table = reader.table("service_levels")
    if table is None:
        return _LEVELS, {}
    common = _read_levels(table, _LEVELS)
    by_route = {}
    routes = table.table("routes")
    for name in table.free("routes"):
        route = routes.table(name) if routes else None
        if route is not None:
            by_route[name] = _read_levels(route, common)
            route.done()
    table.done()
    return common, by_route


def _read_levels(table: TableReader, default: ServiceLevels) -> ServiceLevels:
    values: dict[str, Any] = {}
    for name, usual in msgspec.structs.asdict(default).items():
        if isinstance(usual, bool):
            values[name] = table.flag(name, default=usual)
        elif isinstance(usual, int):
            values[name] = table.whole(name, usual)
        else:
            values[name] = table.number(name, usual)
    for name, value in values.items():
        if name.endswith("_percent") and not 0 < value <= 100:
            table.note(name, "TW-1103", f"`{name}` is above 0 and at most 100")
    return msgspec.structs.replace(default, **values)


def _opening(reader: TableReader) -> dict[str, OpeningHours]:
    table = reader.table("opening")
    if table is None:
        return {}
    found = {}
    for name in reader.free("opening"):
        text = table.text(name)
        opens, dash, closes = text.partition("-")
        try:
            hours = OpeningHours(time.fromisoformat(opens), time.fromisoformat(closes))
        except ValueError:
            table.note(name, "TW-1103", f'"{text}" are no hours such as "09:00-20:00"')
            continue
        if not dash or hours.closes <= hours.opens:
            table.note(name, "TW-1103", f'"{text}": a shop closes after it opens')
        found["" if name == "all" else name] = hours
    table.done()
    return found


def _address(reader: TableReader, key: str) -> str:
    text = reader.text(key)
    # A secret keeps itself hidden, and still starts with what it starts with.
    if text and not text.startswith(_WEB):
        reader.note(key, "TW-1103", f"`{key}` begins with https:// or http://")
    return text


def _secret(reader: TableReader, key: str) -> str:
    value = reader.text(key)
    if value and not isinstance(value, Secret):
        _written_down(reader, key)
    return value


def _secrets(reader: TableReader) -> tuple[str, ...]:
    values = reader.texts("secrets")
    if any(not isinstance(value, Secret) for value in values):
        _written_down(reader, "secrets")
    return values


def _written_down(reader: TableReader, key: str) -> None:
    advice = f'Write "${{secret:name}}" in {key} and keep the value outside the project.'
    reader.note(key, "TW-8101", f"`{key}` is a secret and has its value written down", advice)


def _time(reader: TableReader, key: str, default: time) -> time:
    text = reader.text(key)
    try:
        return time.fromisoformat(text) if text else default
    except ValueError:
        reader.note(key, "TW-1103", f'`{key}` is a time such as "08:00", not "{text}"')
        return default
