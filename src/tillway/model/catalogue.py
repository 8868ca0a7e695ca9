"""The catalogue of message types: their structs, keys, money, lanes and codecs, compiled once.

A message that carries a workstation and a sequence number consumed that number, whatever its type:
then it lives in the key space `pos`, so that a day's close and a receipt cannot share a number. A
receipt without one is an object of its vendor: key space `object`, and each object its own lane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from tillway.errors import ConfigurationError
from tillway.model.cash import BusinessDayClosed, BusinessDayOpened, CashMovement, TillSettlement
from tillway.model.hints import SourceHint
from tillway.model.merchandise import InventoryAdjustment, ItemChange, PriceChange
from tillway.model.normal_form import is_in_normal_form, with_exact_numbers
from tillway.model.part import Part
from tillway.model.payments import BankStatementLine, PaymentUpdate, Settlement
from tillway.model.postings import PostingConfirmed, PostingReported, PostingRequested
from tillway.model.retail import ControlRecord, RetailTransaction, VoidedTransaction
from tillway.model.schema import schema_of
from tillway.spelling import nearest

POS_KEY_SPACE = "pos"
POS_KEY_FIELDS = ("business_unit_id", "workstation_id", "business_date", "sequence_number")
OBJECT_KEY_SPACE = "object"
_ENCODER = msgspec.json.Encoder(decimal_format="string", order="deterministic")


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type of message: what it is made of and what may be asked of it.

    version: version of the message contract. key_space, key_fields: natural key of a message that
    carries no POS number. money_field: dotted path of the amount it stands for ("" for none).
    ordering_fields: what keeps its order on a route. time_fields: when it happened, first set wins.
    has_revisions: its `revision` is the version of an object at its source. internal: the hub's own
    note, which needs no route.
    """

    name: str
    struct: type[Part]
    purpose: str
    key_fields: tuple[str, ...]
    ordering_fields: tuple[str, ...]
    key_space: str
    money_field: str = ""
    time_fields: tuple[str, ...] = ("end_at", "begin_at")
    version: int = 1
    has_revisions: bool = False
    internal: bool = False
    _decoder: msgspec.json.Decoder[Any] = field(init=False, repr=False, compare=False)
    _money: Callable[[Any], Decimal | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_decoder", msgspec.json.Decoder(self.struct))
        object.__setattr__(self, "_money", attrgetter(self.money_field))

    def key_space_of(self, message: Any) -> str:
        """Return `pos` when the message consumed a register's number, else the type's own space."""
        return POS_KEY_SPACE if _has_pos_number(message) else self.key_space

    def key_parts(self, message: Any) -> tuple[str, ...]:
        """Return the parts of the natural key, as text.

        With a POS number: business unit, workstation, business date, sequence number, and
        "e<epoch>" when the counter of the register was reset.
        """
        if not _has_pos_number(message):
            return tuple(str(getattr(message, name)) for name in self.key_fields)
        parts = (
            message.business_unit_id,
            message.workstation_id,
            message.business_date.isoformat(),
            str(message.sequence_number),
        )
        return (*parts, f"e{message.register_epoch}") if message.register_epoch else parts

    def money(self, message: Any) -> Decimal | None:
        """Return the money the message stands for, signed; None when it stands for none.

        Never add it across types or currencies. A message made in training has no money.
        """
        if not self.money_field or getattr(message, "training", False):
            return None
        return self._money(message)

    def currency(self, message: Any) -> str:
        """Return the currency of the message's money, or "" when it names none."""
        return getattr(message, "currency", None) or ""

    def occurred_at(self, message: Any) -> datetime | None:
        """Return when the fact happened, as its source says; None when it does not say."""
        for name in self.time_fields:
            moment: datetime | None = getattr(message, name)
            if moment is not None:
                return moment
        return None

    def business_date(self, message: Any) -> date | None:
        """Return the business day the message belongs to, if it has one."""
        day: date | None = getattr(message, "business_date", None)
        return day

    def revision(self, message: Any) -> int | None:
        """Return the version of the object at its source, None where it has no versions."""
        revision: int | None = message.revision if self.has_revisions else None
        return revision

    def ordering_key(self, message: Any) -> str:
        """Return the key that keeps related messages in order; it is never empty.

        Shop facts: store:workstation (store alone without one); an object without a register's
        number: its id. Where every ordering field is absent, the natural key stands in, so that
        strangers do not wait for one another.
        """
        if self.key_space == OBJECT_KEY_SPACE and not _has_pos_number(message):
            return ":".join(self.key_parts(message))
        found = [getattr(message, name) for name in self.ordering_fields]
        present = [str(part) for part in found if part is not None]
        return ":".join(present or self.key_parts(message))

    def decode(self, data: bytes) -> Any:
        """Return the message that `encode` wrote; raises msgspec.ValidationError or DecodeError."""
        return self._decoder.decode(data)

    def encode(self, message: Any) -> bytes:
        """Return the one JSON form of a message: what content_hash covers and the journal keeps.

        Fields in the order of the struct, decimals as text, defaults left out, maps sorted.
        """
        return _ENCODER.encode(message)

    def convert(self, value: dict[str, Any], *, exact: bool = False) -> Any:
        """Return the message a canonical dict stands for.

        Numbers may be Decimal, text or int; a float is refused. exact says that every Decimal
        comes from `exact.py`, so that none needs a second look. Raises msgspec.ValidationError
        naming the first breach and its path.
        """
        try:
            message = self.convert_exact(value)
        except msgspec.ValidationError:
            return _converted_number_by_number(value, self.struct)
        if exact or is_in_normal_form(message):
            return message
        return _converted_number_by_number(value, self.struct)

    def convert_exact(self, value: dict[str, Any]) -> Any:
        """Return the message of a dict whose every number is a Decimal of `exact.py`, or raise.

        Raises msgspec.ValidationError naming the first breach and its path.
        """
        # Taken as built in, Decimals are the only numbers that pass: no float slips through.
        return msgspec.convert(value, self.struct, builtin_types=(Decimal,))

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the message; decimals are text with a pattern."""
        return schema_of(self.struct, title=self.name, description=self.purpose)


def message_type(name: str) -> MessageType:
    """Return the message type of this name; ConfigurationError TW-1301 names the nearest one."""
    found = MESSAGE_TYPES.get(name)
    if found is None:
        raise ConfigurationError(
            "TW-1301",
            f"There is no message type {name!r}.",
            value=name,
            advice=f"{nearest(name, MESSAGE_TYPES)}Known types: {', '.join(MESSAGE_TYPES)}.",
        )
    return found


def _converted_number_by_number(value: dict[str, Any], struct: type[Part]) -> Part:
    """Convert the slow way, which takes text and int for numbers and names what it cannot take."""
    try:
        numbers = with_exact_numbers(value, struct)
    except ValueError as error:
        raise msgspec.ValidationError(str(error)) from None
    return msgspec.convert(numbers, struct, builtin_types=(Decimal,))


def _has_pos_number(message: Any) -> bool:
    return (
        getattr(message, "sequence_number", None) is not None
        and getattr(message, "workstation_id", None) is not None
    )


_OBJECT = ("object_id",)
_REGISTER = ("business_unit_id", "workstation_id")

MESSAGE_TYPES: dict[str, MessageType] = {
    kind.name: kind
    for kind in (
        MessageType(
            name="retail_transaction.completed",
            struct=RetailTransaction,
            purpose="A receipt: sale, return or exchange.",
            key_space=OBJECT_KEY_SPACE,
            key_fields=_OBJECT,
            ordering_fields=_REGISTER,
            has_revisions=True,
            money_field="totals.grand",
        ),
        MessageType(
            name="retail_transaction.voided",
            struct=VoidedTransaction,
            purpose="The post-void of an earlier receipt.",
            key_space=OBJECT_KEY_SPACE,
            key_fields=_OBJECT,
            ordering_fields=_REGISTER,
            has_revisions=True,
            money_field="totals.grand",
        ),
        MessageType(
            name="control.recorded",
            struct=ControlRecord,
            purpose="A number consumed without goods; it keeps the sequence complete.",
            key_space=OBJECT_KEY_SPACE,
            key_fields=_OBJECT,
            ordering_fields=_REGISTER,
            has_revisions=True,
        ),
        MessageType(
            name="cash.moved",
            struct=CashMovement,
            purpose="Money put into or taken out of a till.",
            key_space=OBJECT_KEY_SPACE,
            key_fields=_OBJECT,
            ordering_fields=_REGISTER,
            has_revisions=True,
            money_field="amount",
        ),
        MessageType(
            name="till.settled",
            struct=TillSettlement,
            purpose="A till counted at the end of a session.",
            key_space="till.settled",
            key_fields=("business_unit_id", "till_id", "session_id"),
            ordering_fields=_REGISTER,
            time_fields=("closed_at", "end_at", "begin_at"),
            has_revisions=True,
        ),
        MessageType(
            name="business_day.opened",
            struct=BusinessDayOpened,
            purpose="The start of a store-day.",
            key_space="business_day.opened",
            key_fields=("business_unit_id", "business_date"),
            ordering_fields=_REGISTER,
            time_fields=("opened_at", "end_at", "begin_at"),
            has_revisions=True,
        ),
        MessageType(
            name="business_day.closed",
            struct=BusinessDayClosed,
            purpose="The end of a store-day: the record its completeness rests on.",
            key_space="business_day.closed",
            key_fields=("business_unit_id", "business_date"),
            ordering_fields=_REGISTER,
            time_fields=("closed_at", "end_at", "begin_at"),
            has_revisions=True,
        ),
        MessageType(
            name="payment.updated",
            struct=PaymentUpdate,
            purpose="One step in the life of a payment at its provider.",
            key_space="payment.updated",
            key_fields=("psp", "psp_reference", "status"),
            ordering_fields=("psp_reference",),
            money_field="amount",
            time_fields=("updated_at", "captured_at"),
            has_revisions=True,
        ),
        MessageType(
            name="settlement.posted",
            struct=Settlement,
            purpose="A payout with its fees.",
            key_space="settlement.posted",
            key_fields=("psp", "payout_id"),
            ordering_fields=("psp",),
            money_field="gross",
            time_fields=("posted_at",),
            has_revisions=True,
        ),
        MessageType(
            name="bank.statement_line",
            struct=BankStatementLine,
            purpose="One line of a bank statement.",
            key_space="bank.statement_line",
            key_fields=("account", "statement_id", "line_no"),
            ordering_fields=("account",),
            money_field="amount",
            time_fields=(),
        ),
        MessageType(
            name="inventory.adjusted",
            struct=InventoryAdjustment,
            purpose="A change of stock.",
            key_space="inventory.adjusted",
            key_fields=("document_ref", "item_id", "location_id", "stock_state"),
            ordering_fields=("item_id", "location_id"),
            time_fields=("adjusted_at",),
        ),
        MessageType(
            name="item.changed",
            struct=ItemChange,
            purpose="An item as it is from now on.",
            key_space="item.changed",
            key_fields=("item_id", "version"),
            ordering_fields=("item_id",),
            time_fields=("effective_from",),
        ),
        MessageType(
            name="price.changed",
            struct=PriceChange,
            purpose="A price as it is from now on.",
            key_space="price.changed",
            key_fields=("item_id", "price_type", "store_scope", "version"),
            ordering_fields=("item_id",),
            time_fields=("effective_from",),
        ),
        MessageType(
            name="posting.requested",
            struct=PostingRequested,
            purpose="A document the hub wants in the ERP.",
            key_space="posting.requested",
            key_fields=("erp", "posting_key"),
            ordering_fields=("business_unit_id",),
            money_field="amount",
            time_fields=("requested_at",),
        ),
        MessageType(
            name="posting.confirmed",
            struct=PostingConfirmed,
            purpose="The ERP has the document.",
            key_space="posting.confirmed",
            key_fields=("erp", "posting_key"),
            ordering_fields=("business_unit_id",),
            money_field="amount",
            time_fields=("posted_at",),
        ),
        MessageType(
            name="posting.reported",
            struct=PostingReported,
            purpose="What the ERP says it holds.",
            key_space="posting.reported",
            key_fields=("erp", "document_number"),
            ordering_fields=("business_unit_id",),
            money_field="amount",
            time_fields=("reported_at", "posted_at"),
            has_revisions=True,
        ),
        MessageType(
            name="source.hint",
            struct=SourceHint,
            purpose="Internal: a vendor said that an object changed; its source fetches it.",
            key_space="source.hint",
            key_fields=("event_id",),
            ordering_fields=("object_id",),
            time_fields=(),
            internal=True,
        ),
    )
}
