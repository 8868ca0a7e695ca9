"""Holding messages against a contract: presence, values, and how findings are taken."""

from decimal import Decimal

import jsonschema_rs
import msgspec
import pytest

from tillway.contracts import load_contract
from tillway.model.catalogue import message_type
from tillway.model.invariants import findings
from tillway.testing.examples import EXAMPLES, example_sale

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: x
version: 1.0.0
status: active
team: {name: Sales}
schema:
  - name: retail_transaction.completed
"""
FROM_TILLS = {
    "retail_transaction.completed",
    "retail_transaction.voided",
    "control.recorded",
    "cash.moved",
    "till.settled",
    "business_day.opened",
    "business_day.closed",
}
"""What tills number without a hole."""
DEMANDS = """\
    properties:
      - {name: receipt_number, required: true}
      - {name: tenders, required: true}
      - name: transaction_type
        quality: [{metric: invalidValues, arguments: {validValues: [sale]}, mustBe: 0}]
      - name: lines
        items:
          properties:
            - name: uom
              required: true
              quality: [{metric: invalidValues, arguments: {validValues: [EA]}, mustBe: 0}]
            - name: item
              properties: [{name: gtin, required: true}]
"""


def contract(body, **arithmetic):
    """Return a contract with these demands and arithmetic settings."""
    rules = "".join(f"      {rule}: {settings}\n" for rule, settings in arithmetic.items())
    custom = f"customProperties:\n  - property: arithmetic\n    value:\n{rules}" if rules else ""
    return load_contract(HEAD + body + custom, file="contracts/x/v1.odcs.yaml")


def sale(**changes):
    """Return the example sale with the fields that the demands above ask for."""
    base = example_sale()
    lines = tuple(
        msgspec.structs.replace(
            line,
            uom="EA",
            item=msgspec.structs.replace(line.item, gtin="04006381333931"),
        )
        for line in base.lines
    )
    return msgspec.structs.replace(base, **({"lines": lines, "receipt_number": "R1"} | changes))


def test_message_that_meets_the_contract_has_no_violations():
    """A message with everything asked for passes."""
    assert contract(DEMANDS).violations(sale()) == []


def test_every_breach_is_listed_with_its_path():
    """Missing fields and values outside the list are told one by one, inside lists too."""
    lines = list(sale().lines)
    lines[0] = msgspec.structs.replace(
        lines[0], uom="KGM", item=msgspec.structs.replace(lines[0].item, gtin=None)
    )
    lines[1] = msgspec.structs.replace(lines[1], uom=None, item=None)
    broken = sale(receipt_number=None, tenders=(), transaction_type="return", lines=tuple(lines))
    told = [(breach.path, breach.rule) for breach in contract(DEMANDS).violations(broken)]
    assert told == [
        ("receipt_number", "required"),
        ("tenders", "required"),
        ("transaction_type", "enum"),
        ("lines[0].uom", "enum"),
        ("lines[0].item.gtin", "required"),
        ("lines[1].uom", "required"),
    ]


def test_enum_breach_names_the_allowed_values():
    """The violation shows what was found and what the contract allows."""
    broken = sale(transaction_type="return")
    (breach,) = contract(DEMANDS).violations(broken)
    assert (breach.value, breach.expected) == ("return", "sale")


def unbalanced(by):
    """Return the sale with a grand total that is off by an amount."""
    message = sale()
    totals = msgspec.structs.replace(message.totals, grand=message.totals.grand + Decimal(by))
    return msgspec.structs.replace(message, totals=totals)


def severities(found):
    """Return rule and severity of each finding."""
    return {(finding.rule, finding.severity) for finding in found}


def test_findings_without_settings_are_those_of_the_model():
    """A contract that says nothing about sums takes them as the model does."""
    message = unbalanced("1.00")
    assert contract("").findings(message) == findings(message) != ()
    assert contract("").findings(sale()) == ()


def test_severity_of_a_rule_can_be_changed_or_put_off():
    """A warning keeps the finding and lowers it; off leaves it out."""
    message = unbalanced("1.00")
    lowered = contract("", TRAN_OUT_OF_BALANCE="{severity: warn}").findings(message)
    assert severities(lowered) == {("TRAN_OUT_OF_BALANCE", "warn")}
    assert contract("", TRAN_OUT_OF_BALANCE="{severity: off}").findings(message) == ()


@pytest.mark.parametrize(("off_by", "told"), [("0.05", False), ("0.06", True), ("-0.06", True)])
def test_tolerance_decides_which_difference_is_a_finding(off_by, told):
    """A difference up to the tolerance is none; one beyond it is a finding of that rule only."""
    loose = contract("", TRAN_OUT_OF_BALANCE='{tolerance: "0.05"}')
    found = loose.findings(unbalanced(off_by))
    assert severities(found) == ({("TRAN_OUT_OF_BALANCE", "error")} if told else set())


def test_tolerance_may_be_stricter_than_the_model():
    """A tolerance of zero finds what the model lets pass as rounding."""
    message = sale()
    totals = msgspec.structs.replace(message.totals, tax=message.totals.tax + Decimal("0.01"))
    rounded = msgspec.structs.replace(message, totals=totals)
    assert contract("").findings(rounded) == ()
    strict = contract("", LINE_TAX_SUM='{tolerance: "0"}').findings(rounded)
    assert severities(strict) == {("LINE_TAX_SUM", "error")}


def test_exported_schema_accepts_and_refuses_like_the_contract():
    """The JSON Schema of the contract takes the good message and refuses each broken one."""
    kind, asked = message_type("retail_transaction.completed"), contract(DEMANDS)
    check = jsonschema_rs.validator_for(asked.json_schema())
    broken = [
        sale(receipt_number=None),
        sale(tenders=()),
        sale(transaction_type="return"),
        example_sale(),
    ]
    assert check.is_valid(msgspec.json.decode(kind.encode(sale())))
    for message in broken:
        assert asked.violations(message)
        assert not check.is_valid(msgspec.json.decode(kind.encode(message)))


def test_contracts_of_the_template_take_the_examples():
    """Each contract that `tillway init` copies is read, and takes the example of its type."""
    from importlib import resources

    folder = resources.files("tillway.project") / "templates" / "pos-erp" / "contracts"
    seen = set()
    for place in folder.iterdir():
        text = (place / "v1.odcs.yaml").read_text("utf-8")
        loaded = load_contract(text, file=f"contracts/{place.name}/v1.odcs.yaml")
        message = EXAMPLES[place.name]
        assert (loaded.message_type, loaded.version) == (place.name, 1)
        assert loaded.violations(message) == []
        assert (loaded.sequence is not None) == (place.name in FROM_TILLS)
        seen.add(place.name)
    assert seen == FROM_TILLS | {
        "payment.updated",
        "settlement.posted",
        "bank.statement_line",
        "posting.requested",
        "posting.confirmed",
        "posting.reported",
    }
