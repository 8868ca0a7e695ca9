"""A whole run cut into files and posts: everything once, each sender in order, nothing mixed up."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tillway.dialects import dialect_named
from tillway.formats import format_named
from tillway.formats.base import Record
from tillway.model import message_type
from tillway.project import Release, load_release
from tillway.project.template import Variables, new_project
from tillway.simulator.batches import Batch, batches
from tillway.simulator.brands import CARRIERS, MONEY_BRANDS
from tillway.simulator.delivery import Delivery
from tillway.simulator.fault_catalogue import fault_plan
from tillway.simulator.faults import deliveries
from tillway.simulator.plan import daily_plan
from tillway.simulator.truth import TruthMessage, TruthWriter, read_truth, write_truth

PLAN = daily_plan(seed=5, stores=6, days=2, sales_a_day=30)
FAULTS = fault_plan("all,malformed=0.03,duplicate=0.05", PLAN)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The template project."""
    folder = tmp_path_factory.mktemp("project") / "demo"
    counter = iter(range(1, 255))
    new_project(folder, "pos-erp", Variables("demo"), lambda size: bytes([next(counter)]) * size)
    return load_release(folder, environ={})


def _messages(release: Release, batch: Batch) -> Iterator[tuple[str, str, str | None]]:
    """Yield type, key and money of what a hub makes of a batch; what it cannot read is left out."""
    source = release.sources[batch.system]
    one = batch.carrier == "http" and batch.content_type == "application/json"
    name = source.format if one or batch.carrier == "files" else "ndjson"
    content = io.BytesIO(batch.content)
    for record in format_named(name, dict(source.format_options)).records(content):
        if not isinstance(record, Record):
            continue
        value = dialect_named(source.dialect).normalise(record.value)
        rule = next(each for each in source.records if each.when is None or each.when(value))
        table = release.mappings[rule.mapping]
        kind = message_type(table.message_type or "")
        try:
            message: Any = kind.convert(table.apply(value))
        except Exception:  # noqa: BLE001 - an unknown tender is no message
            continue
        contract = release.contracts[kind.name]
        assert list(contract.violations(message)) == []
        assert list(contract.findings(message)) == []
        money = kind.money(message)
        yield kind.name, ":".join(kind.key_parts(message)), None if money is None else str(money)


def test_a_hub_reads_from_the_batches_what_the_truth_says(release: Release, tmp_path: Path) -> None:
    """Every accepted message with its key and money, payouts and bank lines too, and no other."""
    truth = tmp_path / "truth.jsonl"
    write_truth(truth, PLAN, FAULTS)
    expected = {
        (line.message_type, line.natural_key, line.money)
        for line in read_truth(truth)
        if isinstance(line, TruthMessage) and line.outcome == "accepted"
    }
    read = [one for batch in batches(PLAN, FAULTS) for one in _messages(release, batch)]
    keys = {one[:2]: one for one in reversed(read)}  # the first under a key stands
    assert set(keys.values()) == expected
    kinds = Counter(kind for kind, _, _ in expected)
    assert kinds["settlement.posted"] == PLAN.stores * PLAN.days
    assert kinds["bank.statement_line"] > PLAN.stores * PLAN.days


def test_each_sender_hands_over_everything_in_its_order() -> None:
    """Batches hold every document but the missing ones, by sender in order, in order of time."""
    every = [one for one in deliveries(PLAN, FAULTS) if one.kind != "missing"]
    made = list(batches(PLAN, FAULTS, documents=40))
    assert sum(batch.documents for batch in made) == len(every)
    assert max(batch.documents for batch in made) == 40
    for sender in {batch.sender for batch in made}:
        mine = [batch for batch in made if batch.sender == sender]
        assert [batch.name for batch in mine] == sorted(batch.name for batch in mine)
        sent = b"".join(batch.content for batch in mine)
        place = 0
        for one in every:
            if one.fact.sender == sender:
                found = sent.find(one.body(), place)
                assert found >= 0
                place = found + 1
    days = [batch.moment.date() for batch in made]
    assert days == sorted(days)


def test_acquirer_and_bank_stand_between_the_days_of_the_shops() -> None:
    """Nothing of a day comes after its money, nothing of the next one before."""
    told: list[Delivery] = []
    made = list(batches(PLAN, told=told.append))
    assert {batch.system: batch.carrier for batch in made} == {
        name: brand.carrier for name, brand in CARRIERS.items()
    }
    assert len(told) == sum(batch.documents for batch in made)
    stretches = [batch.system in MONEY_BRANDS for batch in made]
    changes = [here for before, here in pairwise(stretches) if here != before]
    assert changes == [True, False, True]


def test_the_truth_can_be_written_on_the_way(tmp_path: Path) -> None:
    """Told delivery by delivery, it is the truth of the plan; only the header's totals move."""
    whole, live = tmp_path / "whole.jsonl", tmp_path / "live.jsonl"
    write_truth(whole, PLAN, FAULTS)
    writer = TruthWriter(live, PLAN, FAULTS)
    assert sum(batch.documents for batch in batches(PLAN, FAULTS, told=writer.write)) > 0
    writer.close()
    assert list(read_truth(live))[1:] == list(read_truth(whole))[1:]
