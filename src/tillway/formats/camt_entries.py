"""Reads one entry (`Ntry`) of a camt document into lines of a statement.

Surprising: an entry that stands for a batch becomes one line per transaction only where these add
up to the entry in its own currency; else it stays one line, and a notice says why. So the lines of
a statement always make the money of its entries.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tillway.formats.statements import Entry, entry_key, reference

_AMOUNT = re.compile(r"[0-9]{0,18}(?:\.[0-9]{1,5})?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_STATUSES = {"BOOK": "booked", "PDNG": "pending", "INFO": "information", "FUTR": "pending"}
_SIGNS = {"CRDT": 1, "DBIT": -1}
_YES = frozenset({"true", "1"})
Tree = dict[str, Any]


class Unfit(Exception):
    """A field cannot be read; path is its place inside the statement."""

    def __init__(self, path: str, value: str, expected: str) -> None:
        super().__init__(f'"{path}" is not {expected}.')
        self.path = path
        self.value = value


def lines_of_entry(tree: Tree) -> list[Entry]:
    """Return the lines of an entry, at least one; raise Unfit for what cannot be read.

    tree: the entry with local names (`xml_tree.tree_of`).
    """
    amount, currency = signed_amount(tree, "Ntry")
    booked_on, value_on = _day(tree, "BookgDt"), _day(tree, "ValDt")
    status = _status(tree)
    reversal = text_at(tree, "RvslInd") in _YES
    bank_reference = reference(text_at(tree, "AcctSvcrRef"))
    details = all_at(tree, "NtryDtls", "TxDtls")
    parts = _parts(details, amount, currency, tree)
    single = details[0] if len(details) == 1 else {}
    shared = {
        "status": status,
        "booking_date": booked_on,
        "value_date": value_on or booked_on,
        "reversal": reversal,
        "entry_reference": reference(text_at(tree, "NtryRef")),
        "transaction_code": _code(tree) or _code(single),
    }
    note = ""
    if len(details) > 1 and not parts:
        note = f"the amounts of {len(details)} transactions do not make the entry; left as one line"
    found = []
    for own_amount, detail in parts or [(amount, single)]:
        credit = (own_amount > 0) != reversal
        fields = {**shared, **_detail(detail, tree, credit=credit), "notice": note}
        fields["bank_reference"] = fields["bank_reference"] or bank_reference
        fields["entry_key"] = entry_key(
            amount,
            currency,
            booked_on or value_on,
            bank_reference,
            text_at(tree, "AddtlNtryInf") or (fields["text"] if not parts else ""),
        )
        fields = {name: value for name, value in fields.items() if value not in (None, "")}
        found.append(Entry(own_amount, currency, fields, booked=status == "booked"))
    return found


def signed_amount(tree: Tree, path: str, sign: str = "") -> tuple[Decimal, str]:
    """Return `Amt` with the sign of `CdtDbtInd` (or the one given), and its currency."""
    given = text_at(tree, "CdtDbtInd") or sign
    if given not in _SIGNS:
        raise Unfit(f"{path}.CdtDbtInd", given, "CRDT or DBIT")
    stated = first_at(tree, "Amt")
    if not isinstance(stated, dict):
        raise Unfit(f"{path}.Amt", "", "an amount with a currency")
    number, currency = str(stated.get("#text", "")).strip(), str(stated.get("@Ccy", ""))
    amount = plain_number(number, f"{path}.Amt")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise Unfit(f"{path}.Amt.@Ccy", currency, "a currency")
    return amount * _SIGNS[given], currency


def plain_number(text: str, path: str) -> Decimal:
    """Return a number without a sign; raise Unfit for anything else."""
    if not text or not _AMOUNT.fullmatch(text):
        raise Unfit(path, text, "an amount")
    return Decimal(text)


def all_at(tree: Any, *path: str) -> list[Any]:
    """Return everything at a path, through lists; texts and trees alike."""
    nodes = [tree]
    for step in path:
        found: list[Any] = []
        for node in nodes:
            inner = node.get(step) if isinstance(node, dict) else None
            if inner is not None:
                found += inner if isinstance(inner, list) else [inner]
        nodes = found
    return nodes


def first_at(tree: Any, *path: str) -> Any:
    """Return the first thing at a path, None where there is none."""
    return next(iter(all_at(tree, *path)), None)


def text_at(tree: Any, *path: str) -> str:
    """Return the text at a path, "" where there is none."""
    found = first_at(tree, *path)
    if isinstance(found, dict):
        found = found.get("#text")
    return found.strip() if isinstance(found, str) else ""


def _parts(
    details: list[Any], amount: Decimal, currency: str, tree: Tree
) -> list[tuple[Decimal, Tree]]:
    """Return each transaction with its amount, or nothing where they do not make the entry."""
    if len(details) < 2:
        return []
    sign = text_at(tree, "CdtDbtInd")
    found = []
    for detail in details:
        if not isinstance(detail, dict):
            return []
        stated = detail if "Amt" in detail else first_at(detail, "AmtDtls", "TxAmt")
        own = dict(stated) if isinstance(stated, dict) else {}
        own.setdefault("CdtDbtInd", text_at(detail, "CdtDbtInd"))
        try:
            own_amount, own_currency = signed_amount(own, "TxDtls", sign)
        except Unfit:
            return []
        if own_currency != currency:
            return []
        found.append((own_amount, detail))
    return found if sum(one for one, _ in found) == amount else []


def _status(tree: Tree) -> str:
    """Return the status: text in versions 1 to 3, `Cd` below in the later ones."""
    given = text_at(tree, "Sts", "Cd") or text_at(tree, "Sts")
    if given not in _STATUSES:
        raise Unfit("Ntry.Sts", given, "BOOK, PDNG, INFO or FUTR")
    return _STATUSES[given]


def _day(tree: Tree, name: str) -> str | None:
    given = text_at(tree, name, "Dt") or text_at(tree, name, "DtTm")
    if not given:
        return None
    day = _DAY.match(given)
    if day is None:
        raise Unfit(f"Ntry.{name}", given, "a date")
    return day.group()


def _detail(detail: Tree, tree: Tree, *, credit: bool) -> dict[str, Any]:
    side = "Dbtr" if credit else "Cdtr"
    parties = first_at(detail, "RltdPties")
    name = next(
        (
            found
            for who in (side, f"Ultmt{side}")
            for found in (text_at(parties, who, "Pty", "Nm"), text_at(parties, who, "Nm"))
            if found
        ),
        "",
    )
    account = first_at(parties, f"{side}Acct", "Id")
    number = text_at(account, "IBAN") or text_at(account, "Othr", "Id")
    written = [text for text in all_at(detail, "RmtInf", "Ustrd") if isinstance(text, str)]
    written += [
        text for text in all_at(detail, "RmtInf", "Strd", "AddtlRmtInf") if isinstance(text, str)
    ]
    said = " ".join(" ".join(written).split())
    refs = all_at(detail, "RmtInf", "Strd", "CdtrRefInf", "Ref")
    return {
        "bank_reference": reference(text_at(detail, "Refs", "AcctSvcrRef")),
        "end_to_end_id": reference(text_at(detail, "Refs", "EndToEndId")),
        "creditor_reference": " ".join(ref for ref in refs if isinstance(ref, str)),
        "counterparty": {"name": name, "account_number": number} if name or number else None,
        "text": said or text_at(detail, "AddtlTxInf") or text_at(tree, "AddtlNtryInf"),
        "charges": _charges(detail) or _charges(tree),
    }


def _code(tree: Tree) -> str:
    domain = first_at(tree, "BkTxCd", "Domn")
    steps = [text_at(domain, "Cd"), text_at(domain, "Fmly", "Cd")]
    steps.append(text_at(domain, "Fmly", "SubFmlyCd"))
    return "/".join(step for step in steps if step) or text_at(tree, "BkTxCd", "Prtry", "Cd")


def _charges(tree: Tree) -> str | None:
    """Return the charges the bank names, as text; one list of them, or a total."""
    named = all_at(tree, "Chrgs", "TtlChrgsAndTaxAmt")
    named = named or all_at(tree, "Chrgs", "Rcrd", "Amt") or all_at(tree, "Chrgs", "Amt")
    numbers = [str(one.get("#text", "") if isinstance(one, dict) else one) for one in named]
    if not numbers or not all(number and _AMOUNT.fullmatch(number) for number in numbers):
        return None
    return f"{sum(map(Decimal, numbers)):f}"
