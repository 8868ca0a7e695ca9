"""Money from the till to the bank: what answers what, what is found, and when it is gone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tillway.project.records import ProcessorSetting, Reconciliation
from tillway.reconcile.facts import Breach
from unit.reconcile.money_book import (
    BANK,
    NOON,
    PSP,
    MoneyBook,
    Told,
    deposit,
    entry,
    line,
    payment,
    payout,
    sale,
)

INTENT = {"stripe": {"payment_intent": "pi_1"}}
WHOLE = {
    "by the reference of the payment": [sale("P1", "10"), payout("PO1001", entry("P1", "10"))],
    "by the payment that was captured": [
        sale("P1", "10"),
        payment("C1", "captured", "10", original_reference="P1"),
        payout("PO1001", entry("P1", "10")),
    ],
    "by the capture": [
        sale("C1", "10"),
        payment("C1", "captured", "10", original_reference="P1"),
        payout("PO1001", entry("P1", "10")),
    ],
    "by the intent": [
        sale("pi_1", "10"),
        payment("ch_1", "captured", "10", extensions=INTENT),
        payout("PO1001", entry("ch_1", "10")),
    ],
    "by the number of the receipt": [
        sale("", "10", receipt="R-77"),
        payout("PO1001", entry("P1", "10", merchant_reference="R-77")),
    ],
    "by the key of the receipt": [
        sale("", "10", receipt="77"),
        payment("P1", "captured", "10", natural_key="0001:1:2026-11-20:1"),
        payout("PO1001", entry("P1", "10")),
    ],
    "a sale and what was given back of it": [
        sale("P1", "10"),
        sale("P1", "-3", 2),
        payout("PO1001", entry("R1", "-3", "refund", original_reference="P1"), entry("P1", "10")),
    ],
    "fees and a chargeback are between shop and bank": [
        sale("P1", "10"),
        payout(
            "PO1001", entry("P1", "10"), entry("F1", "-1", "fee"), entry("P9", "-4", "chargeback")
        ),
    ],
}
BANK_WHOLE = {
    "by the number of the payout": [payout("PO1001", net="9"), line("9", "payout PO1001")],
    "by what the processor writes": [
        payout("PO1001", net="9", bank_reference="TX7000042XT"),
        line("9", "TX7000042XT batch 42, Shop"),
    ],
    "a payout below zero is a debit": [payout("PO1001", net="-5"), line("-5", "PO1001")],
    "a payout that failed is 0": [payout("PO1001", net="0")],
    "in two lines": [payout("PO1001", net="9"), line("4", "PO1001"), line("5", "PO1001")],
    "two bags in one credit": [
        deposit("BAG-1", "20"),
        deposit("BAG-2", "30"),
        line("50", "BAG-1 BAG-2"),
    ],
    "by amount and date": [payout("PO1001", net="9", bank_reference="CARDCO"), line("9", "CARDCO")],
    "told before by a notification": [
        payout("PO1001", net="9"),
        line("9", "PO1001", document="notification"),
        line("9", "PO1001", status="pending"),
        line("9", "PO1001"),
    ],
}  # fmt: skip


async def found(told: list[Told], *, book: MoneyBook | None = None) -> dict[Any, Any]:
    """Return what is open a month later."""
    book = book or MoneyBook()
    await book.take(told)
    await book.look()
    return await book.findings()


@pytest.mark.parametrize("told", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
async def test_a_tender_is_answered_by_the_entry_of_a_payout(
    told: list[Told], turned: bool
) -> None:
    """Whatever name it goes by and whichever comes first; only the bank is still awaited."""
    assert set(await found(told[::-1] if turned else told)) == {("PAYOUT_DIFF", "PO1001")}


@pytest.mark.parametrize("told", BANK_WHOLE.values(), ids=BANK_WHOLE)
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
async def test_a_payout_or_deposit_is_answered_by_the_bank(told: list[Told], turned: bool) -> None:
    """By what the line names, or by amount and date where nothing else fits."""
    assert await found(told[::-1] if turned else told) == {}


PLANTED = {
    "no money for a receipt": (
        [sale("P1", "10")],
        {("TENDER_NO_PAYMENT", "P1"): ("10.00", "nothing")},
    ),
    "money without a receipt": (
        [payout("PO1001", entry("P1", "10")), line("10", "PO1001")],
        {("PAYMENT_NO_TENDER", "P1"): ("10.00", "nothing")},
    ),
    "another amount": (
        [sale("P1", "10"), payout("PO1001", entry("P1", "9.99")), line("9.99", "PO1001")],
        {("AMOUNT_DIFF", "P1"): ("10.00", "9.99")},
    ),
    "a cent too little at the bank": (
        [payout("PO1001", net="9"), line("8.99", "PO1001")],
        {("PAYOUT_DIFF", "PO1001"): ("9.00", "8.99")},
    ),
    "the second part did not come": (
        [payout("PO1001", net="9"), line("4", "PO1001")],
        {("PAYOUT_DIFF", "PO1001"): ("9.00", "4.00")},
    ),
    "paid twice": (
        [payout("PO1001", net="9"), line("9", "PO1001"), line("9", "PO1001")],
        {("PAYOUT_DIFF", "PO1001"): ("9.00", "18.00")},
    ),
    "taken back by the bank": (
        [deposit("BAG-1", "20"), line("20", "BAG-1"), line("-20", "BAG-1", reversal=True)],
        {("DEPOSIT_MISMATCH", "BAG-1"): ("20.00", "0.00")},
    ),
    "a bag too light": (
        [deposit("BAG-1", "20"), line("19.99", "BAG-1")],
        {("DEPOSIT_MISMATCH", "BAG-1"): ("20.00", "19.99")},
    ),
    "two bags, one too light": (
        [deposit("BAG-1", "20"), deposit("BAG-2", "30"), line("49", "BAG-1 BAG-2")],
        {("DEPOSIT_MISMATCH", "BAG-1"): ("50.00", "49.00")},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("told", "wanted"), PLANTED.values(), ids=PLANTED)
async def test_a_difference_is_found_and_named(told: list[Told], wanted: dict[Any, Any]) -> None:
    """Exactly the planted one, with both figures."""
    assert await found(told) == wanted


async def test_a_payout_that_does_not_add_up_stays_found_though_the_bank_paid_it() -> None:
    """What is wrong inside it is not explained by a credit of what it says."""
    wrong = (Breach("PAYOUT_DIFF", "net", "10.00", "9.00", Decimal("-1.00")),)
    told = [sale("P1", "10"), payout("PO1001", entry("P1", "10"), net="9", breaches=wrong)]
    assert await found([*told, line("9", "PO1001")]) == {
        ("PAYOUT_DIFF", "PO1001"): ("10.00", "9.00")
    }


async def test_two_payouts_that_fit_are_left_to_a_person() -> None:
    """The same amount twice in the window is not guessed; the finding says how many fit."""
    book = MoneyBook()
    same = [payout(name, net="9", bank_reference="CARDCO") for name in ("PO1001", "PO1002")]
    wanted = {("PAYOUT_DIFF", "PO1001"), ("PAYOUT_DIFF", "PO1002")}
    assert set(await found([*same, line("9", "CARDCO")], book=book)) == wanted
    [[told, _]] = await book.journal.ask(
        "SELECT detail, count(*) FROM recon_finding WHERE state = 'open' GROUP BY detail"
    )
    assert told == "2 payouts or deposits and 1 bank lines of this amount fit"
    # A line that names one of them leaves one for the other.
    assert await found([line("9", "PO1002")], book=book) == {}


async def test_a_name_that_several_payouts_bear_is_no_name() -> None:
    """A processor that writes the same on every line: only the amount tells them apart."""
    told = [payout(f"PO{n}", net=str(n), bank_reference="CARD24") for n in (1001, 1002)]
    assert await found([*told, line("1002", "CARD24"), line("1001", "CARD24")]) == {}


async def test_a_name_that_several_payouts_bear_does_not_keep_a_line_away() -> None:
    """The bank gives each line a number of its own, and the amount tells whose it is."""
    told = [payout(f"PO{n}", net=str(n), bank_reference="CARD24") for n in (1001, 1002)]
    lines = [line("1002", "CARDCO", "E2E-9"), line("1001", "CARDCO", "E2E-8")]
    assert await found([*told, *lines]) == {}


async def test_as_many_lines_as_payouts_of_one_amount_explain_them_all() -> None:
    """Which line is whose makes no difference; one line fewer leaves the rest to a person."""
    same = [payout(name, net="9", bank_reference="CARDCO") for name in ("PO1", "PO2", "PO3")]
    assert await found([*same, *(line("9", "CARDCO") for _ in same)]) == {}
    wanted = {("PAYOUT_DIFF", name) for name in ("PO1", "PO2", "PO3")}
    assert set(await found([*same, line("9", "CARDCO"), line("9", "CARDCO")])) == wanted


async def test_money_of_no_known_currency_is_followed_all_the_same() -> None:
    """A statement in Deutsche Mark stops no book: its amounts are compared as they were told."""
    told = [payout("PO1001", net="9.5"), line("9.50", "PO1001"), line("7.125", "OTHER1")]
    for one in told:
        one.message = structs.replace(one.message, currency="DEM")
    assert await found(told) == {}
    told[1].message = structs.replace(told[1].message, amount=Decimal("9.49"))
    assert await found(told) == {("PAYOUT_DIFF", "PO1001"): ("9.50", "9.49")}


async def test_a_line_outside_the_window_or_of_another_payout_is_not_taken() -> None:
    """Too late, or with a reference of its own where the payout has one too."""
    late = [payout("PO1001", net="9"), line("9", "CARDCO", value_date=date(2026, 12, 1))]
    assert set(await found(late)) == {("PAYOUT_DIFF", "PO1001")}
    other = [payout("PO1001", net="9", bank_reference="TX1"), line("9", "rent", "TX2")]
    assert set(await found(other)) == {("PAYOUT_DIFF", "PO1001")}


async def test_a_payment_that_was_declined_later_is_found_at_once() -> None:
    """Taken offline, declined when it was forwarded: the receipt has no money, until it has."""
    book = MoneyBook()
    await book.take([sale("P1", "10"), payment("P1", "declined", "10", offline_forwarded=True)])
    assert await book.findings() == {("TENDER_NO_PAYMENT", "P1"): ("10.00", "nothing")}
    assert await book.detail("TENDER_NO_PAYMENT") == f"declined at {PSP}"
    await book.look(NOON)
    assert set(await book.findings()) == {("TENDER_NO_PAYMENT", "P1")}
    await book.take([payout("PO1001", entry("P1", "10")), line("10", "PO1001")])
    assert await book.findings() == {}


async def test_a_declined_refund_says_nothing_of_the_sale() -> None:
    """Its sign tells which of the two it is."""
    told = [sale("P1", "10"), payment("R1", "declined", "-10", original_reference="P1")]
    book = MoneyBook()
    await book.take(told)
    assert await book.findings() == {}


async def test_differences_are_gone_when_the_money_came() -> None:
    """Overdue first; the payout and the line explain everything."""
    book = MoneyBook()
    assert set(await found([sale("P1", "10"), deposit("BAG-1", "20")], book=book)) == {
        ("TENDER_NO_PAYMENT", "P1"),
        ("DEPOSIT_MISMATCH", "BAG-1"),
    }
    came = [payout("PO1001", entry("P1", "10")), line("10", "PO1001"), line("20", "BAG-1")]
    assert await found(came, book=book) == {}


async def test_a_newer_revision_replaces_what_the_older_one_said() -> None:
    """A payout that failed after all is 0; an order that is told again is one tender."""
    one = [payout("PO1001", entry("P1", "10"), digest=b"payout"), sale("P1", "10", digest=b"order")]
    assert set(await found(one)) == {("PAYOUT_DIFF", "PO1001")}
    again = [*one, sale("P1", "12", digest=b"order"), payout("PO1001", net="0", digest=b"payout")]
    assert set(await found(again)) == {("TENDER_NO_PAYMENT", "P1")}
    later = [*again, payout("PO1002", entry("P1", "12")), line("12", "PO1002")]
    assert await found(later) == {}


async def test_a_processor_without_tenders_of_ours_is_followed_to_the_bank_alone() -> None:
    """Payments of a web shop that sends no receipts are no money without a receipt."""
    web = Reconciliation(processors={PSP: ProcessorSetting(PSP, tender_types=(), bank=BANK)})
    told = [payout("PO1001", entry("P1", "10")), line("10", "PO1001")]
    assert await found(told, book=MoneyBook(web)) == {}


async def test_a_tender_costs_one_row_and_no_question() -> None:
    """Cost per receipt does not depend on what waits."""
    book, asked = MoneyBook(), []
    await book.take([payout("PO1001", *(entry(f"X{n}", "1") for n in range(50)))])
    matching = book._fresh()
    await book._open(matching)
    ask = book.journal.ask

    async def counted(sql: str, parameters: Any = ()) -> Any:
        asked.append(sql)
        return await ask(sql, parameters)

    book.journal.ask = counted  # type: ignore[method-assign]
    change = await book._read(matching, [sale(f"P{n}", "1", n) for n in range(100)], 1)
    assert asked == []
    assert [len(rows) for _, rows in change.statements] == [100]


EVERYTHING = [
    *(told for story in WHOLE.values() for told in story),
    *(told for story in BANK_WHOLE.values() for told in story),
    *(told for story, _ in PLANTED.values() for told in story),
]


@given(data=st.data())
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
async def test_windows_and_crashes_change_nothing(data: st.DataObject) -> None:
    """Any order of messages, cut into any windows that crash: the same items and findings."""
    told = data.draw(st.permutations(EVERYTHING).map(lambda some: some[:25]))
    cuts = data.draw(st.sets(st.integers(1, len(told) - 1)))
    crashes = data.draw(st.sets(st.integers(0, len(cuts))))
    whole, cut = MoneyBook(), MoneyBook()
    await whole.take(told)
    await cut.take(told, cuts=cuts, crashes=crashes)
    for one, other in zip((await whole.state())[0], (await cut.state())[0], strict=True):
        assert one == other
    assert await whole.state() == await cut.state()
    await whole.look()
    await cut.look()
    assert await whole.state() == await cut.state()
