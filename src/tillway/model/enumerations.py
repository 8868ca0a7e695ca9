"""The closed lists of the canonical model, in lower snake case (UN/ECE codes keep their capitals).

A value outside its list is a contract violation until a row of a code table maps it; `other` is
only for rows that say so.
"""

from __future__ import annotations

from typing import Literal

BusinessDateSource = Literal["pos", "derived"]
TimeSource = Literal["pos_offset", "store_zone", "hub"]

TransactionType = Literal["sale", "return", "exchange", "order_pickup", "no_receipt_return"]
TransactionStatus = Literal["finished", "tendered", "totaled", "returned", "replaced", "other"]
Channel = Literal["store", "web", "app", "kiosk", "call_center", "marketplace"]
LinkReason = Literal["resume", "return", "voided", "layaway", "deferred_bill", "reprint"]
VoidType = Literal["post_void", "refund_void"]

LineType = Literal[
    "sale",
    "return",
    "deposit",
    "deposit_return",
    "fee",
    "gift_card_sale",
    "donation",
    "account_payment",
]
IdType = Literal["gtin", "plu", "sku", "restricted", "other"]
EntryMethod = Literal[
    "scanned",
    "keyed",
    "automatic",
    "weighed",
    "measured",
    "rfid",
    "self_scan",
    "msr",
    "chip",
    "tapped",
    "other",
]
Disposition = Literal["return_to_stock", "write_off", "repair", "return_to_supplier", "waste"]
TaxType = Literal["sales", "vat", "gst", "pst", "hst", "excise", "use"]
PriceModifierMethod = Literal[
    "price_override",
    "price_rule",
    "promotion",
    "markdown",
    "coupon",
    "quantity_discount",
    "reward_program",
    "employee",
    "other",
]
TenderType = Literal[
    "cash",
    "credit",
    "debit",
    "check",
    "gift_card",
    "store_credit",
    "voucher",
    "coupon",
    "loyalty",
    "mobile_wallet",
    "bank_transfer",
    "house_account",
    "meal_voucher",
    "on_delivery",
    "other",
]
ControlType = Literal[
    "sign_on",
    "sign_off",
    "no_sale",
    "cancelled",
    "suspended",
    "resumed",
    "suspend_deleted",
    "reprint",
    "price_change",
    "training",
    "pos_start",
    "pos_stop",
    "other",
]
MovementType = Literal[
    "float_in",
    "paid_in",
    "paid_out",
    "pickup",
    "safe_drop",
    "bank_deposit",
    "petty_cash",
    "tip_out",
]

PaymentStatus = Literal["authorized", "captured", "declined", "cancelled", "refunded", "chargeback"]
SettlementEntryType = Literal["charge", "refund", "chargeback", "fee", "adjustment", "other"]

StockState = Literal["on_hand", "reserved", "in_transit", "damaged"]
StockReason = Literal[
    "sale",
    "return",
    "receipt",
    "transfer_in",
    "transfer_out",
    "waste",
    "theft",
    "breakage",
    "count_correction",
    "donation",
]
ItemStatus = Literal["planned", "active", "blocked", "discontinued"]
PriceType = Literal["regular", "promotional", "markdown"]

PostingType = Literal["store_day", "reversal", "receipt"]
PostingLineType = Literal[
    "sales",
    "tax",
    "tender",
    "over_short",
    "rounding",
    "tip",
    "gift_card",
    "deposit",
    "account_payment",
    "other",
]

# UN/ECE Recommendation 20, the part that shops use: pieces, mass, volume, length, area, time.
UnitOfMeasure = Literal[
    "EA",
    "C62",
    "H87",
    "PR",
    "SET",
    "DZN",
    "KGM",
    "GRM",
    "HGM",
    "MGM",
    "TNE",
    "LBR",
    "ONZ",
    "LTR",
    "DLT",
    "CLT",
    "MLT",
    "GLL",
    "GLI",
    "PTL",
    "PTI",
    "OZA",
    "MTR",
    "DMT",
    "CMT",
    "MMT",
    "KMT",
    "FOT",
    "INH",
    "YRD",
    "MTK",
    "FTK",
    "MTQ",
    "KWH",
    "MIN",
    "HUR",
    "DAY",
    "WEE",
    "MON",
]
