"""Generic POSLog: discounts, post-voids, cash movements, settlements, days, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tillway.dialects import dialect_named, dialect_names
from tillway.errors import ConfigurationError, ContractViolation

HEADER = {
    "BusinessUnit": {"UnitID": "7"},
    "WorkstationID": "01",
    "SequenceNumber": "0042",
    "BusinessDayDate": "2026-03-14",
    "EndDateTime": "2026-03-14T10:00:00Z",
    "CurrencyCode": "EUR",
}


def read(dialect: str = "poslog-6.0", **body: Any) -> dict[str, Any]:
    """Return the neutral record of a transaction with this body."""
    return dialect_named(dialect).normalise({**HEADER, **body})


def sale(amount: str, quantity: str = "1", **more: Any) -> dict[str, Any]:
    """Return a LineItem with a sale."""
    item = {"POSIdentity": {"POSItemID": "9638507 4".replace(" ", "")}}
    return {"Sale": {**item, "ExtendedAmount": amount, "Quantity": quantity, **more}}


def cash(amount: str, **more: Any) -> dict[str, Any]:
    """Return a LineItem with a cash tender."""
    return {"Tender": {"@TenderType": "Cash", "Amount": amount, **more}}


def retail(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a RetailTransaction body."""
    return {"RetailTransaction": {"LineItem": list(lines), **more}}


def test_change_elements_come_off_the_tender() -> None:
    """Amount is what was handed over, and TenderChange what came back."""
    for change in ({"Amount": "3.00"}, "3.00"):
        record = read(**retail(sale("7.00"), cash("10.00", TenderChange=change)))
        (tender,) = record["tenders"]
        assert (tender["amount"], tender["tendered_amount"]) == ("7.00", "10.00")


def test_modifiers_explain_the_difference_to_gross() -> None:
    """An amount after discounts gets its gross back from the modifiers."""
    modifier = {
        "@MethodCode": "Promotion",
        "Amount": {"@Action": "Subtract", "#text": "1.50"},
        "PromotionID": "P1",
    }
    line = read(**retail(sale("8.50", RetailPriceModifier=modifier), cash("8.50")))["lines"][0]
    assert (line["gross_amount"], line["discount_amount"], line["net_amount"]) == (
        "10.00",
        "1.50",
        "8.50",
    )
    assert line["price_modifiers"] == [
        {"method_code": "promotion", "promotion_id": "P1", "amount": "1.50"}
    ]


def test_a_discount_on_the_receipt_is_shared_exactly() -> None:
    """Shares follow net amounts, the rest goes to the largest line, and nothing is lost."""
    lines = (sale("10.00"), sale("10.00"), sale("10.01"), {"Discount": {"Amount": "1.00"}})
    record = read(**retail(*lines, cash("29.01")))
    assert [line["discount_amount"] for line in record["lines"]] == ["0.33", "0.33", "0.34"]
    assert record["totals"]["net"] == record["totals"]["grand"] == "29.01"


def test_a_post_void_is_the_receipt_with_its_signs_turned() -> None:
    """A copy of the receipt with a Voided link becomes a void with reversed signs."""
    link = {
        "@ReasonCode": "Voided",
        "RetailStoreID": "7",
        "WorkstationID": "01",
        "SequenceNumber": "41",
        "BusinessDayDate": "2026-03-14",
    }
    body = retail(sale("7.00"), cash("7.00"), TransactionLink=link)
    body["RetailTransaction"]["@TransactionStatus"] = "PostVoided"
    record = read(**body)
    assert (record["kind"], record["voided_natural_key"]) == (
        "voided_transaction",
        "7:1:2026-03-14:41",
    )
    assert (record["totals"]["grand"], record["lines"][0]["net_amount"]) == ("-7.00", "-7.00")
    assert (record["lines"][0]["quantity"], record["tenders"][0]["amount"]) == ("-1", "-7.00")


LINK = {
    "RetailStoreID": "7",
    "WorkstationID": "01",
    "SequenceNumber": "41",
    "BusinessDayDate": "2026-03-14",
}


@pytest.mark.parametrize(
    ("added", "key"),
    [
        ({}, "7:1:2026-03-14:41"),
        ({"acs:CounterRun": "2"}, "7:1:2026-03-14:41:e2"),
        ({"@x:CounterRun": "02"}, "7:1:2026-03-14:41:e2"),
        ({"acs:CounterRun": {"@unit": "resets", "#text": " 12 "}}, "7:1:2026-03-14:41:e12"),
        ({"acs:CounterRun": "0"}, "7:1:2026-03-14:41"),
        ({"acs:CounterRun": ""}, "7:1:2026-03-14:41"),
        ({"acs:Other": "2"}, "7:1:2026-03-14:41"),
    ],
)
def test_a_link_keeps_the_run_of_the_counter_that_the_file_says(
    added: dict[str, Any], key: str
) -> None:
    """A void and a return point at the receipt of that run, whatever the prefix of the vendor."""
    returned = {"Return": {"ExtendedAmount": "7.00", "TransactionLink": {**LINK, **added}}}
    record = read(**retail(returned, cash("7.00")))
    assert record["lines"][0]["original"]["natural_key"] == key
    body = retail(sale("7.00"), TransactionLink={"@ReasonCode": "Voided", **LINK, **added})
    body["RetailTransaction"]["@TransactionStatus"] = "PostVoided"
    assert read(**body)["voided_natural_key"] == key


def test_no_run_of_a_link_is_guessed_from_its_own_transaction() -> None:
    """A return after the counter started again may be of a receipt before."""
    body = retail(sale("7.00"), TransactionLink={"@ReasonCode": "Return", **LINK})
    record = read(**body, **{"acs:CounterRun": "2"})
    assert [link["natural_key"] for link in record["links"]] == ["7:1:2026-03-14:41"]


@pytest.mark.parametrize("run", ["two", "-1", "1.5", "\u00b2"])
def test_a_run_that_is_no_number_makes_no_link(run: str) -> None:
    """The link is kept as it was sent, and a void without its receipt is refused."""
    link = {"@ReasonCode": "Return", **LINK, "acs:CounterRun": run}
    record = read(**retail(sale("7.00"), TransactionLink=link))
    assert "links" not in record
    assert record["extensions"]["poslog"]["links"] == [link]
    voided = {**link, "@ReasonCode": "Voided"}
    body = retail(sale("7.00"), cash("7.00"), TransactionLink=voided)
    body["RetailTransaction"]["@TransactionStatus"] = "PostVoided"
    with pytest.raises(ContractViolation) as told:
        read(**body)
    assert [one.path for one in told.value.violations] == ["RetailTransaction.TransactionLink"]


@pytest.mark.parametrize(
    ("status", "lines", "control_type"),
    [
        ("Suspended", (sale("1.00"),), "suspended"),
        ("SuspendedDeleted", (sale("1.00"),), "suspend_deleted"),
        ("Resumed", (sale("1.00"),), "resumed"),
        ("Voided", (), "cancelled"),
        ("Finished", (), "cancelled"),
    ],
)
def test_unfinished_transactions_use_up_their_number(
    status: str, lines: tuple[dict[str, Any], ...], control_type: str
) -> None:
    """What never became a receipt is a control record under the same number."""
    body = retail(*lines)
    body["RetailTransaction"]["@TransactionStatus"] = status
    record = read(**body)
    assert (record["kind"], record["control_type"]) == ("control", control_type)
    assert record["sequence_number"] == "42"


def test_a_resumed_receipt_with_tenders_is_completed() -> None:
    """Paid is paid, whatever happened before."""
    body = retail(sale("1.00"), cash("1.00"))
    body["RetailTransaction"]["@TransactionStatus"] = "Resumed"
    assert read(**body)["kind"] == "retail_transaction"


def test_training_is_counted_and_nothing_more() -> None:
    """A training transaction keeps its number as a control record."""
    record = read(**retail(sale("1.00"), cash("1.00")), **{"@TrainingModeFlag": "true"})
    assert (record["kind"], record["control_type"], record["training"]) == (
        "control",
        "training",
        True,
    )


@pytest.mark.parametrize(
    ("kind", "body", "movement", "amount"),
    [
        ("PaidIn", {"Amount": "20.00"}, "paid_in", "20.00"),
        ("PaidOut", {"Amount": "20.00", "Reason": "window"}, "paid_out", "-20.00"),
        ("TenderLoan", {"Tender": {"@TenderType": "Cash", "Amount": "9"}}, "float_in", "9"),
        ("SafeDrop", {"DropAmount": "300.00", "SafeID": "S1"}, "safe_drop", "-300.00"),
    ],
)
def test_cash_movements_are_signed(
    kind: str, body: dict[str, Any], movement: str, amount: str
) -> None:
    """Money into the drawer is positive, out of it negative."""
    record = read(TenderControlTransaction={kind: body})
    assert (record["kind"], record["movement_type"], record["amount"], record["tender_type"]) == (
        "cash_movement",
        movement,
        amount,
        "cash",
    )


def test_a_till_settlement_tells_over_and_short() -> None:
    """What was counted, and how far it is off, give what was expected."""
    ledger = {
        "@TenderType": "Cash",
        "Beginning": {"Amount": "100.00"},
        "Sales": "250.00",
        "Ending": "348.00",
        "Short": "2.00",
    }
    settle = {"TenderSummary": {"Ledger": ledger}, "LineItemVoids": {"Count": "2", "Amount": "9"}}
    record = read(TenderControlTransaction={"TillSettle": settle})
    assert record["kind"] == "till_settle"
    assert record["settled"] == [
        {
            "tender_type": "cash",
            "opening": "100.00",
            "sales": "250.00",
            "counted": "348.00",
            "expected": "350.00",
            "over_short": "-2.00",
        }
    ]
    assert record["voids"] == {"line": {"count": "2", "amount": "9"}}


def test_days_open_and_close_with_their_numbers() -> None:
    """The record that ends a day carries the numbers its completeness rests on."""
    opened = read(
        ControlTransaction={"BusinessSOD": {"StartDateTimestamp": "2026-03-14T07:00:00Z"}}
    )
    assert (opened["kind"], opened["opened_at"]) == ("business_day_opened", "2026-03-14T07:00:00Z")
    session = {
        "OpenTransactionSequenceNumber": "0001",
        "LastTransactionSequenceNumber": "0042",
        "TransactionCount": "42",
    }
    closed = read(ControlTransaction={"BusinessEOD": session})
    assert closed["kind"] == "business_day_closed"
    assert closed["workstations"] == [
        {
            "workstation_id": "1",
            "first_sequence": "1",
            "last_sequence": "42",
            "transaction_count": "42",
        }
    ]


def test_an_unknown_tender_keeps_its_name() -> None:
    """A tender nobody mapped goes on in snake case, for the contract to name."""
    line = {"Tender": {"@TenderType": "x:SeaShells", "Amount": "1.00"}}
    assert read(**retail(sale("1.00"), line))["tenders"][0]["tender_type"] == "sea_shells"


def test_every_violation_is_listed() -> None:
    """A transaction that cannot be read says everything that is wrong with it."""
    body = retail(
        sale("12,50"),
        {"Sale": {"Quantity": "1"}},
        {"Layaway": {"Amount": "3.00"}},
        {"Tender": {"@TenderType": "Cash", "Amount": "1e3"}},
    )
    with pytest.raises(ContractViolation) as raised:
        dialect_named("poslog-6.0").normalise({"CurrencyCode": "EUR", **body})
    assert raised.value.code == "TW-3201"
    found = {(breach.path, breach.rule) for breach in raised.value.violations}
    assert found >= {
        ("RetailStoreID", "required"),
        ("WorkstationID", "required"),
        ("SequenceNumber", "required"),
        ("BusinessDayDate", "required"),
        ("LineItem[1].Sale.ExtendedAmount", "decimal"),
        ("LineItem[2].Sale.Amount", "required"),
        ("LineItem[3]", "line_kind"),
        ("LineItem[4].Tender.Amount", "decimal"),
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"RetailTransaction": "text"},
        {"ControlTransaction": {"SomethingNew": {}}},
        {"TenderControlTransaction": {"SomethingNew": {}}},
        retail({"Sale": {"ExtendedAmount": "1"}}, TransactionLink="text"),
        retail({"Tender": "5"}, {"Sale": []}),
    ],
)
def test_strange_trees_are_read_or_refused(body: dict[str, Any]) -> None:
    """Whatever the tree holds, the answer is a record or a ContractViolation."""
    breach: ContractViolation | None = None
    try:
        assert read(**body)["business_unit_id"] == "7"
    except ContractViolation as raised:
        breach = raised
    assert breach is None or breach.violations


def test_the_tree_is_not_changed() -> None:
    """Normalising twice gives the same record, so the tree was left alone."""
    tree = {**HEADER, **retail(sale("1.00"), cash("1.00"), TransactionLink={"@ReasonCode": "Odd"})}
    dialect = dialect_named("poslog-6.0")
    assert dialect.normalise(tree) == dialect.normalise(tree)


def test_dialects_are_found_by_name() -> None:
    """The shipped dialects are there, `none` changes nothing, and a wrong name is refused."""
    assert dialect_names() == [
        "adyen-settlement",
        "none",
        "poslog-2.2",
        "poslog-6.0",
        "poslog-6.0-visma",
        "poslog-ncr-acs-2.1",
    ]
    tree = {"a": 1}
    assert dialect_named("none").normalise(tree) is tree
    with pytest.raises(ConfigurationError) as raised:
        dialect_named("poslog-6.1")
    assert raised.value.code == "TW-3202"
    assert '"poslog-6.0"' in raised.value.advice
