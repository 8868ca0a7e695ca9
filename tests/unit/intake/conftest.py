"""A small source: a JSON till, its mapping table and its contract."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.contracts import load_contract
from tillway.intake import Gate, Pipeline, Preparation, SourceIntake
from tillway.journal.memory import MemoryJournal
from tillway.mapping import compile_expression, load_code_table, load_table
from tillway.project.records import HubSettings, RecordSelector, Release, SourceRecord, Store
from tillway.security.masking import Masker

TEMPLATE = Path(__file__).parents[3] / "src/tillway/project/templates/pos-erp"
CONTRACT = "contracts/retail_transaction.completed/v1.odcs.yaml"
MAPPING = """
message_type = "retail_transaction.completed"
version = 1
[map]
business_unit_id = 'store'
workstation_id = 'till'
business_date = 'date(day)'
sequence_number = 'number'
end_at = 'timestamp(at)'
transaction_type = '"sale"'
transaction_status = '"finished"'
channel = '"store"'
currency = '"EUR"'
tax_included = 'True'
"totals.gross" = 'money(total)'
"totals.discount" = 'money("0")'
"totals.net" = 'money(total)'
"totals.tax" = 'money("0")'
"totals.rounding" = 'money("0")'
"totals.tip" = 'money("0")'
"totals.grand" = 'money(total)'
"extensions.note" = 'note'
[each.lines]
from = 'lines'
line_number = 'position'
line_type = '"sale"'
"item.item_id" = 'sku'
"item.id_type" = '"sku"'
quantity = 'quantity("1")'
uom = '"EA"'
actual_unit_price = 'money(net)'
regular_unit_price = 'money(net)'
gross_amount = 'money(net)'
discount_amount = 'money("0")'
net_amount = 'money(net)'
[each.tenders]
from = 'tenders'
tender_type = 'code("tender", kind)'
amount = 'money(amount)'
"""


def sale(number: int = 1, total: str = "12.50", **changes: Any) -> dict[str, Any]:
    """Return a balanced sale as the till sends it."""
    return {
        "doc": "SALE",
        "store": "0145",
        "till": "03",
        "day": "2026-11-20",
        "number": number,
        "at": "2026-11-20T10:00:00+01:00",
        "total": total,
        "lines": [{"sku": "A1", "net": total}],
        "tenders": [{"kind": "CA", "amount": total}],
        **changes,
    }


def raw(*sales: dict[str, Any]) -> bytes:
    """Return sales as NDJSON."""
    return b"\n".join(json.dumps(one).encode() for one in sales)


@pytest.fixture
def till() -> SimpleNamespace:
    """Give an intake on an in-memory journal; `submit` takes sales."""
    tender = load_code_table("tender", "source,canonical\nCA,cash\nCC,credit\n")
    table = load_table(MAPPING, name="till", codes={"tender": tender})
    when: Callable[..., Any] = compile_expression('doc == "SALE"', codes={}, where="till")
    source = SourceRecord(
        "till", "http", "ndjson", {}, "none", {}, (RecordSelector(when, "", "till"),)
    )
    contract = load_contract((TEMPLATE / CONTRACT).read_text(), file=CONTRACT)
    release = Release(
        digest="r1",
        folder=Path(),
        hub=HubSettings("test"),
        sources={"till": source},
        targets={},
        routes={},
        mappings={"till": table},
        contracts={"retail_transaction.completed": contract},
        retries={},
        breakers={},
        stores={"0145": Store("0145", "Riverside", "Europe/Berlin", "DE", "EUR", "till")},
    )
    counter = itertools.count(1)
    clock = ManualClock()
    pipeline = Pipeline(
        source, release, Masker(b"0123456789abcdef"), clock, lambda: f"{next(counter):032x}"
    )
    journal, gate, preparation = MemoryJournal(), Gate(), Preparation("till", pipeline)
    return SimpleNamespace(
        journal=journal,
        gate=gate,
        preparation=preparation,
        intake=SourceIntake("till", preparation, journal, gate),
    )
