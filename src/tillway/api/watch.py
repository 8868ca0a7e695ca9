"""Alerts, service levels and flows over the API: what is open, who cares for it, what was kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, get_args

import msgspec

from tillway.access.callers import Caller
from tillway.api.asgi import Call, Reply, json_reply
from tillway.api.described import Operation, Parameter
from tillway.api.fields import Text, body_as, who_acts
from tillway.clock import utc_text
from tillway.observe.moments import parse_moment
from tillway.project.alert_records import Priority
from tillway.watch import RULES, Alert, Mute, Watch, alert_as_json, rule_as_json
from tillway.watch.level_sheets import levels_csv
from tillway.watch.service_levels import PERIODS, levels_as_json
from tillway.watch.windows import as_point

Handler = Callable[[Call], Awaitable[Reply]]


class AckRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of ack: the name of an open alert, or its first digits."""

    name: Text
    who: Text = ""
    reason: Text = ""


class MuteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of mute. rule and subject "" for all; until: as the command line takes moments."""

    until: Text
    who: Text = ""
    rule: Text = ""
    subject: Text = ""
    reason: Text = ""


class AlertTestRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Body of test: names of receivers, none for all."""

    who: Text = ""
    receivers: list[Text] = []


class AlertRow(msgspec.Struct):
    """One alert; see docs/operating/alerts.md."""

    name: str
    rule: str
    subject: str
    priority: Priority
    state: Literal["open", "closed"]
    headline: str
    count: int
    stores: list[str]
    stores_counted: int
    money: dict[str, str]
    since: str | None
    opened_at: str | None
    closed_at: str | None
    first: str
    code: str
    detail: str
    cause: str
    advice: str
    runbook: str
    link: str
    acknowledged_at: str | None
    acknowledged_by: str
    acknowledged_because: str
    muted: bool


class MuteRow(msgspec.Struct):
    """One mute."""

    rule: str
    subject: str
    until: str
    who: str
    reason: str
    at: str


class AlertsAnswer(msgspec.Struct):
    """What is open, what was lately, what is muted, and the rules in force."""

    schema: Literal["tillway.alerts.list/1"]
    open: list[AlertRow]
    closed: list[AlertRow]
    mutes: list[MuteRow]
    rules: list[dict[str, Any]]
    unsent: int


class AckAnswer(msgspec.Struct):
    """The alert as it is now."""

    schema: Literal["tillway.alerts.ack/1"]
    alert: AlertRow


class MuteAnswer(msgspec.Struct):
    """The mute as it stands."""

    schema: Literal["tillway.alerts.mute/1"]
    mute: MuteRow


class AlertTestAnswer(msgspec.Struct):
    """Receiver -> "" when it took the message, else why not."""

    schema: Literal["tillway.alerts.test/1"]
    receivers: dict[str, str]


class LevelsAnswer(msgspec.Struct):
    """Service levels of one period."""

    schema: Literal["tillway.status.sla/1"]
    period: str
    met: bool
    routes: list[dict[str, Any]]
    uptime_percent: float
    promised_uptime_percent: float
    consistency_percent: float | None
    promised_consistency_percent: float
    formulas: dict[str, str]


class SeriesAnswer(msgspec.Struct):
    """Windows of flows, oldest first."""

    schema: Literal["tillway.flows/1"]
    period: str
    flows: dict[str, list[dict[str, Any]]]


PERIOD = Parameter("period", "24h unless asked.", choices=tuple(PERIODS))
UNDIVIDED = frozenset({"SuccessRate", "BreakerOpen"})
"""Rules whose words tell of deliveries of every shop, whichever shops failed."""
WATCH_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "alerts",
        "GET",
        "alerts.read",
        "Open alerts, those that ended lately, and mutes.",
        AlertsAnswer,
        query=(Parameter("priority", "Only this one.", choices=get_args(Priority)),),
    ),
    Operation(
        "sla",
        "GET",
        "status.read",
        "What was promised of each route and what was kept.",
        LevelsAnswer,
        query=(PERIOD,),
        every_store=True,
    ),
    Operation(
        "sla/export",
        "GET",
        "status.read",
        "The same as CSV.",
        "text/csv",
        query=(PERIOD,),
        every_store=True,
    ),
    Operation(
        "flows",
        "GET",
        "status.read",
        "Deliveries, failures and p95 over time, per route and source.",
        SeriesAnswer,
        query=(PERIOD, Parameter("flow", "One flow: `route/<name>` or `source/<name>`.")),
        every_store=True,
    ),
    Operation(
        "alerts/ack",
        "POST",
        "alerts.act",
        "Say that somebody looks after an alert.",
        AckAnswer,
        body=AckRequest,
        every_store=True,
    ),
    Operation(
        "alerts/mute",
        "POST",
        "alerts.act",
        "Hold notices back until a moment.",
        MuteAnswer,
        body=MuteRequest,
        every_store=True,
    ),
    Operation(
        "alerts/test",
        "POST",
        "alerts.act",
        "Send a marked message through every channel.",
        AlertTestAnswer,
        body=AlertTestRequest,
        every_store=True,
    ),
)


class WatchAnswers(msgspec.Struct, frozen=True):
    """Answers and carries out what concerns the watch of a running hub."""

    watch: Watch

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return what answers the operations of this file."""
        return {
            "GET alerts": self.alerts,
            "GET sla": self.levels,
            "GET sla/export": self.export,
            "GET flows": self.flows,
            "POST alerts/ack": self.acknowledge,
            "POST alerts/mute": self.mute,
            "POST alerts/test": self.test,
        }

    async def alerts(self, call: Call) -> Reply:
        """Answer what is open and was lately; a caller of some shops sees what is theirs alone."""
        wanted = call.query.get("priority", "")
        return json_reply("alerts.list", alerts_as_json(self.watch, call.caller, wanted))

    async def levels(self, call: Call) -> Reply:
        """Answer the service levels of a period."""
        found = await self.watch.service_levels(call.query.get("period", "24h"))
        return json_reply("status.sla", levels_as_json(found))

    async def export(self, call: Call) -> Reply:
        """Answer the service levels of a period as CSV."""
        found = await self.watch.service_levels(call.query.get("period", "24h"))
        headers = {"content-disposition": f'attachment; filename="sla-{found.period}.csv"'}
        return Reply(200, levels_csv(found).encode(), "text/csv; charset=utf-8", headers)

    async def flows(self, call: Call) -> Reply:
        """Answer the windows of one flow or of all."""
        period = call.query.get("period", "24h")
        flow = call.query.get("flow", "")
        points: dict[str, list[Any]] = {}
        for one in await self.watch.series(flow, period):
            points.setdefault(one.flow, []).append(as_point(one))
        return json_reply("flows", {"period": period, "flows": points})

    async def acknowledge(self, call: Call) -> Reply:
        """Note who looks after an alert."""
        request = await body_as(call, AckRequest)
        alert = await self.watch.acknowledge(
            request.name, who_acts(call, request.who), request.reason
        )
        return json_reply("alerts.ack", {"alert": _row(self.watch, alert)})

    async def mute(self, call: Call) -> Reply:
        """Hold notices back."""
        request = await body_as(call, MuteRequest)
        zone = self.watch.release.hub.time_zone
        until = parse_moment(request.until, now=self.watch.now, zone=zone)
        who = who_acts(call, request.who)
        muted = await self.watch.mute(request.rule, request.subject, until, who, request.reason)
        return json_reply("alerts.mute", {"mute": mute_as_json(muted)})

    async def test(self, call: Call) -> Reply:
        """Try the channels."""
        request = await body_as(call, AlertTestRequest)
        found = await self.watch.test(request.receivers, who_acts(call, request.who))
        return json_reply("alerts.test", {"receivers": found})


def alerts_as_json(
    watch: Watch, caller: Caller | None = None, priority: str = ""
) -> dict[str, Any]:
    """Return everything about alerts as plain values, as far as a caller may see it.

    Mutes and unsent notices are of the whole hub, so who sees some shops is told of none.
    """
    whole = caller is None or caller.stores is None

    def rows(found: list[Alert]) -> list[dict[str, Any]]:
        return [
            _row(watch, one)
            for one in found
            if priority in ("", one.priority) and _in_sight(one, caller)
        ]

    book = watch.state.book
    return {
        "open": rows(watch.open_alerts()),
        "closed": rows(book.closed),
        "mutes": [mute_as_json(one) for one in book.mutes if whole],
        "rules": [rule_as_json(name, watch.rules) for name in RULES],
        "unsent": len(watch.state.letters) if whole else 0,
    }


def mute_as_json(mute: Mute) -> dict[str, Any]:
    """Return a mute as plain values."""
    return {
        "rule": mute.rule,
        "subject": mute.subject,
        "until": utc_text(mute.until),
        "who": mute.who,
        "reason": mute.reason,
        "at": utc_text(mute.at),
    }


def _row(watch: Watch, alert: Alert) -> dict[str, Any]:
    muted = watch.state.book.is_muted(alert, watch.now)
    return {**alert_as_json(alert, watch.release.watch.console_url), "muted": muted}


def _in_sight(alert: Alert, caller: Caller | None) -> bool:
    """Say whether a caller may see an alert: who sees some shops, one that tells of these alone."""
    if caller is None or caller.stores is None:
        return True
    divided = alert.rule not in UNDIVIDED and bool(alert.stores)
    return divided and all(caller.sees(store) for store in alert.stores)
