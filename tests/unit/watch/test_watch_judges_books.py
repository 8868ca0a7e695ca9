"""Rules about findings of store-days, and about what a target takes: priority, money, grouping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tillway.project.alert_records import RuleChoice, WatchSettings
from tillway.project.records import TargetRecord
from tillway.reconcile import Finding
from tillway.watch import judge_books
from unit.watch.watched import TEN, Kit, watched

DAY = "2025-11-19"


def finding(rule: str, store: str = "0145", **more: Any) -> Finding:
    """Return an open finding of a store-day."""
    values: dict[str, Any] = {"detail": "what is wrong", "first_seen": TEN - 7, **more}
    return Finding(rule, store, DAY, **values)


async def looked(kit: Kit, monkeypatch: pytest.MonkeyPatch, *found: Finding) -> dict[str, Any]:
    """Look at a hub whose store-days have these findings; return rule and subject -> alert."""

    async def those(_scene: Any) -> list[Finding]:
        return list(found)

    monkeypatch.setattr(judge_books, "_open", those)
    await kit.watch.look()
    books = {"DocumentMissing", "ReconDifference", "SequenceGap"}
    return {
        f"{one.rule} {one.subject}": one for one in kit.watch.open_alerts() if one.rule in books
    }


async def test_a_difference_of_money_is_p2_and_of_counts_p3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alert per rule with its shops and money; amounts lose their sign, currencies stay."""
    money, counts = "AMOUNT_DIFF", "COUNT_MISMATCH"
    async with watched(tmp_path) as kit:
        found = await looked(
            kit,
            monkeypatch,
            finding(money, currency="EUR", difference="-12.50"),
            finding(money, "0146", currency="EUR", difference="2.00", first_seen=TEN - 99),
            finding(money, "0146", currency="USD", difference="1.00"),
            finding(counts, difference="3"),
        )
        difference, count = found[f"ReconDifference {money}"], found[f"ReconDifference {counts}"]
        assert (difference.priority, difference.count) == ("P2", 3)
        assert difference.money == {"EUR": 1450, "USD": 100}
        assert (difference.stores, difference.since) == (("0145", "0146"), TEN - 99)
        assert (count.priority, count.money) == ("P3", {})
        assert (await looked(kit, monkeypatch)) == {}, "explained or corrected, it is over"
        assert [one.state for one in kit.watch.state.book.closed[:2]] == ["closed", "closed"]


async def test_a_document_that_did_not_come_is_p2_with_money_else_p3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A payment nobody reported has an amount; a day that was not closed has none."""
    async with watched(tmp_path) as kit:
        found = await looked(
            kit,
            monkeypatch,
            finding("TENDER_NO_PAYMENT", currency="EUR", difference="40.00"),
            finding("STORE_DAY_NOT_CLOSED"),
        )
        assert found["DocumentMissing TENDER_NO_PAYMENT"].priority == "P2"
        assert found["DocumentMissing TENDER_NO_PAYMENT"].money == {"EUR": 4000}
        assert found["DocumentMissing STORE_DAY_NOT_CLOSED"].priority == "P3"


async def test_a_gap_becomes_worse_when_the_day_is_past_its_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alert a shop, told again once when it is raised, and not for each number."""
    async with watched(tmp_path) as kit:
        live = [finding("SEQ_GAP", subject=f"03/{one}", severity="info") for one in (1043, 1044)]
        found = await looked(kit, monkeypatch, *live)
        assert (found["SequenceGap 0145"].priority, found["SequenceGap 0145"].count) == ("P3", 2)
        late = [finding("SEQ_GAP", subject="03/1043", severity="error")]
        found = await looked(kit, monkeypatch, *late)
        assert found["SequenceGap 0145"].priority == "P2"
        kinds = [letter for _, _, letter in kit.pager.sent]
        assert [b"alert.opened" in one for one in kinds] == [True, False]
        assert b"alert.raised" in kinds[1]


@pytest.mark.parametrize(
    ("rate", "threshold", "fires"), [(1.0, None, True), (2.0, None, False), (2.0, 40.0, True)]
)
async def test_a_declared_rate_that_is_nearly_used_up_is_reported(
    tmp_path: Path, rate: float, threshold: float | None, *, fires: bool
) -> None:
    """The busiest five minutes of a day decide; a target without a rate is never judged."""
    settings = WatchSettings(rules={"RateLimit": RuleChoice(threshold)})
    async with watched(tmp_path, settings) as kit:
        targets = {"erp": TargetRecord("erp", "http", "A", {}, rate_per_second=rate)}
        await kit.deliver(await kit.accept(250))
        await kit.later(minutes=10)
        assert "RateLimit" not in kit.names(), "no rate is declared"
        kit.watch.release = replace(kit.watch.release, targets=targets)
        await kit.watch.look()
        alerts = [one for one in kit.watch.open_alerts() if one.rule == "RateLimit"]
        assert bool(alerts) is fires
        if fires:
            assert (alerts[0].priority, alerts[0].subject, alerts[0].count) == ("P4", "erp", 250)
