"""Reference pages about the watch: alert rules, metrics, log events and service levels."""

from __future__ import annotations

import msgspec

from tillway.cli.markdown import code, page, section, table
from tillway.project.alert_records import ServiceLevels
from tillway.watch.log_events import EVENTS, MESSAGE_EVENTS, MESSAGE_FIELDS
from tillway.watch.metrics import METRICS
from tillway.watch.rules import RULES
from tillway.watch.service_levels import FORMULAS


def alerts_page() -> str:
    """Return the page of alert rules."""
    about = (
        "What the hub tells people about. A threshold, a priority or `off = true` may be set for "
        "each in `alerts/rules.toml`; [Alerts](../operating/alerts.md) says how."
    )
    rows = [
        (
            f"[{rule.name}](../operating/{rule.runbook})",
            rule.priority,
            rule.fires,
            f"{rule.threshold:g} {rule.unit}" if rule.unit else "",
            rule.over,
            rule.told,
        )
        for rule in RULES.values()
    ]
    columns = ("Rule", "Priority", "Fires when", "Threshold", "Measured over", "Told")
    return page("Alert rules", about, table(columns, rows))


def metrics_page() -> str:
    """Return the page of metrics and of service levels."""
    about = "What `/metrics` tells, as Prometheus text. Names and labels are public."
    rows = [
        (code(one.name), one.kind, ", ".join(map(code, one.labels)), one.help, one.source)
        for one in METRICS.values()
    ]
    promises = [
        (code(name), str(usual)) for name, usual in msgspec.structs.asdict(ServiceLevels()).items()
    ]
    return page(
        "Metrics and service levels",
        about,
        section("Metrics", table(("Name", "Kind", "Labels", "Meaning", "From"), rows)),
        section("Promises", table(("Setting", "Default"), promises)),
        section("Formulas", table(("Figure", "Formula"), list(FORMULAS.items()))),
        section("Log events of a message", _message_events()),
        section("Log events of the hub", _hub_events()),
    )


def _message_events() -> str:
    events = [(code(one.name), one.level, one.meaning) for one in MESSAGE_EVENTS.values()]
    fields_of_all = [(code(name), meaning) for name, meaning in MESSAGE_FIELDS]
    return "\n\n".join(
        (
            table(("Event", "Level", "Meaning"), events),
            "Their fields; one that is empty is left out:",
            table(("Field", "Meaning"), fields_of_all),
        )
    )


def _hub_events() -> str:
    rows = [
        (code(one.name), one.sentence, ", ".join(code(name) for name in one.fields if name))
        for one in EVENTS.values()
    ]
    return table(("Event", "What people read", "Fields"), rows)
