"""The alert rules, one row each: the engine, the pages and the exported Prometheus rules read them.

A threshold is in the unit beside it and may be set anew in `alerts/rules.toml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from tillway.errors import ConfigurationError
from tillway.project.alert_records import Priority, RuleChoice
from tillway.spelling import nearest

Told = Literal["at once", "hourly", "daily"]
MINUTE = 60.0
REPEAT_SECONDS = 30 * MINUTE
"""A P1 nobody acknowledged is told again this often."""


class Rule(msgspec.Struct, frozen=True):
    """One alert rule. clear_seconds: how long its cause must be gone before it counts as over.

    screen: where in the console its link leads, with {subject} in it; together: where it leads when
    many have the trouble at once. expr: the same rule over the exported metrics, with {threshold}
    in it; "" where no metric holds what it needs.
    """

    name: str
    priority: Priority
    fires: str
    threshold: float
    unit: str
    over: str
    likely: str
    advice: str
    screen: str
    told: Told = "at once"
    clear_seconds: float = 0.0
    expr: str = ""
    together: str = ""

    @property
    def runbook(self) -> str:
        """Return the page that says what to do, in docs/operating/."""
        return f"alerts/{_dashed(self.name)}.md"


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "SuccessRate",
            "P1",
            "the success rate of a route is below the threshold",
            95,
            "per cent",
            "the latest attempt of every delivery tried in the last 5 minutes; at least 20 of them,"
            " or 3 failures in a row",
            "the target refuses something new, or is in trouble",
            "Open the group of the code below, mend the cause, send one again, then ten, then all.",
            "/problems?route={subject}",
            clear_seconds=10 * MINUTE,
            expr='sum by (target) (increase(tillway_delivery_attempts_total{{outcome="ok"}}[5m]))'
            " / sum by (target) (increase(tillway_delivery_attempts_total[5m]))"
            " < {threshold} / 100 and sum by (target)"
            " (increase(tillway_delivery_attempts_total[5m])) >= 20",
        ),
        Rule(
            "Latency",
            "P2",
            "p95 from door to target is above so many times the usual",
            2,
            "times the usual",
            "5-minute windows, two in a row; usual is the median of that weekday and hour over four"
            " weeks, before that the promise of the route",
            "the target answers slowly, or more arrives than it takes",
            "Look at the target's own monitoring; declare the rate it can take in its system file.",
            "/traffic?route={subject}",
            expr="histogram_quantile(0.95, sum by (route, le)"
            " (rate(tillway_end_to_end_seconds_bucket[5m]))) > {threshold} * histogram_quantile("
            "0.95, sum by (route, le) (rate(tillway_end_to_end_seconds_bucket[5m] offset 7d)))",
        ),
        Rule(
            "DeadLetters",
            "P3",
            "messages are collecting in the dead-letter queue",
            1,
            "messages",
            "every full hour, when there are any and something changed",
            "the target refuses them, or they were tried for too long",
            "Mend the cause of each group and send it again, or give it up by name.",
            "/problems?route={subject}",
            told="hourly",
            expr='sum by (route) (tillway_messages_waiting{{state="dead"}}) >= {threshold}',
        ),
        Rule(
            "DiskDays",
            "P4",
            "the disk is full in fewer days than this at the present growth",
            30,
            "days",
            "the growth of the journal since it is watched, at most a week",
            "the journal grows faster than retention lets go",
            "Give the disk more room, or shorten [retention] in tillway.toml.",
            "/",
            told="daily",
            expr="tillway_disk_days_left < {threshold}",
        ),
        Rule(
            "RateLimit",
            "P4",
            "a target is sent more than this share of the rate it was declared to take",
            80,
            "per cent",
            "the busiest five minutes of the last 24 hours, where a rate is declared",
            "traffic grows towards what the target takes",
            "Agree on a higher rate with the target and declare it in its system file.",
            "/traffic?target={subject}",
            told="daily",
        ),
        Rule(
            "NoProgress",
            "P1",
            "messages wait and nothing was tried for so long",
            60,
            "seconds",
            "each look; at least twice the longest pause between two tries of the route",
            "a worker stands still",
            "Restart the hub: nothing is lost. Send the log of the last hour with your report.",
            "/traffic?route={subject}",
            expr='sum by (route) (tillway_messages_waiting{{state="pending"}}) > 0 and on (route)'
            " label_replace(time() - tillway_worker_last_progress_timestamp_seconds > {threshold},"
            ' "route", "$1", "worker", "(.*)")',
        ),
        Rule(
            "IntakeClosed",
            "P1",
            "the hub takes no messages",
            0,
            "",
            "each look",
            "free disk space is below the floor",
            "Make room on the disk; intake opens again by itself. The tills keep their sales.",
            "/",
        ),
        Rule(
            "JournalFault",
            "P1",
            "a write or flush of the journal failed",
            0,
            "",
            "when it happens; told by the next start where the process had to leave at once",
            "the disk is broken or was taken away",
            "Nothing was acknowledged that is not stored. Look at the disk before you start again.",
            "/",
        ),
        Rule(
            "AuditChainBroken",
            "P1",
            "the audit chain is not what was signed",
            0,
            "",
            "when the hub signs, and every hour",
            "somebody changed the journal by hand, or an older copy was put back",
            "Run `tillway verify` and keep a copy of the folder before anything else.",
            "/audit",
        ),
        Rule(
            "StoreSilent",
            "P2",
            "a shop that should be trading sent nothing for longer than its usual longest silence"
            " and half of it again, at least so long",
            15,
            "minutes",
            "opening hours, or the hours in which it usually trades; P1 when a whole country or"
            " system is silent together",
            "the line of the shop is down, or its till program stopped",
            "Call the shop: are the tills on, is the line up? Its sales are kept in the tills.",
            "/stores/{subject}",
            together="/stores?state=silent",
            expr="time() - tillway_store_last_seen_timestamp_seconds > {threshold} * 60",
        ),
        Rule(
            "RouteQuiet",
            "P2",
            "a source sends less than this share of what is usual for the hour",
            20,
            "per cent",
            "5-minute windows, two in a row, where four weeks know what is usual",
            "shops are shut, or something before the hub stopped sending",
            "Look at the shops of this source, and at what stands between them and the hub.",
            "/traffic?source={subject}",
        ),
        Rule(
            "DocumentMissing",
            "P2",
            "a document that was due did not come",
            0,
            "",
            "after the cut-off of the shop, or the days a provider, bank or the ERP is given; P3"
            " where no money is known to be concerned",
            "the close was forgotten, or a file was not delivered",
            "Ask whoever owes it to send it again; the day is judged anew when it comes.",
            "/recon/findings?rule={subject}",
        ),
        Rule(
            "KeyConflict",
            "P2",
            "the same natural key came with another content",
            24,
            "hours",
            "copies that came within the threshold",
            "a counter was reset, or a sender changed what it had sent",
            "Compare both contents; the first one stands and was delivered.",
            "/problems?kind=conflict&system={subject}",
        ),
        Rule(
            "InDoubt",
            "P2",
            "nobody knows whether the target took a message, after its settle time",
            0,
            "",
            "each look",
            "the target's answer was lost and it cannot be asked",
            "Look the message up at the target, then retry it or mark it as taken.",
            "/problems?kind=in_doubt&route={subject}",
            expr='sum by (route) (tillway_messages_waiting{{state="in_doubt"}}) > {threshold}',
        ),
        Rule(
            "RetryHorizon",
            "P2",
            "messages were tried until their deadline and are now dead letters",
            0,
            "",
            "each look",
            "the target was away for longer than the retry policy allows",
            "When the target works again, send them again as one group.",
            "/problems?route={subject}",
        ),
        Rule(
            "BreakerOpen",
            "P2",
            "the circuit of a target has been open for so long",
            5,
            "minutes",
            "each look",
            "the target is down or cannot be reached",
            "Mend the target; everything drains by itself. Do not send anything again by hand.",
            "/traffic?target={subject}",
            expr="min_over_time(tillway_circuit_state[5m]) > 0",
        ),
        Rule(
            "ReconDifference",
            "P2",
            "the books of till, hub, ERP, processor and bank differ",
            0,
            "",
            "findings that block a store-day, after its cut-off; P3 where no money is concerned",
            "a document with other figures, or one that is missing on one side",
            "Open the store-day, compare the columns, and explain or correct it with a reason.",
            "/recon/findings?rule={subject}",
            expr="sum by (pair, currency) (tillway_recon_difference_amount) > {threshold}",
        ),
        Rule(
            "SequenceGap",
            "P3",
            "a receipt number of a till is not accounted for",
            0,
            "",
            "60 s after its successor, or at the end of the day; P2 once the day is past its"
            " cut-off",
            "a sale was lost on its way, or cancelled without a record",
            "Ask the shop for the number; send it again, or explain it as cancelled.",
            "/recon?store={subject}",
        ),
        Rule(
            "ClockSkew",
            "P3",
            "the clock of a till is off the hub's by more than this",
            5,
            "minutes",
            "the message of an hour that came quickest; ahead at once, behind when half an hour of"
            " messages says so; a till heard of in the last day",
            "the till or its server does not keep its time, or is set to another time zone",
            "Have the till's clock set. Look at the sales around midnight: their day may be wrong.",
            "/stores/{subject}",
            together="/stores",
            expr="abs(tillway_store_clock_offset_seconds) > {threshold} * 60",
        ),
        Rule(
            "ClockSetBack",
            "P3",
            "the clock of the hub's machine was set back by more than this",
            5,
            "minutes",
            "each look, against a clock that never goes back",
            "somebody set the time by hand, or the machine was put to sleep",
            "Let the machine keep its time by NTP.",
            "/",
        ),
        Rule(
            "BackupOld",
            "P3",
            "there is no good backup younger than this",
            24,
            "hours",
            "once a minute; a hub in development listens on loopback and is left alone until the"
            " first backup",
            "the backup job does not run, or its disk is full",
            "Run `tillway backup` and look at the job that should have.",
            "/",
            expr="time() - tillway_backup_last_success_timestamp_seconds > {threshold} * 3600",
        ),
    )
}


class RuleBook(msgspec.Struct, frozen=True):
    """The rules as a project has them."""

    choices: Mapping[str, RuleChoice]

    def is_on(self, name: str) -> bool:
        """Say whether a rule is asked."""
        choice = self.choices.get(name)
        return choice is None or not choice.off

    def threshold(self, name: str) -> float:
        """Return the threshold of a rule, in its unit."""
        choice = self.choices.get(name)
        set_here = choice.threshold if choice else None
        return RULES[name].threshold if set_here is None else set_here

    def priority(self, name: str, judged: Priority | None = None) -> Priority:
        """Return the priority of a rule; judged is what the case itself asks for."""
        choice = self.choices.get(name)
        set_here = choice.priority if choice else None
        return set_here or judged or RULES[name].priority


def check_names(names: Iterable[str], *, asked: str = "") -> None:
    """Raise ConfigurationError TW-7101 for the first name that is no rule.

    asked is the field of a question that named it, "" where the project's file did.
    """
    for name in names:
        if name not in RULES:
            raise ConfigurationError(
                "TW-7101",
                f'there is no alert rule "{name}"',
                value=name,
                advice=f"{nearest(name, RULES)}Rules: {', '.join(RULES)}.",
                at="" if asked else "alerts/rules.toml",
                path=asked,
            )


def _dashed(name: str) -> str:
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("-")
