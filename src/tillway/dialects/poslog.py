"""ARTS POSLog of several products, told apart by a profile, as neutral records.

Surprising: one number is one message. Where a Transaction has several bodies the retail one wins,
and an unfinished or empty retail body is a control record, so that no number is missing.

The neutral record (decimals are text, signs are applied, absent means absent):
  kind            retail_transaction, voided_transaction, control, cash_movement, till_settle,
                  business_day_opened, business_day_closed
  header          business_unit_id, workstation_id, sequence_number, business_date,
                  business_date_source (`derived` when the product sends none), begin_at, end_at,
                  time_source (`pos_offset` when the times carry an offset), till_id, operator_id,
                  currency, receipt_number, channel, training, offline
  receipts        transaction_type, transaction_status, tax_included, loyalty_ref, customer_ref,
                  lines[], taxes[], tenders[], totals{}, links[]; a void has voided_natural_key
  lines[]         line_number, line_type, item{item_id, id_type, gtin, pos_item_id}, description,
                  merchandise_hierarchy, quantity, uom, regular_unit_price, actual_unit_price,
                  gross_amount, discount_amount, net_amount, price_modifiers[], tax[], entry_method,
                  serial_numbers[], reason_code, voided, voids_line_number, original{}
  taxes[], tax[]  tax_type, tax_code, rate, taxable_amount, tax_amount, included, exempt_reason
  tenders[]       tender_type, source_code, tender_id, amount (net of change), tendered_amount,
                  change_amount, cashback_amount, rounding_amount, tip_amount, auth_code,
                  payment_ref, card{scheme, entry_mode}, foreign{currency, amount, rate}, offline
  totals          gross, discount, net, tax, rounding, tip, grand, item_count
  control         control_type, source_code, reason_code, links[]
  cash_movement   movement_type, tender_type, amount, safe_id, envelope_id, reason_code
  till_settle     session_id, opened_at, closed_at, first_sequence_number, last_sequence_number,
                  settled[] (per tender), voids{}
  business days   opened_at or closed_at, workstations[]
  extensions      what the vendor added, by prefix
"""

from __future__ import annotations

import re
from typing import Any

from tillway.dialects import controls
from tillway.dialects.links import links_of, plain_number
from tillway.dialects.profiles import Profile
from tillway.dialects.receipts import Receipt
from tillway.dialects.tree import (
    Node,
    Problems,
    as_node,
    child,
    flag,
    foreign,
    nodes,
    text,
    without_blanks,
    word,
)
from tillway.dialects.vocabulary import COMPLETED_STATUSES, UNFINISHED_STATUSES, VOID_STATUSES
from tillway.errors import ContractViolation

_WITH_OFFSET = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$")
_CHANNELS = {"Website": "web", "Kiosk": "kiosk"}
_BODIES = ("RetailTransaction", "ControlTransaction", "TenderControlTransaction")


class PosLogDialect:
    """Normalises the Transaction elements of one POS product."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.name = profile.name
        self.volatile: frozenset[str] = frozenset()

    def normalise(self, tree: dict[str, Any]) -> dict[str, Any]:
        """Return the neutral record of one Transaction.

        Raises ContractViolation TW-3201 with everything that cannot be read.
        """
        problems = Problems()
        record = self._header(tree, problems)
        record.update(self._body(tree, record, problems))
        if problems.found:
            number = record.get("sequence_number", "?")
            detail = f"Transaction {number} cannot be read as {self.name}."
            raise ContractViolation("TW-3201", detail, problems.found, dialect=self.name)
        return record

    def _header(self, tree: Node, problems: Problems) -> dict[str, Any]:
        store = next((id_ for at in self.profile.store_id_path if (id_ := text(tree, at))), None)
        workstation = text(tree, "WorkstationID")
        number = text(tree, "SequenceNumber")
        begin_at = text(tree, "BeginDateTime")
        end_at = text(tree, "EndDateTime") or text(tree, "POSLogDateTime")
        business_date = text(tree, "BusinessDayDate")
        derived = None
        if business_date is None:
            derived = (begin_at or end_at or "")[:10] or None
        required = {
            "RetailStoreID": store,
            "WorkstationID": workstation,
            "SequenceNumber": number,
            "BusinessDayDate": business_date or derived,
        }
        for name, value in required.items():
            if value is None:
                problems.add(name, "required", "", "a value: it is part of the natural key")
        return without_blanks(
            {
                "business_unit_id": store,
                "workstation_id": plain_number(workstation or ""),
                "sequence_number": plain_number(number or ""),
                "business_date": business_date or derived,
                "business_date_source": "derived" if derived else None,
                "begin_at": begin_at,
                "end_at": end_at,
                "time_source": _time_source(begin_at, end_at),
                "till_id": text(tree, "TillID"),
                "operator_id": text(tree, "OperatorID"),
                "currency": text(tree, "CurrencyCode"),
                "receipt_number": text(tree, "ReceiptNumber"),
                "channel": _CHANNELS.get(
                    word(child(tree, "WorkstationID"), "TypeCode") or "", "store"
                ),
                "training": flag(tree, "TrainingModeFlag") or None,
                "offline": flag(tree, "OfflineFlag") or None,
            }
        )

    def _body(self, tree: Node, header: Node, problems: Problems) -> dict[str, Any]:
        present = [name for name in _BODIES if name in tree]
        extensions: dict[str, Any] = foreign(tree)
        if not present:
            known = ", ".join(_BODIES)
            problems.add("Transaction", "body", "", f"one of {known}")
            return {}
        body = child(tree, present[0])
        if "TransactionID" in tree:
            extensions.setdefault("poslog", {})["TransactionID"] = text(tree, "TransactionID")
        for other in present[1:]:
            extensions.setdefault("poslog", {})[other] = tree[other]
        for prefix, added in foreign(body).items():
            extensions.setdefault(prefix, {}).update(added)
        if present[0] == "RetailTransaction":
            fields = self._retail(tree, body, header, extensions, problems)
        elif present[0] == "ControlTransaction":
            fields = controls.control(body, problems)
            _count_own_register(fields, header)
        else:
            fields = controls.tender_control(body, problems)
        if flag(tree, "TrainingModeFlag"):
            fields = {"kind": "control", "control_type": "training"}
        return {**fields, **without_blanks({"extensions": extensions})}

    def _retail(
        self, tree: Node, body: Node, header: Node, extensions: Node, problems: Problems
    ) -> dict[str, Any]:
        receipt = Receipt(body, self.profile, problems)
        receipt.read()
        if receipt.other_lines:
            extensions.setdefault("poslog", {})["lines"] = receipt.other_lines
        links, other_links = links_of(body)
        if other_links:
            extensions.setdefault("poslog", {})["links"] = other_links
        status = word(body, "TransactionStatus")
        voided_key = next((one["natural_key"] for one in links if one["reason"] == "voided"), None)
        unfinished = self._unfinished(tree, status, receipt, voided_key)
        if unfinished is not None:
            link = [one for one in links if one["reason"] == "resume"]
            control = {"kind": "control", "control_type": unfinished, "source_code": status}
            return without_blanks({**control, "links": link})
        fields = {
            "kind": "retail_transaction",
            "transaction_type": _transaction_type(body, receipt),
            **_references(receipt),
        }
        if status in VOID_STATUSES:
            fields = self._voided(receipt, voided_key, problems)
        else:
            fields["transaction_status"] = self._status(status, problems)
        if "currency" not in header:
            problems.add("CurrencyCode", "required", "", "a currency such as EUR")
        return without_blanks({**fields, **receipt.fields(), "links": links})

    def _unfinished(
        self, tree: Node, status: str | None, receipt: Receipt, voided_key: str | None
    ) -> str | None:
        """Return the kind of control record for a number used up without a receipt."""
        if flag(tree, "CancelFlag"):
            return "cancelled"
        if status in UNFINISHED_STATUSES:
            return UNFINISHED_STATUSES[status]
        if status == "Resumed" and not receipt.tenders:
            return "resumed"
        if status in VOID_STATUSES and voided_key is None and not receipt.tenders:
            return "cancelled"
        if self.profile.empty_is_cancelled and receipt.is_empty and voided_key is None:
            return "cancelled"
        return None

    def _voided(
        self, receipt: Receipt, voided_key: str | None, problems: Problems
    ) -> dict[str, Any]:
        if voided_key is None:
            path = "RetailTransaction.TransactionLink"
            problems.add(path, "required", "", "a link with reason Voided to the receipt")
        grand = receipt.totals.get("grand")
        if grand is not None and grand > 0:
            receipt.turn()
        return {
            "kind": "voided_transaction",
            "voided_natural_key": voided_key,
            "void_type": "post_void" if (grand or 0) >= 0 else "refund_void",
        }

    def _status(self, status: str | None, problems: Problems) -> str:
        if status is None or status == "Resumed":
            return "finished"
        known = COMPLETED_STATUSES.get(status)
        if known is None:
            known_ones = ", ".join(COMPLETED_STATUSES)
            path = "RetailTransaction.@TransactionStatus"
            problems.add(path, "enum", status, f"one of {known_ones}")
        return known or "finished"


def _count_own_register(fields: dict[str, Any], header: Node) -> None:
    """Let the end of a day that counts one session only count the register that sent it."""
    session = fields.pop("session", None)
    if session and "workstations" not in fields and "workstation_id" in header:
        fields["workstations"] = [{"workstation_id": header["workstation_id"], **session}]


def _time_source(*moments: str | None) -> str | None:
    """Return `pos_offset` when the product sends an offset from UTC with every time."""
    known = [moment for moment in moments if moment is not None]
    return "pos_offset" if known and all(map(_WITH_OFFSET.search, known)) else None


def _transaction_type(body: Node, receipt: Receipt) -> str:
    kinds = {line.line_type for line in receipt.live}
    given_back = bool(kinds & {"return", "deposit_return"})
    if "return" in kinds and kinds - {"return", "deposit_return"}:
        return "exchange"
    if given_back and not kinds - {"return", "deposit_return"}:
        return "return"
    pickups = any("SaleForPickup" in as_node(line) for line in nodes(body, "LineItem"))
    return "order_pickup" if pickups else "sale"


def _references(receipt: Receipt) -> dict[str, Any]:
    """Return the loyalty account of a receipt, a pseudonym since masking."""
    for line in receipt.other_lines:
        if line["kind"].endswith("LoyaltyMembership"):
            content = as_node(line.get("content", {}))
            names = [name for name in content if name.endswith("LoyaltyID")]
            if names:
                return without_blanks({"loyalty_ref": text(content, names[0])})
    return {}
