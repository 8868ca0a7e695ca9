"""The books of the cloud-ledger template: its tables make balanced documents on known accounts."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tillway.connectors.tryton.moves import move_of
from tillway.connectors.tryton.reported import PAID_LINES
from tillway.project import load_release
from tillway.project.records import Release
from tillway.project.samples import run_samples
from tillway.project.template import Variables, new_project

TABLE = "tryton-document"
POSTING = "tryton-posting"
CODE_TABLES = (
    "tryton_tender_account",
    "tryton_revenue_account",
    "tryton_tax_account",
    "tryton_other_account",
)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Give the template as a release."""
    folder = tmp_path_factory.mktemp("books") / "project"
    new_project(folder, "cloud-ledger", Variables("books"), Random(1).randbytes)
    return load_release(folder, environ={})


def samples(release: Release, table: str = TABLE) -> list[Path]:
    """Return the receipts, or postings, that a table is tried on."""
    return sorted((release.folder / "mappings" / f"{table}.tests").glob("*.in"))


def test_every_posting_makes_a_balanced_document_with_its_amount(release: Release) -> None:
    """Tender and over/short lines come to its amount: what the read-back will add up."""
    for file in samples(release, POSTING):
        asked = json.loads(file.read_text())
        move = move_of("key", release.mappings[POSTING].apply(asked), "REV")
        paid = [one.amount for one in move.lines if one.description.startswith(PAID_LINES)]
        assert sum(paid) == Decimal(asked["amount"]), file.name
        assert all(one.set_in for one in move.lines), file.name


def test_a_merchandise_group_can_have_an_account_of_its_own(tmp_path: Path) -> None:
    """One row for the group goes before the rate; the others keep the account of their rate."""
    new_project(tmp_path / "books", "cloud-ledger", Variables("books"), Random(1).randbytes)
    for table, row in (("group", "FOOD,4.2.0,Food"), ("revenue", "8,4.3.0,Eight percent")):
        file = tmp_path / "books" / "codes" / f"tryton_{table}_account.csv"
        file.write_text(f"{file.read_text()}{row}\n")
    release = load_release(tmp_path / "books", environ={})
    lines = [
        {"posting_line_type": "sales", "amount": "-1", "tax_rate": "8", **more}
        for more in ({"merchandise_hierarchy": "FOOD"}, {"merchandise_hierarchy": "TOYS"}, {})
    ]
    asked = {"business_date": "2026-11-20", "business_unit_id": "1", "lines": lines}
    made = release.mappings[POSTING].apply(asked)["lines"]
    assert [one["account"] for one in made] == ["4.2.0", "4.3.0", "4.3.0"]


def test_a_posting_can_bring_its_accounts_and_a_store_its_party(tmp_path: Path) -> None:
    """An account in the posting goes before the tables; a row gives a store its party."""
    new_project(tmp_path / "books", "cloud-ledger", Variables("books"), Random(1).randbytes)
    file = tmp_path / "books" / "codes" / "tryton_store_party.csv"
    file.write_text(f"{file.read_text()}0001,SHOP-1,The shop\n")
    release = load_release(tmp_path / "books", environ={})
    lines = [{"posting_line_type": "other", "amount": "1", "account_code": "7.7.7"}]
    asked = {"business_date": "2026-11-20", "business_unit_id": "0001", "lines": lines}
    [made] = release.mappings[POSTING].apply(asked)["lines"]
    assert (made["account"], made["party"]) == ("7.7.7", "SHOP-1")


def test_the_samples_of_the_books_pass(release: Release) -> None:
    """What the tables make is what stands beside each sample."""
    results = list(run_samples(release, [TABLE, POSTING, "tryton-reported"]))
    assert len(results) == len(samples(release)) + len(samples(release, POSTING)) + 1
    assert [result.file for result in results if not result.passed] == []


def test_every_receipt_makes_a_balanced_document_with_its_total(release: Release) -> None:
    """Tenders come to the grand total and both sides to the same, tax inside or on top."""
    for file in samples(release):
        receipt = json.loads(file.read_text(), parse_float=Decimal)
        move = move_of("key", release.mappings[TABLE].apply(receipt), "REV")
        tenders = [one.amount for one in move.lines if one.description.startswith("tender")]
        assert sum(tenders) == Decimal(receipt["totals"]["grand"]), file.name


def test_what_is_owed_is_no_revenue(release: Release) -> None:
    """Gift cards, deposits, donations, payments on account and tips go on accounts of their own."""
    [owed] = [file for file in samples(release) if file.stem == "owed"]
    move = move_of("key", release.mappings[TABLE].apply(json.loads(owed.read_text())), "REV")
    revenue = [one for one in move.lines if one.account == "4.1.1"]
    assert [one.amount for one in revenue] == [Decimal("-15.00")]
    assert {one.account for one in move.lines} >= {"2.2.5", "2.2.6", "2.2.7", "2.2.8", "2.2.9"}


def test_tax_inside_the_prices_is_taken_out_of_the_revenue(release: Release) -> None:
    """The sale sample has its VAT in its prices: 3.48 paid, 0.46 of it tax."""
    [sale] = [file for file in samples(release) if file.stem == "sale"]
    move = move_of("key", release.mappings[TABLE].apply(json.loads(sale.read_text())), "REV")
    booked = {one.account: one.amount for one in move.lines}
    assert booked["4.1.1"] == Decimal("-3.02")
    assert booked["2.2.3"] == Decimal("-0.46")


def test_doctor_looks_for_every_account_of_the_code_tables(release: Release) -> None:
    """An account that a table names and the chart lacks is found before the first sale."""
    named: set[str] = set()
    for table in CODE_TABLES:
        with (release.folder / "codes" / f"{table}.csv").open() as file:
            named |= {row["canonical"] for row in csv.DictReader(file)}
    assert named == set(release.targets["tryton"].settings["accounts"])
