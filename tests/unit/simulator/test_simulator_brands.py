"""The three brands against the template project: what the shops write is what the hub reads."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tillway.dialects import dialect_named
from tillway.formats import format_named
from tillway.formats.base import Record
from tillway.message import natural_key
from tillway.model import message_type
from tillway.project import Release, load_release
from tillway.project.template import Variables, new_project
from tillway.simulator.brands import BRANDS, render
from tillway.simulator.chain import chain_facts
from tillway.simulator.erp_documents import booking
from tillway.simulator.erp_moods import Mood
from tillway.simulator.facts import Fact, PostVoid, Receipt, TillSettle, amount_text
from tillway.simulator.fault_plan import FaultPlan
from tillway.simulator.mishaps import unknown_tender, wrong_count
from tillway.simulator.plan import ChainPlan, stores_csv
from tillway.simulator.register_faults import counter_resets

PLAN = ChainPlan(seed=4, stores=6, sales=900)
RESETS = counter_resets(PLAN, FaultPlan(rates={"counter_reset": 0.6}))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The template project, made with keys that are always the same."""
    folder = tmp_path_factory.mktemp("project") / "demo"
    counter = iter(range(1, 255))
    new_project(folder, "pos-erp", Variables("demo"), lambda size: bytes([next(counter)]) * size)
    return load_release(folder, environ={})


def _records(release: Release, system: str, documents: list[bytes]) -> Iterator[dict[str, Any]]:
    source = release.sources[system]
    name = "ndjson" if source.format == "json" else source.format
    packed = io.BytesIO(BRANDS[system].pack(documents))
    for record in format_named(name, dict(source.format_options)).records(packed):
        assert isinstance(record, Record), record
        yield dialect_named(source.dialect).normalise(record.value)


def _mapped(release: Release, system: str, record: dict[str, Any]) -> tuple[str, Any]:
    source = release.sources[system]
    mapping = next(one.mapping for one in source.records if one.when(record))
    table = release.mappings[mapping]
    assert table.message_type is not None
    return table.message_type, message_type(table.message_type).convert(table.apply(record))


def _facts(system: str) -> list[Fact]:
    """Return the day of a brand's shops; the counters of many registers start again in it."""
    return [fact for fact in chain_facts(PLAN, RESETS) if fact.store.system == system]


@pytest.mark.parametrize("system", sorted(BRANDS))
def test_every_document_of_a_brand_becomes_the_message_it_stands_for(
    release: Release, system: str
) -> None:
    """Type, key and money of each message are those of the fact; nothing is found wrong."""
    facts = _facts(system)
    records = _records(release, system, [render(fact) for fact in facts])
    for fact, record in zip(facts, records, strict=True):
        name, message = _mapped(release, system, record)
        kind, contract = message_type(name), release.contracts[name]
        assert name == fact.message_type
        assert ":".join(kind.key_parts(message)) == fact.natural_key
        assert message.register_epoch == fact.epoch
        money = kind.money(message)
        assert (None if money is None else str(money)) == (
            None if fact.money is None else amount_text(fact.money)
        )
        assert list(contract.violations(message)) == []
        assert list(contract.findings(message)) == []


@pytest.mark.parametrize("system", sorted(BRANDS))
def test_every_receipt_becomes_a_document_the_erp_books(release: Release, system: str) -> None:
    """The ERP's own rules take what the target mapping makes, with the same money."""
    facts = _facts(system)
    booked = 0
    for fact, record in zip(
        facts, _records(release, system, [render(fact) for fact in facts]), strict=True
    ):
        name, message = _mapped(release, system, record)
        if not name.startswith("retail_transaction."):
            continue
        envelope = {"natural_key": natural_key(message_type(name).key_parts(message))}
        seen = {**msgspec.to_builtins(message), "envelope": envelope}
        document = release.mappings["erp-document"].apply(seen)
        ready = booking("key", msgspec.json.encode(document), Mood())
        assert (ready.receipt_key, ready.minor) == (fact.natural_key, fact.money)
        booked += 1
    assert booked > 100


@pytest.mark.parametrize("system", sorted(BRANDS))
def test_an_unknown_tender_is_no_message_of_the_model(release: Release, system: str) -> None:
    """A sale paid with something unknown breaks its mapping or its type, and says where."""
    sale = next(fact for fact in _facts(system) if isinstance(fact, Receipt) and fact.tenders)
    delivery = unknown_tender(sale)
    (record,) = _records(release, system, [delivery.body()])
    with pytest.raises(Exception, match=r"tender|1 row|\btenders\[") as caught:
        _mapped(release, system, record)
    assert "tender" in str(caught.value) or "tender" in str(getattr(caught.value, "violations", ""))


@pytest.mark.parametrize("system", sorted(BRANDS))
def test_keys_of_a_reset_counter_differ_from_those_before(release: Release, system: str) -> None:
    """The same shop, till, date and number come twice, and a post-void names the right one."""
    facts = _facts(system)
    keys = {fact.natural_key for fact in facts}
    assert len(keys) > 300
    assert any(f"{key}:e1" in keys for key in keys)
    voids = [fact for fact in facts if isinstance(fact, PostVoid) and fact.epoch]
    assert voids, "no receipt is voided after a reset: take another seed"
    for fact, record in zip(voids, _records(release, system, [*map(render, voids)]), strict=True):
        _, message = _mapped(release, system, record)
        assert message.voided_natural_key == ":".join(fact.voided_key)


@pytest.mark.parametrize("system", sorted(BRANDS))
def test_what_is_given_back_names_the_receipt_of_its_run(release: Release, system: str) -> None:
    """A return after a reset may be of a receipt before it or after it; the file says which."""
    facts = [
        fact
        for fact in _facts(system)
        if isinstance(fact, Receipt) and any(line.original for line in fact.lines)
    ]
    named: set[bool] = set()
    records = _records(release, system, [render(fact) for fact in facts])
    for fact, record in zip(facts, records, strict=True):
        _, message = _mapped(release, system, record)
        told = [line.original.natural_key for line in message.lines if line.original]
        bought = [line.original[0] for line in fact.lines if line.original]
        assert told == bought
        named |= {key.endswith(":e1") for key in bought}
    assert named == {False, True}, "no return of one of the runs: take another seed"


def test_a_post_void_of_a_receipt_before_the_reset_names_the_run_before(release: Release) -> None:
    """The run of the link counts, not the one of the transaction it stands in."""
    void = next(fact for fact in _facts("northgate") if isinstance(fact, PostVoid) and fact.epoch)
    before = replace(void, voided_key=void.voided_key[:4])
    (record,) = _records(release, "northgate", [render(before)])
    _, message = _mapped(release, "northgate", record)
    assert message.register_epoch == void.epoch
    assert message.voided_natural_key == ":".join(void.voided_key[:4])


@pytest.mark.parametrize("system", sorted(BRANDS))
@pytest.mark.parametrize("over", [-370, 2000])
def test_a_till_that_is_short_or_over_says_so(release: Release, system: str, over: int) -> None:
    """Counted minus expected is the difference, with its sign, and nothing is found wrong."""
    settle = next(fact for fact in _facts(system) if isinstance(fact, TillSettle))
    (record,) = _records(release, system, [wrong_count(settle, over).body()])
    name, message = _mapped(release, system, record)
    (cash,) = [one for one in message.tenders if one.tender_type == "cash"]
    assert str(cash.over_short) == amount_text(over)
    assert cash.counted - cash.expected == cash.over_short
    assert list(release.contracts[name].findings(message)) == []


MEASURES = ("gross", "discount", "net", "tax", "grand", "returns")


def _summed(release: Release, system: str, day: list[Fact]) -> tuple[dict[str, Any], Any]:
    """Return what the canonical messages of one store-day sum up to, and its close record."""
    sums: dict[str, Any] = dict.fromkeys(MEASURES, Decimal(0))
    tenders: Counter[str] = Counter()
    drawers: Counter[tuple[str, str, bool]] = Counter()
    closed = None
    for record in _records(release, system, [render(fact) for fact in day]):
        name, message = _mapped(release, system, record)
        if name.startswith("retail_transaction."):
            for measure in MEASURES[:-1]:
                sums[measure] += getattr(message.totals, measure)
            live = [line for line in message.lines if not line.voided]
            sums["returns"] += sum(one.net_amount for one in live if one.line_type == "return")
            for tender in message.tenders:
                tenders[tender.tender_type] += tender.amount
                side = (message.workstation_id, tender.tender_type, tender.amount < 0)
                drawers[side] += abs(tender.amount)
        elif name == "till.settled":
            for one in message.tenders:
                assert one.sales == drawers[message.till_id, one.tender_type, False]
                assert one.returns == drawers[message.till_id, one.tender_type, True]
        elif name == "business_day.closed":
            closed = message
    return {**sums, "tenders": {kind: one for kind, one in tenders.items() if one}}, closed


@pytest.mark.parametrize("system", sorted(BRANDS))
def test_a_shop_declares_what_its_messages_sum_up_to(release: Release, system: str) -> None:
    """Close record and till settlements agree with the canonical receipts, measure by measure."""
    days: dict[tuple[str, date], list[Fact]] = {}
    for fact in _facts(system):
        days.setdefault((fact.store.business_unit_id, fact.day), []).append(fact)
    for day in days.values():
        sums, closed = _summed(release, system, day)
        for measure in MEASURES:
            declared = getattr(closed.totals, measure)
            assert declared is None if (system, measure) == ("northgate", "returns") else (
                declared == sums[measure]
            ), measure  # fmt: skip
        stated = {one.tender_type: one.amount for one in closed.tenders if one.amount}
        assert stated == sums["tenders"]
        counts = {one.workstation_id: one.transaction_count for one in closed.workstations}
        numbered = Counter(fact.till for fact in day if fact.number is not None)
        assert counts == dict(numbered)


@pytest.mark.parametrize("system", sorted(BRANDS))
def test_every_card_payment_carries_its_reference(release: Release, system: str) -> None:
    """Each card tender has one of its own, no other tender has any, refunds and voids too."""
    facts = [fact for fact in _facts(system) if isinstance(fact, Receipt | PostVoid)]
    seen: Counter[str] = Counter()
    for record in _records(release, system, [render(fact) for fact in facts]):
        _, message = _mapped(release, system, record)
        for tender in message.tenders:
            assert (tender.tender_type in {"credit", "debit"}) == (tender.payment_ref is not None)
            seen[tender.payment_ref or ""] += 1
    del seen[""]
    assert len(seen) > 100
    assert set(seen.values()) == {1}


def test_a_chain_shows_everything_a_shop_does() -> None:
    """Returns, exchanges, post-voids, voided lines, weighed goods, deposits and mixed tenders."""
    seen: Counter[str] = Counter()
    for fact in chain_facts(ChainPlan(seed=1, stores=9, sales=3000)):
        seen[type(fact).__name__] += 1
        seen[str(getattr(fact, "kind", ""))] += 1
        if isinstance(fact, Receipt):
            seen["mixed"] += len({paid.kind for paid in fact.tenders}) > 1
            seen["change"] += any(paid.change for paid in fact.tenders)
            seen["cashback"] += any(paid.cashback for paid in fact.tenders)
            seen["rounded"] += fact.rounding != 0
            seen["tip"] += fact.tip != 0
            for line in fact.lines:
                seen[line.kind] += 1
                seen["weighed"] += line.item.weighed
                seen["voided"] += line.voided
                seen["discounted"] += line.discount != 0
                seen["plu"] += line.item.is_plu
    for what in (
        "DayOpen", "DayClose", "TillSettle", "PostVoid", "CashMove", "return", "exchange",
        "sign_on", "sign_off", "no_sale", "cancelled", "suspended", "resumed", "training", "pickup",
        "bank_deposit", "gift_card_sale", "tip",
        "mixed", "change", "cashback", "rounded", "deposit", "deposit_return", "weighed",
        "voided", "discounted", "plu",
    ):  # fmt: skip
        assert seen[what], what


def test_the_stores_of_the_template_are_the_first_five_of_every_chain() -> None:
    """The template's stores.csv is what the simulator writes for five stores."""
    template = Path(__file__).parents[3] / "src/tillway/project/templates/pos-erp/stores.csv"
    assert template.read_text("utf-8") == stores_csv(ChainPlan(seed=1))
