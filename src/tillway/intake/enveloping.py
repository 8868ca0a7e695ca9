"""Who a canonical message is, and the envelope the journal keeps beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from tillway.journal.search import receipt_form
from tillway.message import Envelope, key_digest, natural_key
from tillway.model import MessageType, round_money, to_minor
from tillway.model.catalogue import POS_KEY_FIELDS, POS_KEY_SPACE

REMEMBERED_AMOUNTS = 32_768


class Identity(msgspec.Struct, frozen=True, gc=False):
    """What is known of a message before it is checked; "" and None where it could not be read."""

    message_type: str = ""
    natural_key: str = ""
    digest: bytes = b""
    store: str = ""
    currency: str = ""
    amount_minor: int | None = None
    object_digest: bytes | None = None
    """The digest without the revision, by which all versions of one object are known."""


def identity_of(system: str, kind: MessageType, message: Any) -> Identity:
    """Return the identity of a well-formed message. A revision is part of the digest alone."""
    parts = kind.key_parts(message)
    space = kind.key_space_of(message)
    digest = key_digest(system, space, parts)
    revision = kind.revision(message)
    object_digest = None
    if revision is not None:
        digest, object_digest = key_digest(system, space, _versioned(parts, revision)), digest
    currency = kind.currency(message)
    return Identity(
        message_type=kind.name,
        natural_key=natural_key(parts),
        digest=digest,
        object_digest=object_digest,
        store=getattr(message, "business_unit_id", None) or "",
        currency=currency,
        amount_minor=minor_units(kind.money(message), currency),
    )


def readable_identity(system: str, kind: MessageType, values: Mapping[str, Any]) -> Identity:
    """Return as much identity as the readable fields of a broken message give.

    values are canonical fields by dotted path or nested, as far as they could be mapped.
    """
    pos_parts = _texts(values, POS_KEY_FIELDS)
    parts = pos_parts or _texts(values, kind.key_fields)
    epoch = values.get("register_epoch")
    if pos_parts and epoch:
        parts = (*pos_parts, f"e{epoch}")
    space = POS_KEY_SPACE if pos_parts else kind.key_space
    revision = values.get("revision") if kind.has_revisions else None
    identifying = _versioned(parts, revision) if isinstance(revision, int) else parts
    currency = values.get("currency")
    return Identity(
        message_type=kind.name,
        natural_key=natural_key(parts),
        digest=key_digest(system, space, identifying) if parts else b"",
        store=_text(values.get("business_unit_id")),
        currency=currency if isinstance(currency, str) else "",
        amount_minor=_readable_amount(kind, values, currency),
    )


def _readable_amount(kind: MessageType, values: Mapping[str, Any], currency: Any) -> int | None:
    if not kind.money_field or not isinstance(currency, str):
        return None
    found: Any = values.get(kind.money_field)
    if found is None:
        found = values
        for step in kind.money_field.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    return minor_units(found, currency) if isinstance(found, Decimal) else None


@lru_cache(REMEMBERED_AMOUNTS)
def minor_units(amount: Decimal | None, currency: str) -> int | None:
    """Return an amount in minor units; finer fractions are rounded half up (and found as such)."""
    if amount is None or not currency:
        return None
    try:
        return to_minor(amount, currency)
    except ValueError:
        return _rounded_minor_units(amount, currency)


def _rounded_minor_units(amount: Decimal, currency: str) -> int | None:
    try:
        return to_minor(round_money(amount, currency), currency)
    except ValueError:
        return None


def envelope_of(
    kind: MessageType,
    message: Any,
    identity: Identity,
    *,
    system: str,
    door: str,
    message_id: str,
    trace_id: str,
    received_at: int,
    release: str,
) -> Envelope:
    """Return the envelope of a message that is about to be stored."""
    number = getattr(message, "sequence_number", None)
    business_date = kind.business_date(message)
    occurred = kind.occurred_at(message)
    receipt = getattr(message, "receipt_number", None) or ("" if number is None else str(number))
    return Envelope(
        message_id=message_id,
        message_type=kind.name,
        schema_version=kind.version,
        system=system,
        door=door,
        natural_key=identity.natural_key,
        lane_key=kind.ordering_key(message),
        received_at=received_at,
        trace_id=trace_id or message_id,
        release=release,
        store=identity.store,
        workstation=getattr(message, "workstation_id", None) or "",
        business_date=business_date.isoformat() if business_date else "",
        sequence_number=number,
        register_epoch=getattr(message, "register_epoch", 0),
        receipt_number=receipt_form(receipt),
        object_id="" if number is None else getattr(message, "object_id", None) or "",
        revision=kind.revision(message),
        object_digest=identity.object_digest,
        occurred_at=occurred.isoformat() if occurred else "",
        currency=identity.currency,
        amount_minor=identity.amount_minor,
        training=bool(getattr(message, "training", False)),
    )


def _versioned(parts: tuple[str, ...], revision: int) -> tuple[str, ...]:
    return (*parts, f"r{revision}")


def _texts(values: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return these fields as text, or nothing at all when one of them is missing."""
    texts = tuple(_text(values.get(name)) for name in names)
    return texts if all(texts) else ()


def _text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
