"""Reads camt.052, camt.053 and camt.054 of any version: one record per line of a statement.

Surprising: names are matched without their namespace, so that versions 1 to 14 are one format; and
nothing of a statement comes out before its end is read, because only then can it be proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from lxml import etree

from tillway.errors import Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.camt_entries import (
    Tree,
    Unfit,
    all_at,
    first_at,
    lines_of_entry,
    plain_number,
    signed_amount,
    text_at,
)
from tillway.formats.limits import CHUNK_BYTES, XmlLimits
from tillway.formats.refusals import empty_input, malformed, too_large, unreadable
from tillway.formats.statements import (
    Entry,
    Statement,
    encoded,
    lines_of_statement,
    own_records,
    plain,
    refused,
    unfit,
)
from tillway.formats.xml_prolog import read_prolog
from tillway.formats.xml_reading import XmlReading
from tillway.formats.xml_tree import Names, NoTree, local_name, tree_of

DOCUMENTS = {"Stmt": "statement", "Rpt": "intraday", "Ntfctn": "notification"}
ENTRY = "Ntry"
_OPENING, _CLOSING, _INTERIM = ("OPBD", "PRCD"), ("CLBD",), "ITBD"
_TOTALS = (("TtlCdtNtries", 1), ("TtlDbtNtries", -1))


class CamtOptions(XmlLimits, frozen=True, kw_only=True):
    """Options of `camt`.

    * `record_bytes` is the size of one entry, `children` the lines of one statement (and the
      elements inside one element), `nesting_depth` and `attributes` limit one entry too; what
      exceeds one is refused, with its statement.
    """


class Camt:
    """Statements (053), reports within the day (052) and notifications (054) of a bank."""

    name = "camt"

    def __init__(self, options: CamtOptions) -> None:
        self._options = options

    def records(self, stream: BinaryIO) -> Iterator[Record | Unreadable]:
        """Yield the lines of every statement that adds up, and a refusal for every other."""
        whole, ours = own_records(stream, self._options, CHUNK_BYTES)
        if ours is not None:
            yield from ours
            return
        prolog = read_prolog(whole)
        if isinstance(prolog, Refused):
            yield unreadable(b"", prolog)
        elif not prolog.strip():
            yield empty_input()
        else:
            yield from _Reading(self._options).run(prolog, whole)

    def encode(self, value: dict[str, Any]) -> bytes:
        """Write one line as the JSON that this format reads back."""
        return encoded(value)


class _LocalNames(Names):
    """Names without their namespace."""

    def spelled(self, tag: str, prefix: str | None) -> str:
        del prefix
        return tag.rpartition("}")[2]


_NAMES = _LocalNames("", {})


class _Reading(XmlReading):
    """One document; the entries of the statement at hand wait for its end."""

    def __init__(self, options: CamtOptions) -> None:
        super().__init__(options, (*DOCUMENTS, ENTRY))
        self._options = options
        self._entries: list[Entry] = []
        self._fault: Refused | None = None
        self._found = False
        self._begins = (0, 1)

    def taken(self, element: Any) -> Iterator[Record | Unreadable]:
        """Keep an entry; at the end of a statement, judge it."""
        name = local_name(element)
        parent = element.getparent()
        if name == ENTRY and parent is not None and local_name(parent) in DOCUMENTS:
            self._keep(element)
            parent.remove(element)
            self.count_anew()
        elif name in DOCUMENTS:
            self._found = True
            yield from self._judged(element, DOCUMENTS[name])
            element.clear()
            self._entries, self._fault = [], None
            self._begins = self.place.offset, element.sourceline or self.place.line
            self.count_anew()

    def lacking(self, root: str) -> Refused | None:
        """Refuse a document without a statement."""
        if self._found:
            return None
        detail = "The document has no statement: no Stmt, Rpt or Ntfctn."
        return malformed("TW-3032", detail, value=root)

    def _keep(self, element: Any) -> None:
        if self._fault is not None:
            return
        line, options = element.sourceline or 1, self._options
        if len(etree.tostring(element, encoding="utf-8", with_tail=False)) > options.record_bytes:
            detail = f"An entry is longer than {options.record_bytes} bytes."
            self._fault = too_large("TW-3010", detail, line=line)
            return
        try:
            tree = tree_of(element, _NAMES, options)
            found = lines_of_entry(tree if isinstance(tree, dict) else {})
        except NoTree as fault:
            self._fault = fault.refusal(line)
            return
        except Unfit as fault:
            self._fault = _unreadable_entry(fault, line)
            return
        for entry in found:
            entry.offset, entry.line = self.place.offset, line
        self._entries += found
        if len(self._entries) > options.children:
            detail = f"More than {options.children} lines in one statement."
            self._fault, self._entries = too_large("TW-3012", detail, line=line), []

    def _judged(self, element: Any, document: str) -> Iterator[Record | Unreadable]:
        line = element.sourceline or 1
        statement = Statement(document, "", "", offset=self._begins[0], line=line)
        if self._fault is not None:
            yield refused(statement, self._fault)
            return
        try:
            head = tree_of(element, _NAMES, self._options)
            head = head if isinstance(head, dict) else {}
            _describe(statement, head, self._entries)
            fault = _other_totals(head, self._entries)
        except NoTree as none:
            fault = none.refusal(line)
        except Unfit as wrong:
            fault = _unreadable_entry(wrong, line)
        if fault is not None:
            yield refused(statement, fault)
        else:
            yield from lines_of_statement(statement)


def _unreadable_entry(fault: Unfit, line: int) -> Refused:
    return unfit("TW-3052", str(fault), path=fault.path, value=fault.value, line=line)


def _describe(statement: Statement, head: Tree, entries: list[Entry]) -> None:
    """Fill in what the head of a statement says."""
    account = first_at(head, "Acct", "Id")
    page = text_at(head, "StmtPgntn", "PgNb") or text_at(head, "RptPgntn", "PgNb")
    number = text_at(head, "Id")
    statement.account = text_at(account, "IBAN") or text_at(account, "Othr", "Id")
    statement.statement_id = f"{number}/{page}" if number and page not in {"", "1"} else number
    statement.told = {
        "number": text_at(head, "ElctrncSeqNb") or text_at(head, "LglSeqNb"),
        "page": page,
        "from": text_at(head, "FrToDt", "FrDtTm")[:10],
        "to": text_at(head, "FrToDt", "ToDtTm")[:10] or _closed_on(head),
    }
    statement.entries = entries
    if statement.document == "statement":
        statement.opening, statement.closing = _balances(head)


def _balances(head: Tree) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Return opening and closing balances by currency; a page may open and close in between."""
    found: dict[str, list[tuple[str, Decimal]]] = {}
    for balance in all_at(head, "Bal"):
        code = _code_of(balance)
        if code not in {*_OPENING, *_CLOSING, _INTERIM}:
            continue
        amount, currency = signed_amount(balance, "Bal")
        found.setdefault(currency, []).append((code, amount))
    opening: dict[str, Decimal] = {}
    closing: dict[str, Decimal] = {}
    for currency, balances in found.items():
        first, last = _chosen(balances, _OPENING), _chosen(balances, _CLOSING)
        interim = [amount for code, amount in balances if code == _INTERIM]
        if first is None and interim:
            first = interim[0]
        if last is None and interim:
            last = interim[-1]
        if first is not None:
            opening[currency] = first
        if last is not None:
            closing[currency] = last
    return opening, closing


def _closed_on(head: Tree) -> str:
    """Return the day of the closing balance."""
    days = [
        (text_at(balance, "Dt", "Dt") or text_at(balance, "Dt", "DtTm"))[:10]
        for balance in all_at(head, "Bal")
        if _code_of(balance) in _CLOSING
    ]
    return next(filter(None, days), "")


def _code_of(balance: Tree) -> str:
    return text_at(balance, "Tp", "CdOrPrtry", "Cd") or text_at(balance, "Tp", "Cd")


def _chosen(balances: list[tuple[str, Decimal]], codes: tuple[str, ...]) -> Decimal | None:
    for wanted in codes:
        for code, amount in balances:
            if code == wanted:
                return amount
    return None


def _other_totals(head: Mapping[str, Any], entries: list[Entry]) -> Refused | None:
    """Compare the entries with the sums a bank may state beside its balances."""
    summary = first_at(head, "TxsSummry")
    if any(one.fields.get("reversal") for one in entries) or len({e.currency for e in entries}) > 1:
        return None  # banks differ in what they count there
    for name, sign in _TOTALS:
        stated = text_at(summary, name, "Sum")
        if not stated:
            continue
        due = sum((one.amount for one in entries if one.amount * sign > 0), Decimal(0)) * sign
        if due != plain_number(stated, f"TxsSummry.{name}.Sum"):
            detail = f"The entries make {plain(due)}; {name} states {stated}."
            return unfit("TW-3050", detail, path=f"TxsSummry.{name}.Sum", value=stated)
    return None
