"""Reads one page of MT940 or MT942 through the library `mt-940`, and mends what banks do to it.

Surprising: the library logs what it cannot read and takes a text that is the name of a file for
that file; so its loggers are silenced and it only ever sees a text in memory. It joins a line
without a transaction type to the next one, and reads `C020315105000,00` as 0.00 of a currency
"105"; both are mended before it makes values of them.
"""

from __future__ import annotations

import importlib.util
import logging
import re
from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from tillway.errors import ConfigurationError, Refused
from tillway.formats.lines import Line
from tillway.formats.refusals import malformed
from tillway.formats.statements import Entry, entry_key, plain, reference, unfit

_FALLBACK = "iso-8859-1"
_NO_TYPE = "no type"
_LINE = b":61:"
_LAST_SIGNS = re.compile(rb":6[02][FM]?:|:90[CD]:|:13D?:|:34F:")
_OPENINGS = ("final_opening_balance", "intermediate_opening_balance", "opening_balance")
_CLOSINGS = ("final_closing_balance", "intermediate_closing_balance", "closing_balance")
_BALANCES = (*_OPENINGS, *_CLOSINGS)
_FEBRUARY, _CENTURY = "02", 2000
_SLASH_FIELD = re.compile(r"/(EREF|KREF|NAME|IBAN|REMI|CNTP|ORDP|BENM|MARF)/")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Block(msgspec.Struct):
    """The lines of one page as they stand in the file, and where each `:61:` stands."""

    offset: int
    line: int
    oversize: bool = False
    size: int = 0
    text: list[bytes] = msgspec.field(default_factory=list)
    places: list[tuple[int, int]] = msgspec.field(default_factory=list)

    def add(self, line: Line, text: bytes, most_bytes: int) -> None:
        """Take one more line."""
        self.size += len(text) + 1
        self.oversize = self.oversize or line.oversize or self.size > most_bytes
        if not self.oversize:
            self.text.append(text)
            if text.startswith(_LINE):
                self.places.append((line.offset, line.number))


class Page(msgspec.Struct):
    """One page as it was read. day: of the closing balance, or when the report was made."""

    document: str
    account: str
    number: str
    page: str
    day: str
    offset: int
    line: int
    opening: dict[str, Decimal] = msgspec.field(default_factory=dict)
    closing: dict[str, Decimal] = msgspec.field(default_factory=dict)
    stated: dict[int, Decimal] = msgspec.field(default_factory=dict)
    entries: list[Entry] = msgspec.field(default_factory=list)
    notices: list[str] = msgspec.field(default_factory=list)
    continued: bool = False
    to_be_continued: bool = False

    def continues(self, before: Page) -> bool:
        """Tell whether this is the next page of the statement of another."""
        same = (self.account, self.number) == (before.account, before.number)
        return same and before.to_be_continued and self.continued

    def wrong_totals(self) -> Refused | None:
        """Compare the entries with the sums `:90C:` and `:90D:` of a report."""
        for sign, stated in self.stated.items():
            due = sum((one.amount for one in self.entries if one.amount * sign > 0), Decimal(0))
            if due != stated:
                path = ":90C:" if sign > 0 else ":90D:"
                detail = f"The entries make {plain(due)}; {path} states {plain(stated)}."
                return unfit("TW-3050", detail, path=path, value=plain(stated), line=self.line)
        return None


def require_library(encoding: str) -> None:
    """Raise ConfigurationError TW-3054 without the library, TW-3002 for an unknown encoding."""
    if importlib.util.find_spec("mt940") is None:
        detail = 'The format "mt940" needs the extra "bank".'
        raise ConfigurationError("TW-3054", detail)
    try:
        "".encode(encoding or _FALLBACK)
    except LookupError as fault:
        detail = f'There is no encoding "{encoding}".'
        raise ConfigurationError("TW-3002", detail, value=encoding) from fault


def page_of(block: Block, encoding: str) -> Page | Refused:
    """Return one page, or why it cannot be read."""
    content = b"\n".join(block.text)
    try:
        text = _decoded(content, encoding)
    except UnicodeDecodeError:
        detail = f"The bytes are not {encoding}, which the source declares."
        return malformed("TW-3022", detail, line=block.line)
    notices: list[str] = []
    try:
        read = _read(text, notices)
        page = _page(block, read, notices)
    except (RuntimeError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError):
        # What is wrong is only known to the library, whose message quotes the statement.
        detail = "A field of the page does not have the form it must have."
        return malformed("TW-3053", detail, line=block.line)
    if len(page.entries) != len(block.places):
        detail = f"{len(block.places)} lines (:61:) stand there and {len(page.entries)} were read."
        return unfit("TW-3052", detail, path=":61:", line=block.line)
    for entry, (offset, line) in zip(page.entries, block.places, strict=True):
        entry.offset, entry.line = offset, line
        if _CURRENCY.fullmatch(entry.currency) is None:
            return unfit("TW-3052", "A line has no currency.", path=":61:", line=line)
    if page.document == "statement" and not page.closing and page.opening:
        return malformed("TW-3021", "The page ends without a closing balance.", line=block.line)
    return page


def _decoded(content: bytes, encoding: str) -> str:
    if encoding:
        return content.decode(encoding)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_FALLBACK)


def _read(text: str, notices: list[str]) -> Any:
    """Return the library's collection of one page."""
    import mt940

    # Its messages quote account numbers and names.
    logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)

    def dated(_: Any, __: Any, fields: dict[str, Any], *___: Any) -> dict[str, Any]:
        day, year = int(fields["day"]), _CENTURY + int(fields["year"])
        if fields["month"] == _FEBRUARY and day > monthrange(year, int(_FEBRUARY))[1]:
            notices.append(f"{fields['day']} February read as the last day of the month")
        return fields

    def with_currency(page: Any, _: Any, fields: dict[str, Any], *__: Any) -> dict[str, Any]:
        if str(fields["currency"]).isdigit():
            fields["amount"] = fields["currency"] + fields["amount"]
            fields["currency"] = page.currency
            notices.append("a balance names no currency; that of the first one was taken")
        return fields

    def with_type(_: Any, __: Any, ___: Any, result: dict[str, Any]) -> dict[str, Any]:
        result["id"] = result.get("id") or _NO_TYPE
        return result

    known = mt940.models.Transactions.DEFAULT_PROCESSORS
    changed: dict[str, Any] = {
        f"pre_{name}": [dated, *known[f"pre_{name}"], with_currency] for name in _BALANCES
    }
    changed["pre_statement"] = [dated, *known["pre_statement"]]
    changed["post_statement"] = [*known["post_statement"], with_type]
    read = mt940.models.Transactions(changed, options=mt940.Options.all())
    read.parse(text)
    return read


def _page(block: Block, read: Any, notices: list[str]) -> Page:
    data = read.data
    opening = next((data[name] for name in _OPENINGS if name in data), None)
    closing = next((data[name] for name in _CLOSINGS if name in data), None)
    report = opening is None and closing is None and _LAST_SIGNS.search(b"\n".join(block.text))
    made = data.get("date")
    day = closing.date if closing is not None else made
    page = Page(
        document="intraday" if report else "statement",
        account=(data.get("account_identification") or "").strip(),
        number=data.get("statement_number") or "",
        page=data.get("sequence_number") or "",
        day=day.strftime("%Y-%m-%d") if day is not None else "",
        offset=block.offset,
        line=block.line,
        opening=_balance(opening),
        closing=_balance(closing),
        notices=list(dict.fromkeys(notices)),
        continued="intermediate_opening_balance" in data,
        to_be_continued="intermediate_closing_balance" in data,
    )
    for sign, name in ((1, "sum_credit_entries"), (-1, "sum_debit_entries")):
        if name in data:
            page.stated[sign] = data[name].amount
    page.entries = [_entry(one.data) for one in read.transactions]
    return page


def _balance(balance: Any) -> dict[str, Decimal]:
    return {} if balance is None else {str(balance.amount.currency): balance.amount.amount}


def _entry(data: dict[str, Any]) -> Entry:
    amount, currency = data["amount"].amount, str(data.get("currency") or "")
    value_on, booked_on = _iso(data["date"]), _iso(data.get("entry_date"))
    bank_reference = reference(data.get("bank_reference"))
    kind = data["id"] if data["id"] != _NO_TYPE else None
    said = _details(data)
    fields = {
        "status": "booked",
        "value_date": value_on,
        "booking_date": booked_on,
        "reversal": str(data["status"]).upper().startswith("R"),
        "bank_reference": bank_reference,
        "entry_reference": reference(data.get("customer_reference")),
        "transaction_code": kind,
        "entry_key": entry_key(
            amount, currency, booked_on or value_on, bank_reference, said.get("text") or ""
        ),
        **said,
    }
    fields = {name: value for name, value in fields.items() if value not in (None, "")}
    return Entry(amount, currency, fields)


def _details(data: dict[str, Any]) -> dict[str, Any]:
    """Return what `:86:`, its sub-fields or `:NS:` say, in the words of the record."""
    plain = " ".join(str(data.get("transaction_details") or "").split())
    slashed = _slash_fields(plain)
    non_swift = [str(data.get(f"non_swift_{number:02}") or "") for number in range(1, 15)]
    texts = (
        data.get("purpose"),
        slashed.get("REMI"),
        plain,
        " ".join(part for part in non_swift if part),
        data.get("extra_details"),
        data.get("posting_text"),
    )
    names = (data.get("applicant_name"), slashed.get("NAME"), data.get("non_swift_15"))
    accounts = (data.get("gvc_applicant_iban"), data.get("applicant_iban"), slashed.get("IBAN"))
    # What `:61:` gives the owner of the account is the payer's, where `:86:` has no field for it.
    given = (data.get("end_to_end_reference"), slashed.get("EREF"), data.get("customer_reference"))
    other = {"name": _first(names), "account_number": _first(accounts)}
    return {
        "text": _first(texts),
        "end_to_end_id": next((one for one in map(_reference, given) if one), None),
        "counterparty": {name: value for name, value in other.items() if value} or None,
    }


def _slash_fields(text: str) -> dict[str, str]:
    """Return the fields of `/EREF/../NAME/../REMI/..`, as Dutch and SEPA-wide banks write them."""
    if not text.startswith("/"):
        return {}
    pieces = _SLASH_FIELD.split(text)
    found: dict[str, str] = {}
    for name, value in zip(pieces[1::2], pieces[2::2], strict=False):
        found.setdefault(name, value.strip("/ "))
    return found


def _first(values: Any) -> str:
    return next((" ".join(str(value).split()) for value in values if value), "")


def _reference(value: Any) -> str | None:
    return reference(_first([value]))


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
