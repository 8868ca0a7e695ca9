"""What camt and MT940 share: a bank statement that adds up becomes one record per line.

Surprising: a record is not a piece of the file but what the file says about one line, in names that
are the same for every format; its bytes are JSON, which both formats read back. A statement is
judged as a whole: one that does not add up gives one refusal and no record.

The neutral record (amounts are text with a sign: credit positive; absent means absent):
  kind                 statement_line
  document             statement, intraday or notification; only a statement's lines are final
  own_account          the account as the bank writes it; masking makes a pseudonym of it
  account_number       the same, of which masking leaves the last four characters
  statement_id         number of the statement; line_no counts from 1 in it
  status               booked, pending or information
  amount, currency, value_date, booking_date (ISO 8601), reversal (yes or no)
  bank_reference, entry_reference, end_to_end_id, creditor_reference, transaction_code, charges
  entry_key            equal for the same entry in another document of the bank
  counterparty         {name, account_number}
  text                 what the payer wrote, or else what the bank did
  notice               what was not as it should be, and how it was read
  statement            {number, page, opening, closing, lines, from, to}
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec

from tillway.errors import Refused
from tillway.formats.base import Record, Unreadable
from tillway.formats.iban import without_ibans
from tillway.formats.json_format import JsonOptions, NdJson
from tillway.formats.limits import Limits
from tillway.formats.refusals import unreadable

UNFIT_STATUS = 422
_KEY_CHARACTERS = 24
_MASKABLE_CHARACTERS = 8
_ACCOUNTS = frozenset({"own_account", "account_number"})
_OWN_RECORD = b'{"'
_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED"})
_encode = msgspec.json.Encoder().encode


class Entry(msgspec.Struct):
    """One line of a statement: its amount, signed, and its fields as the record names them."""

    amount: Decimal
    currency: str
    fields: dict[str, Any]
    offset: int = 0
    line: int = 1
    booked: bool = True


class Statement(msgspec.Struct):
    """One statement as it was read. opening, closing: by currency; told: fields of `statement`."""

    document: str
    account: str
    statement_id: str
    told: dict[str, Any] = msgspec.field(default_factory=dict)
    opening: dict[str, Decimal] = msgspec.field(default_factory=dict)
    closing: dict[str, Decimal] = msgspec.field(default_factory=dict)
    entries: list[Entry] = msgspec.field(default_factory=list)
    offset: int = 0
    line: int = 1


def unfit(code: str, detail: str, **where: object) -> Refused:
    """Return a refusal of a statement that can be read and not be used."""
    return Refused(code, detail, status=UNFIT_STATUS, **where)  # type: ignore[arg-type]


def lines_of_statement(statement: Statement) -> Iterator[Record | Unreadable]:
    """Yield a record per line, or the one refusal of a statement that proves nothing."""
    fault = _lacking(statement) or _out_of_balance(statement)
    if fault is not None:
        yield refused(statement, fault)
        return
    for number, entry in enumerate(statement.entries, 1):
        value = _record(statement, number, entry)
        yield Record(_encode(value), value, entry.offset, entry.line)


def refused(statement: Statement, fault: Refused) -> Unreadable:
    """Return the refusal of a whole statement; what follows it in the file is still read."""
    return unreadable(b"", fault, offset=statement.offset, line=statement.line, fatal=False)


def encoded(value: Mapping[str, Any]) -> bytes:
    """Return the bytes of one record, as both formats read them back."""
    return _encode(value)


def own_records(
    stream: BinaryIO, limits: Limits, first_bytes: int
) -> tuple[BinaryIO, Iterator[Record | Unreadable] | None]:
    """Return the stream from its beginning, and its records when they are ours already."""
    head = b""
    while len(head.lstrip()) < len(_OWN_RECORD) and (piece := stream.read(first_bytes)):
        head += piece
    whole: Any = Rejoined(head, stream)
    if not head.lstrip().startswith(_OWN_RECORD):
        return whole, None
    options = JsonOptions(
        record_bytes=limits.record_bytes,
        nesting_depth=limits.nesting_depth,
        children=limits.children,
    )
    return whole, NdJson(options).records(whole)


def reference(text: str | None) -> str | None:
    """Return a reference, None for the words that say there is none."""
    plain = (text or "").strip()
    return None if plain.upper() in _NO_REFERENCE else plain


def entry_key(
    entry: Decimal, currency: str, day: str | None, bank_reference: str | None, text: str
) -> str:
    """Return what an entry is known by in every document of the bank.

    The bank's reference and the amount (banks give one reference to several entries); without a
    reference the amount, the day of booking and the letters and digits of the text.
    """
    if bank_reference:
        parts = [bank_reference]
    else:
        parts = [day or "", "".join(sign for sign in text.casefold() if sign.isalnum())]
    told = "\x1f".join([plain(entry), currency, *parts])
    return hashlib.sha256(told.encode()).hexdigest()[:_KEY_CHARACTERS]


def plain(amount: Decimal) -> str:
    """Return an amount as text; 5, 5.0 and 5.00 are one text.

    >>> plain(Decimal("-2.50")), plain(Decimal("1E+2")), plain(Decimal("-0.00"))
    ('-2.5', '100', '0')
    """
    return f"{amount.normalize() + 0:f}"


class Rejoined(io.RawIOBase):
    """A stream of which some bytes were read already, from its beginning."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._at = 0
        self._rest = rest

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return at most size bytes."""
        if not self._head:
            return self._rest.read(size)
        return self._taken(len(self._head) if size < 0 else size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the rest of a line, at most size bytes."""
        most = -1 if size is None else size
        end = (self._head.find(b"\n", self._at) + 1 or len(self._head)) - self._at
        piece = self._taken(end if most < 0 else min(end, most))
        if piece.endswith(b"\n") or 0 <= most <= len(piece):
            return piece
        return piece + self._rest.readline(most - len(piece) if most >= 0 else -1)

    def _taken(self, size: int) -> bytes:
        piece = self._head[self._at : self._at + size]
        self._at += len(piece)
        if self._at == len(self._head):
            self._head, self._at = b"", 0
        return piece


def _record(statement: Statement, number: int, entry: Entry) -> dict[str, Any]:
    account = statement.account
    told = {"lines": len(statement.entries), **statement.told}
    for name, balances in (("opening", statement.opening), ("closing", statement.closing)):
        if entry.currency in balances:
            told[name] = plain(balances[entry.currency])
    value = {
        "kind": "statement_line",
        "document": statement.document,
        "own_account": account,
        "account_number": account,
        "statement_id": statement.statement_id,
        "line_no": number,
        "amount": plain(entry.amount),
        "currency": entry.currency,
        **entry.fields,
        "statement": told,
    }
    return {name: _safe(kept, account, name) for name, kept in value.items() if _says(kept)}


def _says(value: Any) -> bool:
    return value is not None and value not in ("", {})


def _safe(value: Any, account: str, name: str) -> Any:
    """Mask account numbers inside texts; the fields that are accounts are masked by their names."""
    if isinstance(value, dict):
        kept = {key: _safe(inner, account, key) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if _says(inner)}
    if not isinstance(value, str) or len(value) < _MASKABLE_CHARACTERS or name in _ACCOUNTS:
        return value
    if len(account) >= _MASKABLE_CHARACTERS:
        value = value.replace(account, "****" + account[-4:])
    return without_ibans(value)


def _lacking(statement: Statement) -> Refused | None:
    for path, value in (("account", statement.account), ("statement_id", statement.statement_id)):
        if not value:
            return unfit("TW-3051", f"The statement has no {path.replace('_', ' ')}.", path=path)
    if statement.document != "statement":
        return None
    currencies = _in_order(entry.currency for entry in statement.entries if entry.booked)
    for path, balances in (("opening", statement.opening), ("closing", statement.closing)):
        if not balances:
            return unfit("TW-3051", f"The statement has no {path} balance.", path=path)
        for currency in currencies:
            if currency not in balances:
                detail = f"The statement has no {path} balance in {currency}."
                return unfit("TW-3051", detail, path=path)
    return None


def _out_of_balance(statement: Statement) -> Refused | None:
    if statement.document != "statement":
        return None
    for currency in _in_order([*statement.opening, *statement.closing]):
        if currency not in statement.opening or currency not in statement.closing:
            missing = "opening" if currency not in statement.opening else "closing"
            detail = f"The statement has no {missing} balance in {currency}."
            return unfit("TW-3051", detail, path=missing)
        booked = [
            one.amount for one in statement.entries if one.booked and one.currency == currency
        ]
        due = sum(booked, statement.opening[currency])
        stated = statement.closing[currency]
        if due != stated:
            detail = (
                f"Opening balance and {len(booked)} entries make {plain(due)} {currency}; "
                f"the closing balance is {plain(stated)}."
            )
            return unfit("TW-3050", detail, path="closing", value=plain(stated))
    return None


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
