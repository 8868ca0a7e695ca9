"""Adyen's settlement report: rows of a batch as one payout, seen from the merchant."""

from __future__ import annotations

from typing import Any

import pytest

from tillway.dialects import dialect_named
from tillway.errors import ContractViolation
from tillway.formats import format_named
from tillway.testing.formats import values
from vendors.adyen_account import report, row

GROUPED = {
    "group_by": ["Merchant Account", "Batch Number", "Net Currency"],
    "gather": True,
}
SALE = {"Psp Reference": "PSP1", "Modification Reference": "CAP1"}


def settlements(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the dialect makes of a report."""
    dialect = dialect_named("adyen-settlement")
    return [dialect.normalise(tree) for tree in values(format_named("csv", GROUPED), report(*rows))]


def test_fees_make_the_difference_between_gross_and_net() -> None:
    """Commission, or markup, scheme fees and interchange; a refund has them too."""
    rows = (
        row(
            "Settled",
            "42.50",
            "42.00",
            **SALE,
            **{"Markup (NC)": "0.30", "Interchange (NC)": "0.20"},
        ),
        row("Refunded", "-10.00", "-10.10", **SALE, **{"Commission (NC)": "0.10"}),
        row("MerchantPayout", "", "-31.90", **{"Modification Reference": "TX1 batch 42"}),
    )
    (found,) = settlements(*rows)
    told = [(one["gross"], one["fee"], one["net"]) for one in found["entries"]]
    assert told == [("42.50", "0.50", "42.00"), ("-10.00", "0.10", "-10.10")]
    sums = {name: found[name] for name in ("gross", "fee", "net", "refund", "bank_reference")}
    assert sums == {
        "gross": "32.50",
        "fee": "0.60",
        "net": "31.90",
        "refund": "-10.00",
        "bank_reference": "TX1 batch 42",
    }


def test_a_refund_is_known_by_its_own_reference_and_the_payment_stays_beside_it() -> None:
    """The same references as `payment.updated` has, so that both can be joined."""
    (found,) = settlements(
        row("Settled", "5.00", "5.00", **SALE),
        row("Refunded", "-5.00", "-5.00", **{**SALE, "Modification Reference": "REF1"}),
    )
    told = [(one["psp_reference"], one.get("original_reference")) for one in found["entries"]]
    assert told == [("PSP1", None), ("REF1", "PSP1")]


def test_another_currency_is_turned_into_that_of_the_payout() -> None:
    """Gross is what was paid out plus the fees, for the fees are in the payout's currency."""
    more = {"Gross Currency": "GBP", "Commission (NC)": "1.00", "Exchange Rate": "1.15"}
    (found,) = settlements(row("Settled", "100.00", "114.00", **SALE, **more))
    assert found["entries"][0]["gross"] == "115.00"


def test_each_currency_of_a_batch_is_a_payout_of_its_own() -> None:
    """Rows of both lie mixed in the report."""
    dollars = {"Net Currency": "USD", "Gross Currency": "USD"}
    found = settlements(
        row("Settled", "5.00", "5.00", **SALE),
        row("Settled", "7.00", "7.00", **SALE, **dollars),
        row("MerchantPayout", "", "-5.00"),
        row("MerchantPayout", "", "-7.00", **{"Net Currency": "USD"}),
    )
    assert [(one["payout_id"], one["net"]) for one in found] == [
        ("MapleStreetEU/42/EUR", "5.00"),
        ("MapleStreetEU/42/USD", "7.00"),
    ]


def test_a_batch_without_a_payout_moves_its_balance_on() -> None:
    """Its entries are a sale less than the refunds, and what was carried over; net is zero."""
    (found,) = settlements(
        row("Refunded", "-5.00", "-5.00", **SALE),
        row("Balancetransfer", "", "5.00"),
    )
    assert found["net"] == "0.00"
    assert "paid_on" not in found


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("CET", "2026-11-20T10:15:02+01:00"), ("PST", "2026-11-20T10:15:02-08:00"), ("IST", None)],
)
def test_a_time_is_told_where_its_zone_is_beyond_doubt(zone: str, expected: str | None) -> None:
    """A short name that is several zones gives the day alone."""
    (found,) = settlements(row("MerchantPayout", "", "-5.00", TimeZone=zone))
    assert (found["paid_on"], found.get("posted_at")) == ("2026-11-20", expected)


def test_what_cannot_be_read_is_told_row_by_row() -> None:
    """Every violation has its path; none stops the search for the next."""
    with pytest.raises(ContractViolation) as raised:
        settlements(
            row("", "5.00", "5.00"),
            row("Settled", "1,00", "1.00", **SALE),
            row("Settled", **SALE),
        )
    told = {(one.path, one.rule) for one in raised.value.violations}
    assert told == {
        ("rows[0].Type", "required"),
        ("rows[1].Gross Credit (GC)", "decimal"),
        ("rows[2].Net Credit (NC)", "required"),
    }
