"""Makes neutral records of Square's objects; the mapping tables of the project start from these.

Each record keeps the object as it was fetched, beside what no table can work out: the business day
in the shop's zone, a number that orders versions, and the parts of an order in one shape. What is
made of an object depends on nothing but the object, so a webhook and a search give equal records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tillway.connect.kit import Hint
from tillway.connectors.square.orders import currency_of, minor, normalised

Json = Mapping[str, Any]
Record = dict[str, Any]
FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Times outside are none: no sale was made then, and no clock can turn them into a shop's own."""
_PHASES = {"COMPLETED": "completed", "CANCELED": "cancelled"}
_DROPPED = frozenset({"recipient"})
"""Whom goods go to: a name, a telephone number and an address that no table needs."""


def order_record(order: Json, zone: str, day_begins_hour: int = 0) -> Record:
    """Return the record of an order. zone: IANA time zone of its location.

    phase: completed, cancelled, or open for one that is not paid yet. revision: its version; an
    order that was not made through the API has none, then the time it was updated.
    """
    moment = order.get("closed_at") or order.get("created_at")
    return {
        "kind": "order",
        "phase": _PHASES.get(str(order.get("state")), "open"),
        "revision": _version(order),
        "business_date": business_date(moment, zone, day_begins_hour),
        "time_zone": zone,
        **normalised(order),
        "order": _without_people(order),
    }


def payment_record(payment: Json) -> Record:
    """Return the record of a payment; fee is the sum of its processing fees, None without any."""
    return {
        "kind": "payment",
        "revision": milliseconds(payment.get("updated_at") or payment.get("created_at")),
        "fee": _fees(payment),
        "payment": _without_people(payment),
    }


def refund_record(refund: Json) -> Record:
    """Return the record of a refund."""
    return {
        "kind": "refund",
        "revision": milliseconds(refund.get("updated_at") or refund.get("created_at")),
        "fee": _fees(refund),
        "refund": _without_people(refund),
    }


def payout_record(payout: Json, entries: Sequence[Json]) -> Record:
    """Return the record of a payout with all of its entries."""
    amount = payout.get("amount_money")
    currency = currency_of(amount) if isinstance(amount, Mapping) else None
    made = [_entry(entry) for entry in entries]
    days = sorted(str(entry["effective_at"])[:10] for entry in made if entry["effective_at"])
    net = minor(payout, "amount_money")
    return {
        "kind": "payout",
        "revision": _version(payout),
        "currency": currency,
        "net": net,
        "gross": sum(entry["gross"] or 0 for entry in made) if made else net,
        "fee": sum(entry["fee"] or 0 for entry in made),
        "refunded": sum(entry["gross"] or 0 for entry in made if entry["type"] == "REFUND"),
        "disputed": sum(entry["gross"] or 0 for entry in made if "DISPUTE" in str(entry["type"])),
        "period_from": days[0] if days else None,
        "period_to": days[-1] if days else None,
        "entries": made,
        "payout": dict(payout),
    }


def shift_record(shift: Json, location: str, zone: str, day_begins_hour: int = 0) -> Record:
    """Return the record of a closed cash drawer shift; paid out and refunded become positive."""
    device = shift.get("device")
    names = device if isinstance(device, Mapping) else {}
    expected, counted = minor(shift, "expected_cash_money"), minor(shift, "closed_cash_money")
    return {
        "kind": "shift",
        "location_id": shift.get("location_id") or location,
        "revision": milliseconds(shift.get("updated_at") or shift.get("closed_at")),
        "business_date": business_date(shift.get("opened_at"), zone, day_begins_hour),
        "time_zone": zone,
        "till": names.get("id") or names.get("name") or "drawer",
        "refunds": _unsigned(minor(shift, "cash_refunds_money")),
        "paid_out": _unsigned(minor(shift, "cash_paid_out_money")),
        "currency": _first_currency(shift),
        "over_short": None if expected is None or counted is None else counted - expected,
        "shift": dict(shift),
    }


def missing_record(hint: Hint, reason: str) -> Record:
    """Return the record of an object that cannot be had: it ends in quarantine, with the reason."""
    return {
        "kind": "missing",
        "object_type": hint.object_type,
        "object_id": hint.object_id,
        "revision": hint.revision,
        "location_id": hint.store or None,
        "occurred_at": hint.occurred_at or None,
        "reason": reason,
        "event_id": hint.event_id,
    }


def milliseconds(text: object) -> int | None:
    """Return a time of Square as milliseconds since 1970, None for anything else.

    >>> milliseconds("2020-02-06T21:27:41.852Z")
    1581024461852
    """
    moment = _moment(text)
    return None if moment is None else round(moment.timestamp() * 1000)


def business_date(text: object, zone: str, day_begins_hour: int = 0) -> str | None:
    """Return the day on the shop's clock; before the hour at which it begins it is the day before.

    >>> business_date("2020-05-18T03:30:00Z", "America/New_York")
    '2020-05-17'
    """
    moment = _moment(text)
    if moment is None:
        return None
    local = moment.astimezone(ZoneInfo(zone)) - timedelta(hours=day_begins_hour)
    return local.date().isoformat()


def _moment(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _version(record: Json) -> int | None:
    version = record.get("version")
    if isinstance(version, int) and not isinstance(version, bool):
        return version
    return milliseconds(record.get("updated_at") or record.get("created_at"))


def _fees(record: Json) -> int | None:
    fees = record.get("processing_fee")
    if not isinstance(fees, list):
        return None
    return sum(minor(fee, "amount_money") or 0 for fee in fees if isinstance(fee, Mapping))


def _entry(entry: Json) -> Record:
    """Return one entry of a payout; what it is about stands in a member named after its type."""
    about = [
        value
        for name, value in entry.items()
        if name.startswith("type_") and isinstance(value, Mapping)
    ]
    subject: Json = about[0] if about else {}
    return {
        "type": entry.get("type"),
        "effective_at": entry.get("effective_at"),
        "gross": minor(entry, "gross_amount_money"),
        "fee": minor(entry, "fee_amount_money"),
        "net": minor(entry, "net_amount_money"),
        "about": subject.get("refund_id") or subject.get("payment_id"),
    }


def _first_currency(shift: Json) -> str | None:
    for name in ("closed_cash_money", "opened_cash_money"):
        money = shift.get(name)
        if isinstance(money, Mapping) and (found := currency_of(money)):
            return found
    return None


def _unsigned(amount: int | None) -> int | None:
    return None if amount is None else abs(amount)


def _without_people(value: Any) -> Any:
    """Return the object without the parts that are about a person and nothing else."""
    if isinstance(value, Mapping):
        return {
            name: _without_people(member) for name, member in value.items() if name not in _DROPPED
        }
    if isinstance(value, list):
        return [_without_people(member) for member in value]
    return value
