"""The table of log events: what is logged anywhere in the hub, as names and fields for machines.

People read the sentence; a JSON line carries the event and the fields instead, and never the words
of another system, which may hold anything. A test compares this table with every call of a logger.
"""

from __future__ import annotations

import msgspec


class LogEvent(msgspec.Struct, frozen=True):
    """One event. fields: names of the sentence's arguments in order; "" is left out of JSON."""

    name: str
    sentence: str
    fields: tuple[str, ...] = ()


class MessageEvent(msgspec.Struct, frozen=True):
    """One event of a single message; told in JSON only, with its correlation id."""

    name: str
    level: str
    meaning: str


_ALL = (
    LogEvent("hub.started", "%s listens at %s", ("project", "address")),
    LogEvent("hub.stopped", "stopped cleanly"),
    LogEvent("hub.failed", "the hub had to stop: %s", ("error",)),
    LogEvent(
        "part.restarts", "%s stopped, starts again in %.0f s: %s", ("part", "seconds", "error")
    ),
    LogEvent("disk.short", "less than %.0f %% of the disk is free", ("percent",)),
    LogEvent("door.bug", "TW-9001 %s at %s", ("error", "place")),
    LogEvent(
        "intake.worker_died",
        "TW-2021 intake worker %d died; %d left",
        ("process", "left"),
    ),
    LogEvent("intake.worker_stumbled", "TW-9001 intake worker %d: %s", ("process", "error")),
    LogEvent("upkeep.failed", "upkeep of the journal stopped and goes on later: %s", ("error",)),
    LogEvent("upkeep.done", "retention let go of %d payloads and rows", ("count",)),
    LogEvent(
        "audit.not_signed", "the audit chain was not signed and will be later: %s", ("error",)
    ),
    LogEvent(
        "audit.not_checked", "the audit chain was not checked and will be later: %s", ("error",)
    ),
    LogEvent("audit.broken", "%s", ("reason",)),
    LogEvent("watch.failed", "a look at the hub failed and is tried again: %s", ("error",)),
    LogEvent(
        "traces.not_taken", "the collector of traces takes nothing; messages are not held up by it"
    ),
    LogEvent("messages.left_out", "%d more messages had trouble at the same time", ("count",)),
    LogEvent("notices.pile_up", "letters about alerts pile up; the oldest are given up"),
    LogEvent("heartbeat.not_taken", "the heartbeat was not taken: %s", ("error",)),
    LogEvent(
        "notice.given_up", "a notice for %s was given up after a day: %s", ("receiver", "error")
    ),
    LogEvent("notice.not_taken", "a notice for %s was not taken: %s", ("receiver", "error")),
    LogEvent("spool.unreadable", "%s cannot be read and is put aside: %s", ("file", "error")),
    LogEvent("spool.not_kept", "alerts are kept in memory only: %s", ("error",)),
    LogEvent("spool.not_put_aside", "%s could not be put aside", ("file",)),
    LogEvent("return.without_sale", "%s/%s goes without its sale", ("route", "position")),
    LogEvent("route.worker_died", "a worker of route %s died: %s", ("route", "")),
    LogEvent("route.ledger_waits", "route %s waits for its ledger: %s", ("route", "error")),
    LogEvent("source.fault", "source %s: %s", ("source", "error")),
    LogEvent("source.fault", "source %s, %s: %s", ("source", "part", "error")),
    LogEvent("source.waits", "source %s waits: %s", ("source", "error")),
    LogEvent("source.fault", "TW-4165 %s: %s", ("source", "error")),
    LogEvent(
        "source.asks_again",
        "source %s asks Shopify again in %.0f s: %s",
        ("source", "seconds", "error"),
    ),
    LogEvent(
        "source.events_gone",
        "TW-2374 source %s: events before %s are gone",
        ("source", "before"),
    ),
    LogEvent(
        "source.version_not_shown",
        "TW-2357 %s %s: version %s was not shown",
        ("kind", "id", "version"),
    ),
    LogEvent("source.recovered", "source %s: the webhooks are well again", ("source",)),
    LogEvent("source.search_refused", "%s searching %s: %s", ("code", "part", "")),
    LogEvent("files.not_removed", "an old file of %s cannot be removed: %s", ("folder", "error")),
    LogEvent("files.removed", "removed %d old files of %s", ("count", "folder")),
    LogEvent("files.bug", "TW-9001 while reading %s: %s", ("file", "error")),
)
EVENTS: dict[str, LogEvent] = {one.sentence: one for one in _ALL}
MESSAGE_EVENTS: dict[str, MessageEvent] = {
    one.name: one
    for one in (
        MessageEvent("delivery.failed", "warning", "a call failed; it is tried again"),
        MessageEvent("delivery.in_doubt", "warning", "nobody knows whether the target took it"),
        MessageEvent("delivery.dead", "error", "a call failed and the message is a dead letter"),
        MessageEvent("delivery.recovered", "info", "it was delivered after calls that failed"),
        MessageEvent("message.quarantined", "warning", "it broke its contract and is kept apart"),
        MessageEvent("message.conflict", "warning", "another content came under a known key"),
    )
}
MESSAGE_FIELDS = (
    ("trace_id", "the correlation id: W3C trace, in the sender's receipt and at the target"),
    ("message_id", "the hub's own id"),
    ("store", "the shop"),
    ("receipt", "the receipt's number"),
    ("natural_key", "what `tillway trace` takes"),
    ("route", "the route"),
    ("target", "the system it leads to"),
    ("attempt", "the number of the call"),
    ("door", "the source that took it, for what is kept apart"),
    ("invalid_id", "the number in quarantine"),
    ("code", "the error code"),
    ("at", "when it happened"),
)
