"""Watches a hub: windows of every flow, alert rules, notices, metrics, and what was promised.

The recorder (`flows`) reads the ledger and keeps windows; judges (`judge_*`) turn a look at the hub
into sightings; the book (`alerts`) makes them alerts; the notifier brings them to people.
"""

from tillway.watch.alerts import Alert, Mute
from tillway.watch.notices import alert_as_json
from tillway.watch.rules import RULES, Rule, check_names
from tillway.watch.scene import HubFacts
from tillway.watch.spool import Spool
from tillway.watch.tracing import check_traces
from tillway.watch.watch import Watch, rule_as_json

__all__ = [
    "RULES",
    "Alert",
    "HubFacts",
    "Mute",
    "Rule",
    "Spool",
    "Watch",
    "alert_as_json",
    "check_names",
    "check_traces",
    "rule_as_json",
]
