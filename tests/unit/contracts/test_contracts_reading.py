"""Reading a contract: the standard's words, the model's fields, and every mistake with its line."""

from decimal import Decimal

import pytest

from tillway.contracts import ArithmeticRule, Owner, SequenceExpectation, load_contract
from tillway.errors import ConfigurationError

FILE = "contracts/retail_transaction.completed/v2.odcs.yaml"
GOOD = """\
apiVersion: v3.1.0
kind: DataContract
id: receipts
version: "2.1.0"
status: active
description:
  purpose: Receipts.
team:
  name: Sales finance
support:
  - channel: sales-finance
    url: mailto:sales@example.com
schema:
  - name: retail_transaction.completed
    logicalType: object
    properties:
      - name: receipt_number
        required: true
      - name: channel
        quality:
          - metric: invalidValues
            arguments:
              validValues: [store, web]
            mustBe: 0
          - type: text
            description: Kiosks are not in use.
      - name: lines
        logicalType: array
        items:
          properties:
            - name: item
              properties:
                - name: gtin
                  required: true
            - name: description
customProperties:
  - property: arithmetic
    value:
      TRAN_OUT_OF_BALANCE: {severity: warn, tolerance: 0.01}
      NEGATIVE_PRICE: {severity: off}
  - property: sequence
    value:
      scope: [business_unit_id, workstation_id, business_date]
      reset: wrap_at_9999
  - property: retentionYears
    value: 10
"""


def test_contract_holds_what_the_document_says():
    """Owner, version, required fields, values, arithmetic and sequence are read from the file."""
    contract = load_contract(GOOD, file=FILE)
    assert (contract.message_type, contract.version) == ("retail_transaction.completed", 2)
    assert (contract.full_version, contract.status) == ("2.1.0", "active")
    assert contract.owner == Owner("Sales finance", "mailto:sales@example.com")
    assert contract.description == "Receipts."
    assert contract.required == ("receipt_number", "lines[].item.gtin")
    assert contract.enums == {"channel": ("store", "web")}
    assert contract.arithmetic == {
        "TRAN_OUT_OF_BALANCE": ArithmeticRule("warn", Decimal("0.01")),
        "NEGATIVE_PRICE": ArithmeticRule("off", None),
    }
    scope = ("business_unit_id", "workstation_id", "business_date")
    assert contract.sequence == SequenceExpectation(scope, "wrap_at_9999")


def test_contract_without_extras_asks_nothing():
    """The least contract names type, version, status and owner."""
    text = GOOD.partition("    properties:")[0]
    contract = load_contract(text, file=FILE)
    assert (contract.required, contract.enums, contract.arithmetic) == ((), {}, {})
    assert contract.sequence is None


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "advice"),
    [
        ("status: active", "stauts: active", "TW-2101", 5, 'Did you mean "status"?'),
        ("status: active", "status: activ", "TW-2101", 5, 'Did you mean "active"?'),
        ("kind: DataContract", "kind: Contract", "TW-2101", 2, "DataContract"),
        ("apiVersion: v3.1.0", "apiVersion: v9", "TW-2101", 1, "v3.1.0"),
        ('version: "2.1.0"', "version: two", "TW-2101", 4, '"1.0.0"'),
        ("id: receipts\n", "", "TW-2101", 1, "id"),
        ("team:\n  name: Sales finance\n", "", "TW-2101", 1, "team"),
        ("  purpose:", "  porpose:", "TW-2101", 7, 'Did you mean "purpose"?'),
        ("  - channel: sales", "  - chanel: sales", "TW-2101", 11, 'Did you mean "channel"?'),
        (
            "retail_transaction.completed",
            "retail_transaction.complete",
            "TW-2102",
            14,
            'Did you mean "retail_transaction.completed"?',
        ),
        (
            "- name: receipt_number",
            "- name: receipt_nr",
            "TW-2102",
            17,
            'Did you mean "receipt_number"?',
        ),
        ("- name: gtin", "- name: gtan", "TW-2102", 33, 'Did you mean "gtin"?'),
        ("required: true", "required: yes please", "TW-2101", 18, "required: true"),
        ("required: true", "requird: true", "TW-2101", 18, 'Did you mean "required"?'),
        ("[store, web]", "[store, wob]", "TW-2102", 23, 'Did you mean "web"?'),
        ("validValues: [", "values: [", "TW-2101", 23, 'Did you mean "validValues"?'),
        ("[store, web]", "[]", "TW-2101", 23, "at least one"),
        ("mustBe: 0", "mustBe: 1", "TW-2103", 21, "mustBe: 0"),
        ("invalidValues", "rowCount", "TW-2103", 21, "type: text"),
        ("        items:\n", "        properties:\n", "TW-2102", 27, "model"),
        ("- name: lines", "- name: totals", "TW-2102", 27, "model"),
        (
            "TRAN_OUT_OF_BALANCE",
            "TRAN_OUT_OF_BALLANCE",
            "TW-2102",
            39,
            'Did you mean "TRAN_OUT_OF_BALANCE"?',
        ),
        ("severity: warn", "severity: warning", "TW-2101", 39, 'Did you mean "warn"?'),
        ("tolerance: 0.01", "tolerance: -1", "TW-2101", 39, '"0.01"'),
        ("property: sequence", "property: sequense", "TW-2101", 41, 'Did you mean "sequence"?'),
        ("reset: wrap_at_9999", "reset: yearly", "TW-2101", 44, "never"),
        ("business_unit_id,", "business_unit,", "TW-2102", 43, 'Did you mean "business_unit_id"?'),
        ("kind: DataContract", "kind: [", "TW-2101", 4, "YAML"),
        ("kind: DataContract", "kind: &a DataContract", "TW-2101", 2, "write the value out"),
        ("kind: DataContract", "kind: !x DataContract", "TW-2101", 2, "plain"),
        ("id: receipts", "kind: again", "TW-2101", 3, "remove one"),
    ],
)
def test_mistake_is_told_with_file_and_line(old, new, code, line, advice):
    """Each mistake is told with code, file, line and the nearest known name or what to write."""
    assert old in GOOD
    with pytest.raises(ConfigurationError) as error:
        load_contract(GOOD.replace(old, new, 1), file=FILE)
    assert error.value.code == code
    assert error.value.where["at"].endswith(f"v2.odcs.yaml:{line}")
    assert advice in error.value.advice


@pytest.mark.parametrize("text", ["", "- a\n", "plain", "a: b\n" * 3, "\t", "{" * 500, "[" * 60])
def test_what_is_no_contract_is_refused(text):
    """Any other document is refused with a code, however odd."""
    with pytest.raises(ConfigurationError) as error:
        load_contract(text, file=FILE)
    assert error.value.code == "TW-2101"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a:\n-  "])
def test_what_is_nested_without_end_is_refused_and_crashes_nothing(opening):
    """However deep, and in whichever of YAML's ways: refused with its line."""
    with pytest.raises(ConfigurationError) as error:
        load_contract(opening * (500_000 // len(opening)), file=FILE)
    assert error.value.code == "TW-2101"


def test_schema_with_two_objects_is_refused():
    """One contract is about one message type."""
    with pytest.raises(ConfigurationError, match="one schema object"):
        load_contract(GOOD.replace("customProp", "  - name: cash.moved\ncustomProp"), file=FILE)
