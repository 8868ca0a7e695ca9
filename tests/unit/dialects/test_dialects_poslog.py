"""POSLog to neutral records: every trap of the retail model, on files written for these tests."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tillway.dialects import dialect_named
from tillway.formats import Record, format_named
from tillway.security.masking import Masker

DATA = Path(__file__).parents[2] / "data" / "poslog"
MASKER = Masker(pseudonym_key=b"a key for tests only")


def neutral(path: Path, dialect: str) -> list[dict[str, Any]]:
    """Return the neutral records of a file, masked as intake does."""
    records = []
    with path.open("rb") as stream:
        for record in format_named("poslog", {}).records(stream):
            assert isinstance(record, Record)
            tree, _ = MASKER.mask(record.value)
            records.append(dialect_named(dialect).normalise(tree))
    return records


@pytest.fixture(scope="module")
def ncr() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the NCR traps by workstation and number."""
    records = neutral(DATA / "ncr_traps.xml", "poslog-ncr-acs-2.1")
    return {(one["workstation_id"], one["sequence_number"]): one for one in records}


@pytest.fixture(scope="module")
def visma() -> list[dict[str, Any]]:
    """Return the records of the Visma file."""
    return neutral(DATA / "visma_6_0.xml", "poslog-6.0-visma")


def amounts(rows: list[dict[str, Any]], name: str) -> Decimal:
    """Return the sum of a field."""
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


def live(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines that are not void."""
    return [line for line in record["lines"] if not line["voided"]]


def test_every_number_is_accounted_for(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Control transactions keep the numbers of both registers without gaps."""
    numbers = sorted((workstation, int(number)) for workstation, number in ncr)
    assert numbers == [("1", n) for n in range(501, 509)] + [("2", n) for n in range(77, 81)]
    kinds = Counter(one.get("control_type", one["kind"]) for one in ncr.values())
    assert kinds == {"retail_transaction": 8, "sign_on": 2, "sign_off": 1, "no_sale": 1}


def test_every_receipt_balances(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Lines and added tax equal the grand total and the tenders, on each receipt and in all."""
    receipts = [one for one in ncr.values() if one["kind"] == "retail_transaction"]
    for one in receipts:
        due = amounts(live(one), "net_amount") + amounts(one.get("taxes", []), "tax_amount")
        assert due == Decimal(one["totals"]["grand"]) == amounts(one["tenders"], "amount")
    totals = [one["totals"] for one in receipts]
    figures = {name: str(amounts(totals, name)) for name in ("gross", "net", "tax", "grand")}
    assert figures == {"gross": "80.43", "net": "78.98", "tax": "4.57", "grand": "83.55"}
    paid: Counter[str] = Counter()
    for tender in (tender for one in receipts for tender in one["tenders"]):
        paid[tender["tender_type"]] += int(Decimal(tender["amount"]) * 100)
    assert paid == {"cash": -1192, "credit": 4653, "debit": 4894}


def test_change_is_folded_into_its_cash(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Ten handed over and 3.12 back is one tender of 6.88."""
    (tender,) = ncr["1", "502"]["tenders"]
    assert (tender["amount"], tender["tendered_amount"], tender["change_amount"]) == (
        "6.88",
        "10.00",
        "3.12",
    )


def test_a_void_marks_both_lines(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """The nearest earlier equal line and the negative one are void and linked."""
    lines = ncr["1", "503"]["lines"]
    assert [line["voided"] for line in lines] == [False, False, True, True]
    assert [line.get("voids_line_number") for line in lines] == [None, None, None, 3]


def test_cash_back_is_two_tenders(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """The card keeps what it was charged; negative cash carries the notes."""
    card, notes = ncr["1", "504"]["tenders"]
    assert (card["tender_type"], card["amount"], card["cashback_amount"]) == (
        "debit",
        "36.94",
        "20.00",
    )
    assert (notes["tender_type"], notes["amount"]) == ("cash", "-20.00")


def test_rewards_count_once_as_modifiers(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Of the two views of a reward the detailed one becomes a modifier of its line."""
    record = ncr["1", "505"]
    first, second = record["lines"]
    assert first["price_modifiers"] == [
        {"method_code": "reward_program", "promotion_id": "7001", "amount": "1.00"}
    ]
    assert (second["gross_amount"], second["discount_amount"], second["net_amount"]) == (
        "4.50",
        "0.45",
        "4.05",
    )
    assert second["entry_method"] == "keyed"
    assert record["loyalty_ref"].startswith("psn:")


def test_bottles_and_deposits_have_their_types(
    ncr: dict[tuple[str, str], dict[str, Any]],
) -> None:
    """A linked deposit is a deposit; a negative item is a deposit returned with quantity -1."""
    lines = ncr["1", "506"]["lines"]
    assert [line["line_type"] for line in lines] == ["sale", "deposit", "deposit_return"]
    assert (lines[2]["quantity"], lines[2]["net_amount"]) == ("-1", "-2.00")
    alone = ncr["2", "79"]
    assert alone["transaction_type"] == "return"
    assert [(one["tender_type"], one["amount"]) for one in alone["tenders"]] == [("cash", "-2.00")]


def test_item_numbers_follow_the_gs1_rule(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """A padded PLU loses zeros and check digit, a GTIN keeps 14 digits, 02 is internal."""
    plu, gtin = (line["item"] for line in ncr["1", "502"]["lines"])
    assert (plu["item_id"], plu["id_type"], plu["pos_item_id"][:9]) == ("4711", "plu", "000000000")
    assert (gtin["item_id"], gtin["gtin"], gtin["id_type"]) == (
        "04006381333931",
        "04006381333931",
        "gtin",
    )
    weighed = ncr["1", "503"]["lines"][0]
    assert (weighed["item"]["id_type"], weighed["uom"], weighed["quantity"]) == (
        "restricted",
        "LBR",
        "0.48",
    )


def test_rough_tax_rates_are_left_out(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """The stated percentage is a rough check, so the code alone is kept."""
    assert ncr["1", "502"]["taxes"] == [
        {
            "tax_type": "sales",
            "tax_code": "1",
            "taxable_amount": "6.25",
            "tax_amount": "0.63",
            "included": False,
        }
    ]


def test_foreign_lines_are_kept_and_links_normalised(
    ncr: dict[tuple[str, str], dict[str, Any]],
) -> None:
    """Lines without money stay as extensions, and a resume link has a normalised key."""
    record = ncr["2", "78"]
    kinds = [line["kind"] for line in record["extensions"]["poslog"]["lines"]]
    assert kinds == ["acs:ItemRestriction", "acs:ItemNotFound", "acs:SupervisorOverride"]
    assert record["links"] == [{"reason": "resume", "natural_key": "41:1:2026-03-14:499"}]


def test_the_business_date_is_the_one_of_the_till(
    ncr: dict[tuple[str, str], dict[str, Any]],
) -> None:
    """After midnight the receipt still belongs to the day before."""
    record = ncr["1", "507"]
    assert (record["business_date"], record["end_at"]) == ("2026-03-14", "2026-03-15T00:02:40")


def test_no_personal_data_is_left(ncr: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Names, birth date, signature, loyalty numbers and CRM variables are gone."""
    everything = repr(list(ncr.values()))
    for secret in ("Example", "1970-02-03", "M 1 2 L", "8888001", "8888002", "8888004", "'901'"):
        assert secret not in everything
    assert MASKER.pseudonym("901", "staff") in everything


def test_visma_rounds_and_derives_its_date(visma: list[dict[str, Any]]) -> None:
    """Rounding down is negative on the cash tender; the date comes from the begin time."""
    record = visma[0]
    assert (record["business_date"], record["business_date_source"]) == ("2026-03-14", "derived")
    assert record["workstation_id"] == "3"
    (tender,) = record["tenders"]
    assert (tender["amount"], tender["rounding_amount"]) == ("99.00", "-0.20")
    assert record["totals"]["rounding"] == "-0.20"
    assert [line["voided"] for line in record["lines"]] == [False, True]
    assert record["taxes"][0]["included"] is True


def test_one_number_is_one_message(visma: list[dict[str, Any]]) -> None:
    """A drawer-open control beside a receipt becomes an extension of the receipt."""
    assert len(visma) == 3
    assert "ControlTransaction" in visma[0]["extensions"]["poslog"]
    assert "ANNA" not in repr(visma)


def test_a_cancelled_sale_uses_up_its_number(visma: list[dict[str, Any]]) -> None:
    """A cancelled sale is a control record with its key."""
    assert (visma[1]["kind"], visma[1]["control_type"]) == ("control", "cancelled")
    assert visma[1]["sequence_number"] == "1201"


def test_unsigned_returns_become_negative(visma: list[dict[str, Any]]) -> None:
    """A return in unsigned amounts is negative throughout and knows its sale."""
    record = visma[2]
    (line,) = record["lines"]
    assert record["transaction_type"] == "return"
    assert (line["quantity"], line["net_amount"], line["tax"][0]["tax_amount"]) == (
        "-1",
        "-49.60",
        "-5.31429",
    )
    assert line["original"] == {"natural_key": "0207:3:2026-03-14:1200", "line_number": "1"}
    assert record["tenders"][0]["amount"] == record["totals"]["grand"] == "-49.60"
    assert record["time_source"] == "pos_offset"


def test_a_returned_line_can_be_taken_back() -> None:
    """A void of a return is positive, and pairs with the negative return it takes back."""
    item = {"POSIdentity": {"POSItemID": "00000000047116"}}
    body = {
        "LineItem": [
            {"Return": {**item, "ExtendedAmount": "-2.00", "Quantity": "-1"}},
            {"@VoidFlag": "true", "Return": {**item, "ExtendedAmount": "2.00", "Quantity": "1"}},
            {"Sale": {**item, "ExtendedAmount": "5.00", "Quantity": "1"}},
            {"Tender": {"@TenderType": "Cash", "Amount": "5.00"}},
        ]
    }
    header = {"RetailStoreID": "1", "WorkstationID": "1", "SequenceNumber": "2"}
    tree = {**header, "BusinessDayDate": "2026-03-14", "CurrencyCode": "USD"}
    record = dialect_named("poslog-ncr-acs-2.1").normalise({**tree, "RetailTransaction": body})
    assert [line["voided"] for line in record["lines"]] == [True, True, False]
    assert record["totals"]["net"] == "5.00"
