"""Metrics, exported rules and dashboard: one table, compared both ways with what is told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from operating_world import STORES
from tillway.clock import MICROSECONDS
from tillway.journal.base import TargetState
from tillway.project.records import Reconciliation
from tillway.testing.journal import ROUTE, invalid
from tillway.watch.grafana import dashboard
from tillway.watch.metrics import METRICS, STORE_LABELLED
from tillway.watch.prometheus_rules import prometheus_rules
from tillway.watch.rules import RULES, RuleBook
from unit.watch.watched import Kit, off, tills, watched

NAMES = re.compile(r"tillway_[a-z_]+")
SUFFIXES = ("_bucket", "_sum", "_count")
MOST_SERIES = 400
UNTOLD = {
    "tillway_recon_difference_amount",
    "tillway_recon_store_days",
    "tillway_store_clock_offset_seconds",
    "tillway_disk_days_left",
}
"""Told only where store-days are kept, or the journal grew for hours; other tests see to those."""


async def busy(kit: Kit) -> None:
    """Let something of everything happen."""
    await kit.deliver(await kit.accept(5), 0.4)
    await kit.fail(await kit.accept(2, store="0146"), "dead", "TW-4105")
    await kit.fail(await kit.accept(1), "held")
    await kit.journal.append([invalid(7)])
    await kit.journal.save_target_state(TargetState("erp", "open", 5, 6, 9, "TW-4106", "503"))
    kit.facts.update(
        disk_free=5,
        disk_total=9,
        journal_bytes=3,
        wal_bytes=1,
        backup_at=MICROSECONDS,
        certificates={"erp": 7 * MICROSECONDS},
        held_lanes={ROUTE: 1},
    )
    await kit.watch.look()


def samples(text: bytes) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return metric -> its labels and values, as Prometheus' own parser reads them."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for one in family.samples:
            found.setdefault(one.name, []).append((one.labels, one.value))
    return found


async def test_a_scrape_tells_what_the_table_says_and_nothing_else(tmp_path: Path) -> None:
    """Names, kinds and labels agree in both directions."""
    async with watched(tmp_path) as kit:
        await busy(kit)
        text = await kit.watch.metrics()
    told: dict[str, tuple[str, set[str]]] = {}
    for family in text_string_to_metric_families(text.decode()):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for one in family.samples for label in one.labels} - {"le"}
        told[name] = (family.type, labels)
    assert told.keys() == METRICS.keys()
    for name, (kind, labels) in told.items():
        assert kind == METRICS[name].kind
        if name not in UNTOLD:
            assert labels == set(METRICS[name].labels), name


async def test_figures_are_those_of_the_books(tmp_path: Path) -> None:
    """Counts, money, ages and circuits as they stand."""
    async with watched(tmp_path) as kit:
        await busy(kit)
        await kit.clock.advance(60)
        found = samples(await kit.watch.metrics())
    waiting = {one["state"]: value for one, value in found["tillway_messages_waiting"]}
    assert waiting == {"pending": 0, "held": 1, "in_doubt": 0, "dead": 2}
    money = {one["state"]: value for one, value in found["tillway_waiting_amount"]}
    assert money == {"held": 12.5, "dead": 25.0}
    calls = {one["outcome"]: value for one, value in found["tillway_delivery_attempts_total"]}
    assert calls == {"ok": 5, "retry": 1, "dead": 2}
    causes = {one["cause"]: value for one, value in found["tillway_failures_total"]}
    assert causes == {"TW-4105": 2, "TW-4106": 1}
    assert found["tillway_circuit_state"] == [({"target": "erp"}, 2)]
    assert found["tillway_oldest_unsent_seconds"] == [({"route": ROUTE}, 60)]
    steps = {one["le"]: value for one, value in found["tillway_end_to_end_seconds_bucket"]}
    assert (steps["0.3"], steps["0.5"], steps["+Inf"]) == (0, 5, 5)
    assert sum(value for _, value in found["tillway_alerts_open"]) >= 1


async def test_labels_stay_few_however_many_messages_and_stores_come(tmp_path: Path) -> None:
    """A thousand keys add nothing; a shop that is not listed adds nothing."""
    async with watched(tmp_path) as kit:
        await busy(kit)
        before = samples(await kit.watch.metrics())
        for store in ("9999", "8888", "drop table"):
            await kit.fail(await kit.accept(20, store=store), "dead", "TW-4105")
        await kit.clock.advance(60)
        await kit.watch.look()
        after = samples(await kit.watch.metrics())
    assert {name: len(rows) for name, rows in after.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert sum(map(len, after.values())) < MOST_SERIES
    text = json.dumps({name: [labels for labels, _ in rows] for name, rows in after.items()})
    assert "2026-11-20" not in text, "no natural key labels anything"
    by_store = {name for name, rows in after.items() if any("store" in one for one, _ in rows)}
    assert by_store == STORE_LABELLED - UNTOLD
    assert len(STORES) == 3


async def test_clocks_of_shops_are_told_where_store_days_are_kept(tmp_path: Path) -> None:
    """The worst till of each listed shop, above 0 when it is ahead."""
    clocks = (off("0145", 2), off("0145", -9, "04"), off("0146", 7), off("9999", 7))
    async with watched(tmp_path, prepare=tills(*clocks)) as kit:
        kit.watch.release = replace(kit.watch.release, reconciliation=Reconciliation())
        found = samples(await kit.watch.metrics())
    told = {one["store"]: value for one, value in found["tillway_store_clock_offset_seconds"]}
    assert told == {"0145": -540, "0146": 420}


async def test_counters_go_on_after_a_restart(tmp_path: Path) -> None:
    """What was counted since the watch began is kept, so that no rate jumps."""
    for times in (1, 2):
        async with watched(tmp_path) as kit:
            await kit.deliver(await kit.accept(5))
            await kit.watch.look()
            found = samples(await kit.watch.metrics())
        [(_, value)] = [
            one for one in found["tillway_delivery_attempts_total"] if one[0]["outcome"] == "ok"
        ]
        assert value == 5 * times


def named(text: str) -> set[str]:
    """Return the metrics a text names, without the endings of histograms."""
    found = set()
    for name in NAMES.findall(text):
        base = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), name)
        found.add(base if base in METRICS else name)
    return found


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    """Names are compared both ways; every chart has a query and a place of its own."""
    made = json.loads(dashboard("harbour"))
    queries = [target["expr"] for panel in made["panels"] for target in panel["targets"]]
    assert named("\n".join(queries)) | UNSHOWN == set(METRICS)
    assert not named("\n".join(queries)) & UNSHOWN
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in made["panels"]]
    assert len(set(places)) == len(places)


UNSHOWN: set[str] = set()
"""Metrics that need no chart; none for now."""


def test_exported_rules_name_only_metrics_that_exist_and_rules_that_are_on() -> None:
    """A threshold of the project stands in the expression; a rule that is off is left out."""
    from tillway.project.alert_records import RuleChoice

    book = RuleBook({"BreakerOpen": RuleChoice(off=True), "InDoubt": RuleChoice(7.0, "P1")})
    document = yaml.safe_load(prometheus_rules(book))
    rules = {one["alert"]: one for one in document["groups"][0]["rules"]}
    assert "TillwayBreakerOpen" not in rules
    assert rules["TillwayInDoubt"]["expr"].endswith("> 7")
    assert rules["TillwayInDoubt"]["labels"] == {"severity": "critical", "priority": "P1"}
    for one in rules.values():
        assert named(one["expr"]) <= set(METRICS), one
        assert "{threshold}" not in one["expr"]
    expected = {f"Tillway{one.name}" for one in RULES.values() if one.expr} - {"TillwayBreakerOpen"}
    assert rules.keys() == expected | {"TillwayDown"}


def promtool(*arguments: str, given: bytes = b"") -> tuple[int, str]:
    """Run the real tool and return its exit code and words; skip or fail where there is none."""
    tool = shutil.which("promtool")
    if tool is None:
        if "prometheus" in os.environ.get("TILLWAY_REQUIRE", ""):
            pytest.fail("promtool is not on this machine, and TILLWAY_REQUIRE asks for it")
        pytest.skip("promtool (Debian package prometheus) is not on this machine")
    done = subprocess.run([tool, *arguments], input=given, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_prometheus_itself_takes_the_rules(tmp_path: Path) -> None:
    """`promtool check rules` of a real Prometheus finds nothing wrong; a broken one is found."""
    file = tmp_path / "rules.yml"
    file.write_text(prometheus_rules(RuleBook({})))
    code, said = promtool("check", "rules", str(file))
    assert code == 0, said
    file.write_text(prometheus_rules(RuleBook({})).replace("sum by (", "sum by by (", 1))
    assert promtool("check", "rules", str(file))[0] != 0


async def test_prometheus_itself_reads_a_scrape(tmp_path: Path) -> None:
    """`promtool check metrics` takes what /metrics says."""
    async with watched(tmp_path) as kit:
        await busy(kit)
        text = await kit.watch.metrics()
    code, said = promtool("check", "metrics", given=text)
    assert code == 0, said
