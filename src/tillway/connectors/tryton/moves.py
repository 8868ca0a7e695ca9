"""What a message books: one move, read from its body, netted, and checked before it is sent.

Surprising: Tryton on SQLite posts a move whose sides differ without a word, so the balance is
checked here, to the last digit, and nothing is ever rounded to make it fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from tillway.errors import Permanent

REVISION = " revision "
REVERSAL = " reversal"
TAKES_BACK = ", reverses "
"""Stands in the text of each line of a posting that takes another one back, before its key."""
_POSTING = "/posting.requested/"
# What a sum of many lines still holds exactly within the 28 digits of a decimal.
LARGEST_AMOUNT = Decimal(10) ** 15
FINEST_DIGITS = 8
_ZERO = Decimal(0)


class MoveLine(msgspec.Struct, frozen=True):
    """One line. amount: debit positive, credit negative. party is a code, "" for none.

    set_in: the file in which a person says which account it is, "" where the body does not tell.
    """

    account: str
    amount: Decimal
    description: str = ""
    party: str = ""
    set_in: str = ""


class Move(msgspec.Struct, frozen=True):
    """What one message books. revision: version of the object, None when its source has none.

    reverses: key of the posting that it takes back, "" for none.
    """

    key: str
    date: date
    journal: str
    currency: str
    revision: int | None
    lines: tuple[MoveLine, ...]
    reverses: str = ""

    @property
    def description(self) -> str:
        """The text by which the move is found again."""
        return f"{self.key}{REVISION}{self.revision}" if self.revision else self.key


def key_in_books(key: str) -> str:
    """Return the text by which the books know the document of a message's key.

    It is that key, and for a posting (`hub/posting.requested/tryton:0145:2026-11-20:...`) the
    posting key alone: what stands before it names the asker and the ERP.
    """
    _, posting, rest = key.partition(_POSTING)
    return (rest.partition(":")[2] if posting else "") or key


def move_of(key: str, body: Mapping[str, Any], journal: str, revision: int | None = None) -> Move:
    """Return the move a body asks for; journal and revision hold where the body names none.

    A body holds `date`, `currency`, perhaps `journal`, `revision` and `reverses`, and lines: every
    record at any depth that has an `account`, with `debit` or `credit`, `description`, `party` and
    `set_in`. A negative side counts on the other one. Lines of one account, party and description
    become one. Raises Permanent TW-4150 (a field is missing or wrong) or TW-4151 (the sides
    differ).
    """
    # A database may refuse to search for this sign, and with it a whole call of other documents.
    if "\0" in key:
        raise _wrong("key", key, "the key holds a sign that is no text")
    lines = _netted(_lines(body, "body"))
    if not lines:
        raise _wrong("lines", None, "the document has no lines")
    difference = sum((line.amount for line in lines), _ZERO)
    if difference:
        debit = sum((line.amount for line in lines if line.amount > 0), _ZERO)
        raise Permanent(
            "TW-4151",
            f"the sides of the document differ by {difference:f}: debit {debit:f}, "
            f"credit {debit - difference:f}",
            path="lines",
            value=f"{difference:f}",
            key=key,
        )
    return Move(
        key=key,
        date=_date(body.get("date")),
        journal=_text(body.get("journal"), "journal") or journal,
        currency=_text(body.get("currency"), "currency"),
        revision=_revision(body.get("revision", revision)),
        lines=lines,
        reverses=_text(body.get("reverses"), "reverses"),
    )


def revision_of(description: str, key: str) -> int | None:
    """Return which revision of a key a description names; None for another key or a reversal."""
    if description == key:
        return 0
    number = description.removeprefix(f"{key}{REVISION}")
    return int(number) if number != description and number.isdigit() else None


def _lines(value: Any, path: str) -> Iterator[MoveLine]:
    """Yield the lines at any depth, in the order of the document."""
    if isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _lines(part, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        if "account" in value:
            yield _line(value, path)
        for name, part in value.items():
            yield from _lines(part, f"{path}.{name}")


def _line(value: Mapping[str, Any], path: str) -> MoveLine:
    account = _text(value["account"], f"{path}.account")
    if not account:
        raise _wrong(f"{path}.account", value["account"], "a line has no account")
    debit = _amount(value.get("debit"), f"{path}.debit")
    credit = _amount(value.get("credit"), f"{path}.credit")
    return MoveLine(
        account=account,
        amount=debit - credit,
        description=_text(value.get("description"), f"{path}.description"),
        party=_text(value.get("party"), f"{path}.party"),
        set_in=_text(value.get("set_in"), f"{path}.set_in"),
    )


def _netted(lines: Iterator[MoveLine]) -> tuple[MoveLine, ...]:
    """Join the lines that say the same; where nothing is left, zero lines keep the document."""
    sums: dict[tuple[str, str, str], MoveLine] = {}
    for line in lines:
        same = (line.account, line.description, line.party)
        known = sums.get(same)
        sums[same] = (
            msgspec.structs.replace(known, amount=known.amount + line.amount) if known else line
        )
    joined = list(sums.values())
    return tuple([line for line in joined if line.amount] or joined)


def _amount(value: Any, path: str) -> Decimal:
    if value is None:
        return _ZERO
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise _wrong(path, value, "an amount is text or a decimal, never a float")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise _wrong(path, value, "an amount cannot be read") from None
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -FINEST_DIGITS or abs(amount) >= LARGEST_AMOUNT:
        raise _wrong(path, value, "an amount is no number, too large or too fine")
    return amount


def _text(value: Any, path: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int) or "\0" in str(value):
        raise _wrong(path, value, "a text was expected")
    return str(value).strip()


def _date(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _wrong("date", value, "the document has no date") from None


def _revision(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong("revision", value, "a revision is a whole number")
    return value


def _wrong(path: str, value: Any, sentence: str) -> Permanent:
    return Permanent("TW-4150", sentence, path=path, value=value)
