"""Makes neutral records of Stripe's objects; the mapping tables of the project start from these.

Only what a table needs is kept: a charge names its buyer in a dozen places. What is made of an
event depends on nothing but the event, so webhook, repetition and search give equal records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]
Record = dict[str, Any]
CHARGE, REFUND, PAYOUT = "charge", "refund", "payout"
LAST_SECOND = 253_370_764_800
"""Year 9999: later times are no times."""
_KEPT = {
    CHARGE: (
        "id", "amount", "amount_captured", "amount_refunded", "currency", "captured", "refunded",
        "status", "created", "payment_intent", "failure_code", "disputed", "livemode",
    ),
    REFUND: (
        "id", "amount", "currency", "status", "created", "charge", "payment_intent", "reason",
        "failure_reason",
    ),
    PAYOUT: (
        "id", "amount", "currency", "status", "created", "arrival_date", "automatic", "method",
        "reconciliation_status", "original_payout", "reversed_by", "failure_code",
        "statement_descriptor",
    ),
}  # fmt: skip
_CARD = ("brand", "last4", "funding", "network", "read_method")
_MOVED_NOTHING = frozenset({"failed", "canceled"})
_HUNDREDTHS, _WHOLE = frozenset({"ISK", "UGX"}), frozenset({"MGA"})
"""Where Stripe's unit is not the minor unit of ISO 4217: two digits too many, and two too few."""
_FACTOR = 100


def charge_record(charge: Json, event: Json, metadata: Sequence[str] = ()) -> Record:
    """Return the record of a charge as an event shows it.

    phase: captured, authorized, cancelled (given back before it was taken), or Stripe's own word.
    amount: minor units of this phase, by ISO 4217. metadata: names of the metadata to keep.
    """
    record = _record(CHARGE, charge, event, metadata)
    record["phase"] = phase = _phase(charge)
    amount = charge.get("amount_captured" if phase == "captured" else "amount")
    record["amount"] = _minor(amount, record["currency"])
    details = _table(charge.get("payment_method_details"))
    method = details.get("type")
    card = _table(details.get(method)) if isinstance(method, str) else {}
    offline = _table(card.get("offline"))
    record["method"] = method
    record["offline"] = offline.get("type") == "deferred"
    record["card"] = {name: card[name] for name in _CARD if isinstance(card.get(name), str)}
    return record


def refund_record(refund: Json, event: Json, metadata: Sequence[str] = ()) -> Record:
    """Return the record of a refund as an event shows it."""
    return _record(REFUND, refund, event, metadata)


def payout_record(payout: Json, entries: Sequence[Json], revision: int | None) -> Record:
    """Return the record of a payout with what it consists of.

    entries: its balance transactions, empty where Stripe cannot say; then gross is what is paid.
    One that failed or was cancelled moved nothing: its sums are 0 and it has no entries.
    """
    void = payout.get("status") in _MOVED_NOTHING
    own = payout.get("id")
    currency = _currency(payout)
    theirs = [] if void else [one for one in entries if _id(one.get("source")) != own]
    parts = [_entry(one, currency) for one in theirs]
    net = 0 if void else _minor(payout.get("amount"), currency)
    days = sorted(filter(None, (day_of(one["created"]) for one in parts)))
    return {
        "kind": PAYOUT,
        "revision": revision,
        "currency": currency,
        "net": net,
        "gross": sum(one["gross"] or 0 for one in parts) if parts else net,
        "fee": sum(one["fee"] or 0 for one in parts),
        "refunded": sum(one["gross"] or 0 for one in parts if one["category"] == "refund"),
        "disputed": sum(one["gross"] or 0 for one in parts if "dispute" in str(one["category"])),
        "period_from": days[0] if days else None,
        "period_to": days[-1] if days else None,
        "expected_on": day_of(payout.get("arrival_date")),
        "posted_at": moment_of(payout.get("created")),
        "entries": parts,
        "payout": _kept(PAYOUT, payout),
    }


def missing_record(kind: str, object_id: object, reason: str) -> Record:
    """Return the record of an object that cannot be had: no table takes it, it is quarantined."""
    return {"kind": "missing", "object_type": kind, "object_id": object_id, "reason": reason}


def moment_of(seconds: object) -> str | None:
    """Return seconds since 1970 as RFC 3339, None for anything else.

    >>> moment_of(1796774400)
    '2026-12-09T00:00:00Z'
    """
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds < LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def day_of(seconds: object) -> str | None:
    """Return the day in UTC, as Stripe counts its days."""
    moment = moment_of(seconds)
    return moment[:10] if moment else None


def _record(kind: str, subject: Json, event: Json, metadata: Sequence[str]) -> Record:
    told = _table(subject.get("metadata"))
    at, currency = event.get("created"), _currency(subject)
    return {
        "kind": kind,
        "revision": at if moment_of(at) else None,
        "currency": currency,
        "amount": _minor(subject.get("amount"), currency),
        "updated_at": moment_of(at),
        "references": {name: told[name] for name in metadata if isinstance(told.get(name), str)},
        kind: _kept(kind, subject),
    }


def _phase(charge: Json) -> object:
    if charge.get("status") != "succeeded":
        return charge.get("status")
    if charge.get("captured"):
        return "captured"
    return "cancelled" if charge.get("refunded") else "authorized"


def _entry(entry: Json, currency: str | None) -> Record:
    return {
        "category": entry.get("reporting_category") or entry.get("type"),
        "gross": _minor(entry.get("amount"), currency),
        "fee": _minor(entry.get("fee"), currency),
        "net": _minor(entry.get("net"), currency),
        "about": _id(entry.get("source")),
        "created": entry.get("created"),
    }


def _kept(kind: str, subject: Json) -> Record:
    return {name: subject[name] for name in _KEPT[kind] if _plain(subject.get(name))}


def _plain(value: object) -> bool:
    return isinstance(value, str | int)


def _id(value: object) -> object:
    """Return the id of a reference, whether it came as a text or expanded."""
    return value.get("id") if isinstance(value, Mapping) else value


def _currency(subject: Json) -> str | None:
    currency = subject.get("currency")
    return currency.upper() if isinstance(currency, str) else None


def _minor(value: object, currency: str | None) -> int | None:
    """Return an amount in minor units of ISO 4217, None for what is none.

    >>> _minor(500, "ISK"), _minor(5, "MGA"), _minor(501, "UGX")
    (5, 500, None)
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if currency in _HUNDREDTHS:
        return None if value % _FACTOR else value // _FACTOR
    return value * _FACTOR if currency in _WHOLE else value


def _table(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}
