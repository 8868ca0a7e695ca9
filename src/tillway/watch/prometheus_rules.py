"""The alert rules as Prometheus reads them, made from the table of rules.

The hub tells people itself; these are for a chain that has an Alertmanager, and for the case that
nobody can ask the hub any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from tillway.watch.rules import RULES, Rule, RuleBook

SEVERITY = {"P1": "critical", "P2": "warning", "P3": "info", "P4": "info"}
WAIT = {"SuccessRate": "1m", "Latency": "10m", "NoProgress": "1m", "InDoubt": "5m"}
DOWN = {
    "alert": "TillwayDown",
    "expr": "absent(tillway_build_info)",
    "for": "2m",
    "labels": {"severity": "critical", "priority": "P1"},
    "annotations": {
        "summary": "no hub answers a scrape",
        "description": "The hub is down or cannot be reached. Tills keep their sales.",
        "runbook": "docs/operating/README.md",
    },
}


def prometheus_rules(book: RuleBook) -> str:
    """Return the rules as YAML; those that are off, or need what no metric holds, are left out."""
    rules = [_rule(one, book) for one in RULES.values() if one.expr and book.is_on(one.name)]
    document = {"groups": [{"name": "tillway", "rules": [*rules, DOWN]}]}
    text: str = yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)
    return f"# Made by `tillway export prometheus`; do not edit.\n{text}"


def _rule(rule: Rule, book: RuleBook) -> Mapping[str, Any]:
    priority = book.priority(rule.name)
    return {
        "alert": f"Tillway{rule.name}",
        "expr": rule.expr.format(threshold=f"{book.threshold(rule.name):g}"),
        "for": WAIT.get(rule.name, "1m"),
        "labels": {"severity": SEVERITY[priority], "priority": priority},
        "annotations": {
            "summary": rule.fires,
            "description": rule.advice,
            "runbook": f"docs/operating/{rule.runbook}",
        },
    }
