"""The table of metrics: name, kind, labels and meaning of every one; the names are public.

Labels have few values: routes, targets, sources, states, codes. Receipts, keys, people and free
text label nothing, and stores only what is said here.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]
STORE_LABELLED = frozenset(
    {
        "tillway_store_last_seen_timestamp_seconds",
        "tillway_store_unsent_messages",
        "tillway_store_clock_offset_seconds",
    }
)


class Metric(msgspec.Struct, frozen=True):
    """One metric. source: where its figures come from."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    source: str


METRICS: dict[str, Metric] = {
    one.name: one
    for one in (
        Metric(
            "tillway_messages_received_total",
            "counter",
            ("contract", "outcome"),
            "Messages received, by message type and outcome.",
            "the books",
        ),
        Metric(
            "tillway_messages_settled_total",
            "counter",
            ("route", "outcome"),
            "Messages settled: delivered, filtered or abandoned.",
            "the books",
        ),
        Metric(
            "tillway_messages_waiting",
            "gauge",
            ("route", "state"),
            "Messages that have not reached the target: pending, held, in_doubt, dead.",
            "the books",
        ),
        Metric(
            "tillway_waiting_amount",
            "gauge",
            ("route", "state", "currency"),
            "Their money, without signs, never added across currencies.",
            "the books",
        ),
        Metric(
            "tillway_contract_violations_total",
            "counter",
            ("contract",),
            "Messages in quarantine because they broke their contract.",
            "the books",
        ),
        Metric(
            "tillway_failures_total",
            "counter",
            ("target", "cause"),
            "Calls that failed, by error code.",
            "the windows",
        ),
        Metric(
            "tillway_delivery_attempts_total",
            "counter",
            ("target", "outcome"),
            "Calls: ok, retry (failed, tried again) or dead.",
            "the windows",
        ),
        Metric(
            "tillway_delivery_duration_seconds",
            "histogram",
            ("target",),
            "How long calls took.",
            "the windows",
        ),
        Metric(
            "tillway_end_to_end_seconds",
            "histogram",
            ("route",),
            "From the door to the target.",
            "the windows",
        ),
        Metric(
            "tillway_oldest_unsent_seconds",
            "gauge",
            ("route",),
            "Age of the oldest message that has not reached the target.",
            "the books",
        ),
        Metric(
            "tillway_lanes_held",
            "gauge",
            ("route",),
            "Lanes that wait behind a message in trouble.",
            "the running hub",
        ),
        Metric(
            "tillway_circuit_state",
            "gauge",
            ("target",),
            "0 closed, 1 half open, 2 open.",
            "the ledger",
        ),
        Metric(
            "tillway_worker_last_progress_timestamp_seconds",
            "gauge",
            ("worker",),
            "When a route last delivered something.",
            "the windows",
        ),
        Metric(
            "tillway_store_last_seen_timestamp_seconds",
            "gauge",
            ("store",),
            "When a shop was last heard of.",
            "the ledger",
        ),
        Metric(
            "tillway_store_unsent_messages",
            "gauge",
            ("store",),
            "Messages of a shop that have not reached a target; shops without any are left out.",
            "the books",
        ),
        Metric(
            "tillway_store_clock_offset_seconds",
            "gauge",
            ("store",),
            "How far a shop's clock is off the hub's, above 0 when ahead; of its worst till.",
            "reconciliation",
        ),
        Metric(
            "tillway_recon_difference_amount",
            "gauge",
            ("pair", "currency"),
            "Open differences by audit rule, without signs.",
            "reconciliation",
        ),
        Metric(
            "tillway_recon_store_days",
            "gauge",
            ("state",),
            "Store-days of the last 14 days, by state.",
            "reconciliation",
        ),
        Metric(
            "tillway_intake_ack_seconds",
            "histogram",
            (),
            "From a message's arrival to its commit: the first message of each commit.",
            "each commit",
        ),
        Metric(
            "tillway_journal_commit_seconds",
            "histogram",
            (),
            "How long the flush of a commit took.",
            "each commit",
        ),
        Metric(
            "tillway_journal_commit_rows",
            "histogram",
            (),
            "Messages accepted in one commit.",
            "each commit",
        ),
        Metric(
            "tillway_trace_spans_total",
            "counter",
            ("outcome",),
            "Spans of traces: exported, or dropped because no collector took them.",
            "the running hub",
        ),
        Metric("tillway_journal_bytes", "gauge", (), "Size of the journal.", "the disk"),
        Metric("tillway_wal_bytes", "gauge", (), "Size of its write-ahead log.", "the disk"),
        Metric("tillway_disk_free_bytes", "gauge", (), "Free room on its disk.", "the disk"),
        Metric(
            "tillway_disk_days_left",
            "gauge",
            (),
            "Days until the disk is full at the present growth; absent while it does not grow.",
            "the windows",
        ),
        Metric(
            "tillway_backup_last_success_timestamp_seconds",
            "gauge",
            (),
            "When the newest good backup was taken; absent before the first.",
            "the disk",
        ),
        Metric(
            "tillway_certificate_expiry_timestamp_seconds",
            "gauge",
            ("connection",),
            "When a certificate ends, where that is known.",
            "the running hub",
        ),
        Metric("tillway_alerts_open", "gauge", ("priority",), "Open alerts.", "the alerts"),
        Metric(
            "tillway_build_info",
            "gauge",
            ("version", "python", "sqlite"),
            "1, with the versions in use.",
            "the process",
        ),
    )
}
