"""The golden figures of the real NCR sample, where it is at hand, and POSLog to the model."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tillway import project
from tillway.dialects import dialect_named
from tillway.errors import ContractViolation
from tillway.formats import Record, format_named
from tillway.mapping import MappingTable, load_code_table, load_table
from tillway.model import findings, message_type
from tillway.security.masking import Masker

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", ROOT / ".." / "shared" / "samples"))
SAMPLE = SAMPLES / "pos" / "poslog" / "ncr_acs_poslog_2.1_day_store9.scrubbed.xml"
DATA = ROOT / "tests" / "data" / "poslog"
TABLES = Path(project.__file__).parent / "templates" / "pos-erp" / "mappings"
TABLE_OF = {
    "retail_transaction": "poslog-retail",
    "voided_transaction": "poslog-voided",
    "control": "poslog-control",
    "cash_movement": "poslog-cash",
    "till_settle": "poslog-till",
    "business_day_opened": "poslog-day-opened",
    "business_day_closed": "poslog-day-closed",
}
MASKER = Masker(pseudonym_key=b"a key for tests only")


@pytest.fixture(scope="module")
def tables() -> dict[str, MappingTable]:
    """Return the tables of the template by name."""
    text = (TABLES.parent / "codes" / "poslog_tender.csv").read_text()
    codes = {"poslog_tender": load_code_table("poslog_tender", text)}
    return {
        name: load_table((TABLES / f"{name}.toml").read_text(), name=name, codes=codes)
        for name in TABLE_OF.values()
    }


def neutral(path: Path, dialect: str) -> list[dict[str, Any]]:
    """Return the masked neutral records of a file."""
    with path.open("rb") as stream:
        records = list(format_named("poslog", {}).records(stream))
    assert all(isinstance(record, Record) for record in records)
    trees = [MASKER.mask(record.value)[0] for record in records if isinstance(record, Record)]
    return [dialect_named(dialect).normalise(tree) for tree in trees]


def message(record: dict[str, Any], tables: dict[str, MappingTable]) -> Any:
    """Return the canonical message of a neutral record."""
    table = tables[TABLE_OF[record["kind"]]]
    assert table.message_type is not None
    return message_type(table.message_type).convert(table.apply(record))


def test_the_real_sample_has_its_golden_figures() -> None:
    """Counts and sums of the NCR sample are those measured on it."""
    if not SAMPLE.exists():
        pytest.skip("the NCR sample is not at hand; set TILLWAY_SAMPLES")
    records = neutral(SAMPLE, "poslog-ncr-acs-2.1")
    receipts = [one for one in records if one["kind"] == "retail_transaction"]
    controls = Counter(one["control_type"] for one in records if one["kind"] == "control")
    assert (len(records), len(receipts)) == (51, 42)
    assert controls == {"sign_on": 4, "sign_off": 3, "no_sale": 2}
    numbers: dict[str, list[int]] = defaultdict(list)
    for one in records:
        numbers[one["workstation_id"]].append(int(one["sequence_number"]))
    assert len(numbers) == 7
    for found in numbers.values():
        assert sorted(found) == list(range(min(found), max(found) + 1))
    lines = [line for one in receipts for line in one["lines"]]
    live = [line for line in lines if not line["voided"]]
    assert (len(lines), len(live)) == (552, 544)
    assert sum("voids_line_number" in line for line in lines) == 4
    sums = {
        name: str(sum(Decimal(line[f"{name}_amount"]) for line in live))
        for name in ("gross", "discount", "net")
    }
    assert sums == {"gross": "2789.57", "discount": "203.00", "net": "2586.57"}
    taxes = [tax for one in receipts for tax in one.get("taxes", [])]
    assert len(taxes) == 23
    assert sum(Decimal(tax["tax_amount"]) for tax in taxes) == Decimal("57.15")
    assert sum(Decimal(one["totals"]["grand"]) for one in receipts) == Decimal("2643.72")
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for tender in (tender for one in receipts for tender in one["tenders"]):
        paid[tender["tender_type"]] += Decimal(tender["amount"])
    assert paid["cash"] == Decimal("66.46")
    assert paid["credit"] + paid["debit"] == Decimal("2577.26")


def test_the_real_sample_becomes_clean_messages(tables: dict[str, MappingTable]) -> None:
    """All 51 transactions of the sample map to messages without a finding."""
    if not SAMPLE.exists():
        pytest.skip("the NCR sample is not at hand; set TILLWAY_SAMPLES")
    messages = [message(one, tables) for one in neutral(SAMPLE, "poslog-ncr-acs-2.1")]
    assert [findings(one) for one in messages] == [()] * 51


@pytest.mark.parametrize(
    ("name", "dialect", "count"),
    [("ncr_traps.xml", "poslog-ncr-acs-2.1", 12), ("visma_6_0.xml", "poslog-6.0-visma", 3)],
)
def test_own_files_become_clean_messages(
    name: str, dialect: str, count: int, tables: dict[str, MappingTable]
) -> None:
    """Every transaction of the files written for these tests maps without a finding."""
    messages = [message(one, tables) for one in neutral(DATA / name, dialect)]
    assert [findings(one) for one in messages] == [()] * count


@pytest.mark.parametrize(
    "body",
    [
        {"TenderControlTransaction": {"PaidOut": {"Amount": "20.00", "Reason": "window"}}},
        {"TenderControlTransaction": {"TillSettle": {"TenderSummary": {"Ending": "5.00"}}}},
        {"ControlTransaction": {"BusinessSOD": {}}},
        {"ControlTransaction": {"BusinessEOD": {"LastTransactionSequenceNumber": "9"}}},
        {"ControlTransaction": {"NoSale": "", "ReasonCode": "x"}},
        {
            "RetailTransaction": {
                "@TransactionStatus": "PostVoided",
                "LineItem": [
                    {"Sale": {"ExtendedAmount": "7.00"}},
                    {"Tender": {"@TenderType": "Cash", "Amount": "7.00"}},
                ],
                "TransactionLink": {
                    "@ReasonCode": "Voided",
                    "RetailStoreID": "7",
                    "WorkstationID": "1",
                    "SequenceNumber": "41",
                    "BusinessDayDate": "2026-03-14",
                },
            }
        },
    ],
)
def test_every_kind_of_record_has_a_table(
    body: dict[str, Any], tables: dict[str, MappingTable]
) -> None:
    """Each kind of neutral record maps to a valid message without a finding."""
    header = {
        "RetailStoreID": "7",
        "WorkstationID": "1",
        "SequenceNumber": "42",
        "BusinessDayDate": "2026-03-14",
        "EndDateTime": "2026-03-14T10:00:00",
        "CurrencyCode": "EUR",
    }
    record = dialect_named("poslog-2.2").normalise({**header, **body})
    assert findings(message(record, tables)) == ()


def test_a_changed_amount_is_found(tables: dict[str, MappingTable]) -> None:
    """The positive control: one amount altered in the file, and the receipt has a finding."""
    record = neutral(DATA / "ncr_traps.xml", "poslog-ncr-acs-2.1")[1]
    record["lines"][0]["net_amount"] = "2.51"
    assert {found.rule for found in findings(message(record, tables))} >= {"TRAN_OUT_OF_BALANCE"}


def test_the_zone_of_the_store_sets_the_offset(tables: dict[str, MappingTable]) -> None:
    """Times without an offset take the zone of the store, and say where it came from."""
    record = neutral(DATA / "ncr_traps.xml", "poslog-ncr-acs-2.1")[1]
    plain = message(record, tables)
    zoned = message({**record, "time_zone": "America/New_York"}, tables)
    assert (plain.time_source, zoned.time_source) == ("hub", "store_zone")
    assert zoned.end_at.isoformat() == "2026-03-14T08:05:10-04:00"


def test_an_unknown_tender_is_cured_by_a_row(tables: dict[str, MappingTable]) -> None:
    """A tender that nobody mapped is a violation of its row; a row of the code table maps it."""
    record = neutral(DATA / "ncr_traps.xml", "poslog-ncr-acs-2.1")[1]
    record["tenders"][0]["tender_type"] = "moon_coin"
    with pytest.raises(ContractViolation) as raised:
        message(record, tables)
    assert [(one.path, one.value) for one in raised.value.violations] == [
        ("tenders[0].tender_type", "moon_coin")
    ]
    text = (TABLES / "poslog-retail.toml").read_text()
    codes = {"poslog_tender": load_code_table("poslog_tender", "source,canonical\nmoon_coin,other")}
    cured = load_table(text, name="poslog-retail", codes=codes).apply(record)
    assert cured["tenders"][0]["tender_type"] == "other"
