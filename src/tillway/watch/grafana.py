"""A Grafana dashboard over the exported metrics: traffic, errors, latency, backlog and disk."""

from __future__ import annotations

from typing import Any

import msgspec

from tillway.watch.metrics import METRICS

WIDTH, HEIGHT = 12, 8
SCHEMA = 39
"""Version of Grafana's dashboard format (10.x)."""


class Panel(msgspec.Struct, frozen=True):
    """One chart: its title, its unit in Grafana's names, and (query, legend) pairs."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def _rate(metric: str, by: str, seconds: str = "5m") -> str:
    return f"sum by ({by}) (rate({metric}[{seconds}]))"


def _p95(metric: str, by: str) -> str:
    return f"histogram_quantile(0.95, sum by ({by}, le) (rate({metric}_bucket[5m])))"


def _share(function: str, part: str, whole: str, seconds: str) -> str:
    def counted(labels: str) -> str:
        return (
            f"sum by (target) ({function}(tillway_delivery_attempts_total{{{labels}}}[{seconds}]))"
        )

    return f"{counted(part)} / {counted(whole)}"


PANELS: tuple[Panel, ...] = (
    Panel(
        "Received by outcome",
        "short",
        ((_rate("tillway_messages_received_total", "outcome"), "{{outcome}}"),),
    ),
    Panel(
        "Settled by route",
        "short",
        (
            (_rate("tillway_messages_settled_total", "route, outcome"), "{{route}} {{outcome}}"),
            (
                "sum by (route) (rate(tillway_messages_settled_total[5m] offset 7d))",
                "{{route}} a week ago",
            ),
        ),
    ),
    Panel(
        "Failures by cause",
        "short",
        ((_rate("tillway_failures_total", "target, cause"), "{{target}} {{cause}}"),),
    ),
    Panel(
        "Success of calls",
        "percentunit",
        (
            (
                _share("rate", 'outcome="ok"', "", "5m"),
                "{{target}}",
            ),
        ),
    ),
    Panel(
        "End to end, p95",
        "s",
        ((_p95("tillway_end_to_end_seconds", "route"), "{{route}}"),),
    ),
    Panel(
        "Calls, p95",
        "s",
        ((_p95("tillway_delivery_duration_seconds", "target"), "{{target}}"),),
    ),
    Panel(
        "Waiting",
        "short",
        (("sum by (route, state) (tillway_messages_waiting)", "{{route}} {{state}}"),),
    ),
    Panel(
        "Money not at its target",
        "short",
        (("sum by (route, currency) (tillway_waiting_amount)", "{{route}} {{currency}}"),),
    ),
    Panel(
        "Oldest unsent",
        "s",
        (("tillway_oldest_unsent_seconds", "{{route}}"),),
    ),
    Panel(
        "Circuits (0 closed, 2 open) and held lanes",
        "short",
        (
            ("tillway_circuit_state", "{{target}}"),
            ("tillway_lanes_held", "{{route}} lanes"),
        ),
    ),
    Panel(
        "Stores that need attention",
        "short",
        (
            ("topk(20, tillway_store_unsent_messages)", "{{store}} unsent"),
            ("topk(20, time() - tillway_store_last_seen_timestamp_seconds)", "{{store}} silent"),
            ("topk(20, abs(tillway_store_clock_offset_seconds) > 300)", "{{store}} clock"),
        ),
        "table",
    ),
    Panel(
        "Store-days and differences",
        "short",
        (
            ("tillway_recon_store_days", "{{state}}"),
            ("tillway_recon_difference_amount", "{{pair}} {{currency}}"),
        ),
    ),
    Panel(
        "Success over 24 hours (promise 99.5 %)",
        "percentunit",
        (
            (
                _share("increase", 'outcome="ok"', 'outcome=~"ok|dead"', "24h"),
                "{{target}}",
            ),
        ),
        "stat",
    ),
    Panel(
        "Intake and journal, p95",
        "s",
        (
            (_p95("tillway_intake_ack_seconds", "job"), "acknowledged"),
            (_p95("tillway_journal_commit_seconds", "job"), "commit"),
            (_p95("tillway_journal_commit_rows", "job"), "rows of a commit"),
        ),
    ),
    Panel(
        "Journal and disk",
        "bytes",
        (
            ("tillway_journal_bytes", "journal"),
            ("tillway_wal_bytes", "log"),
            ("tillway_disk_free_bytes", "free"),
        ),
    ),
    Panel(
        "Days left, backup, certificates",
        "short",
        (
            ("tillway_disk_days_left", "disk, days"),
            (
                "(time() - tillway_backup_last_success_timestamp_seconds) / 3600",
                "backup, hours old",
            ),
            (
                "(tillway_certificate_expiry_timestamp_seconds - time()) / 86400",
                "{{connection}}, days",
            ),
        ),
    ),
    Panel(
        "Progress and alerts",
        "short",
        (
            ("time() - tillway_worker_last_progress_timestamp_seconds", "{{worker}}, s ago"),
            ("tillway_alerts_open", "{{priority}}"),
            ("tillway_build_info", "{{version}}"),
        ),
    ),
    Panel(
        "Contract violations",
        "short",
        ((_rate("tillway_contract_violations_total", "contract", "1h"), "{{contract}}"),),
    ),
    Panel(
        "Spans of traces",
        "short",
        ((_rate("tillway_trace_spans_total", "outcome"), "{{outcome}}"),),
    ),
)


def dashboard(project: str) -> str:
    """Return the dashboard as JSON; its data source is chosen when it is imported."""
    panels = [_panel(number, one) for number, one in enumerate(PANELS)]
    document = {
        "title": f"Tillway {project}".strip(),
        "uid": "tillway",
        "schemaVersion": SCHEMA,
        "tags": ["tillway"],
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "source",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "panels": panels,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "title": panel.title,
        "type": panel.kind,
        "datasource": source,
        "gridPos": {
            "x": WIDTH * (number % 2),
            "y": HEIGHT * (number // 2),
            "w": WIDTH,
            "h": HEIGHT,
        },
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "expr": query,
                "legendFormat": legend,
                "datasource": source,
                **({"instant": True, "format": "table"} if panel.kind == "table" else {}),
            }
            for place, (query, legend) in enumerate(panel.queries)
        ],
        "description": _meanings(panel),
    }


def _meanings(panel: Panel) -> str:
    text = " ".join(query for query, _ in panel.queries)
    return " ".join(one.help for name, one in METRICS.items() if name in text)
