"""What a notice says: the impact first, then the cause, what to do, and where to look.

The same facts as a text for people and as a document for machines.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tillway.clock import utc_text
from tillway.observe.amounts import amount_of, amount_text
from tillway.observe.moments import age_text, local_text, seconds_since
from tillway.watch.alerts import Alert, Notice
from tillway.watch.rules import RULES
from tillway.watch.scene import SHOWN_STORES

TEXT_STORES = 12
_HEADS = {
    "opened": "",
    "raised": "raised to {priority}: ",
    "repeated": "still open: ",
    "escalated": "escalated: ",
    "recovered": "recovered: ",
    "summary": "",
    "test": "test: ",
}


def subject_of(notice: Notice, project: str) -> str:
    """Return one line: priority, project, and what it is about."""
    head = _HEADS[notice.kind].format(priority=notice.priority)
    if notice.kind == "summary":
        count = sum(one.count for one in notice.alerts)
        title = RULES[notice.alerts[0].rule].fires
        many = "cause" if len(notice.alerts) == 1 else "causes"
        told = f"{title}: {count:,} in {len(notice.alerts)} {many}"
    else:
        told = notice.alerts[0].headline
    return f"[{notice.priority}] {project}: {head}{told}"


def text_of(notice: Notice, project: str, console: str, zone: str, now: int) -> str:
    """Return the whole notice for people."""
    parts = [subject_of(notice, project), ""]
    for alert in notice.alerts:
        parts += [*_lines(notice, alert, console, zone, now), ""]
    return "\n".join(parts).rstrip() + "\n"


def document_of(notice: Notice, project: str, console: str, now: int) -> dict[str, Any]:
    """Return the notice as plain values; amounts are decimals as text, per currency."""
    return {
        "type": f"alert.{notice.kind}",
        "timestamp": utc_text(now),
        "data": {
            "project": project,
            "priority": notice.priority,
            "summary": subject_of(notice, project),
            "alerts": [alert_as_json(one, console) for one in notice.alerts],
        },
    }


def alert_as_json(alert: Alert, console: str = "") -> dict[str, Any]:
    """Return one alert as plain values; times are RFC 3339 in UTC, null for not yet."""
    rule = RULES[alert.rule]
    return {
        "name": alert.name,
        "rule": alert.rule,
        "subject": alert.subject,
        "priority": alert.priority,
        "state": alert.state,
        "headline": alert.headline,
        "count": alert.count,
        "stores": list(alert.stores[:SHOWN_STORES]),
        "stores_counted": len(alert.stores),
        "money": {name: str(amount_of(minor, name)) for name, minor in sorted(alert.money.items())},
        "since": _moment(alert.since),
        "opened_at": _moment(alert.opened_at),
        "closed_at": _moment(alert.closed_at),
        "first": alert.first,
        "code": alert.code,
        "detail": alert.detail,
        "cause": rule.likely,
        "advice": rule.advice,
        "runbook": rule.runbook,
        "link": link_of(alert, console),
        "acknowledged_at": _moment(alert.acked_at),
        "acknowledged_by": alert.acked_by,
        "acknowledged_because": alert.acked_because,
    }


def link_of(alert: Alert, console: str) -> str:
    """Return where the console shows what an alert is about; without an address, the path."""
    rule = RULES[alert.rule]
    subject, _, more = alert.subject.partition(" ")
    screen = rule.together if more and rule.together else rule.screen
    return console + screen.format(subject=quote(subject, safe=""))


def _lines(notice: Notice, alert: Alert, console: str, zone: str, now: int) -> list[str]:
    rule = RULES[alert.rule]
    since = f"{local_text(alert.since, zone)} ({age_text(seconds_since(alert.since, now))} ago)"
    rows = [("what", alert.headline)] if len(notice.alerts) > 1 else []
    rows += [
        ("impact", _impact(alert)),
        ("since", since),
        ("first", alert.first),
        ("cause", " ".join(filter(None, [alert.code, alert.detail])) or rule.likely),
    ]
    if notice.kind == "recovered":
        rows.append(("over", local_text(alert.closed_at, zone)))
    else:
        rows += [("likely", rule.likely), ("do", rule.advice)]
    rows += [
        ("look", link_of(alert, console)),
        ("runbook", f"docs/operating/{rule.runbook}"),
        ("alert", f"{alert.name} {alert.rule} {alert.subject}"),
    ]
    return [f"{label:<8} {text}" for label, text in rows if text]


def _impact(alert: Alert) -> str:
    """Return stores, count and money in one sentence."""
    shown = ", ".join(alert.stores[:TEXT_STORES])
    more = len(alert.stores) - TEXT_STORES
    stores = f"{len(alert.stores)} stores ({shown}{f' and {more} more' if more > 0 else ''})"
    if len(alert.stores) == 1:
        stores = f"store {alert.stores[0]}"
    money = ", ".join(
        amount_text(amount_of(minor, name), name) for name, minor in sorted(alert.money.items())
    )
    parts = [
        stores if alert.stores else "",
        f"{alert.count:,} in all" if alert.count else "",
        money,
    ]
    return "; ".join(filter(None, parts))


def _moment(microseconds: int) -> str | None:
    return utc_text(microseconds) if microseconds else None
