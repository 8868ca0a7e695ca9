"""Makes neutral records of Adyen's notifications; the mapping tables of a project start from these.

Surprising: only what a table needs is kept. A notification names card, shopper and risk scores in
`additionalData` under dozens of names, and Adyen adds new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
Record = dict[str, Any]
PAYMENT_EVENTS = frozenset(
    {
        "AUTHORISATION",
        "AUTHORISATION_ADJUSTMENT",
        "CAPTURE",
        "CAPTURE_FAILED",
        "CANCELLATION",
        "TECHNICAL_CANCEL",
        "CANCEL_OR_REFUND",
        "EXPIRE",
        "REFUND",
        "REFUND_FAILED",
        "REFUNDED_REVERSED",
        "REFUND_WITH_DATA",
        "CHARGEBACK",
        "CHARGEBACK_REVERSED",
        "SECOND_CHARGEBACK",
        "PREARBITRATION_LOST",
        "PREARBITRATION_WON",
    }
)
"""What moves or frees money. All else is news, such as REPORT_AVAILABLE."""
_HUNDREDTHS, _WHOLE = frozenset({"CLP", "ISK"}), frozenset({"CVE", "IDR"})
"""Where Adyen's unit is not the minor unit of ISO 4217: two digits too many, and two too few."""
_FACTOR = 100
_TOLD = ("store", "terminalId", "authCode", "modification.action")


def payment_record(item: Json) -> Record:
    """Return the record of a notification about a payment.

    step: the event and whether it succeeded, such as `CAPTURE:true`, which a code table reads.
    amount: minor units by ISO 4217, without a sign; None for what is no amount. original_reference:
    the payment, where the event has a reference of its own.
    """
    amount = _table(item.get("amount"))
    told = _table(item.get("additionalData"))
    currency = amount.get("currency")
    own, original = item.get("pspReference"), item.get("originalReference")
    event, success = item.get("eventCode"), str(item.get("success")).lower()
    return {
        "kind": "payment",
        "event": event,
        "step": f"{event}:{success}",
        "psp_reference": own,
        "original_reference": original if original and original != own else None,
        "merchant_account": item.get("merchantAccountCode"),
        "merchant_reference": item.get("merchantReference") or None,
        "amount": minor_units(amount.get("value"), currency),
        "currency": currency,
        "occurred_at": item.get("eventDate"),
        "method": item.get("paymentMethod"),
        "told": {name.replace(".", "_"): told[name] for name in _TOLD if _plain(told.get(name))},
    }


def minor_units(value: object, currency: object) -> int | None:
    """Return an amount in minor units of ISO 4217, None for what is none.

    >>> minor_units(1099, "EUR"), minor_units(500, "ISK"), minor_units(5, "IDR")
    (1099, 5, 500)
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if currency in _HUNDREDTHS:
        return None if value % _FACTOR else value // _FACTOR
    return value * _FACTOR if currency in _WHOLE else value


def _plain(value: object) -> bool:
    return isinstance(value, str | int)


def _table(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}
