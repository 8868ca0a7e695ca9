"""The words of POSLog and the words of the neutral record they stand for.

Surprising: a word that is not listed is handed on in snake case, so that the contract names it and
a row of a code table can map it; nothing unknown turns into `other` here.
"""

from __future__ import annotations

import re

GOODS_KINDS = {
    "Sale": "sale",
    "SaleForDelivery": "sale",
    "SaleForPickup": "sale",
    "FuelSale": "sale",
    "Return": "return",
    "ReturnForDelivery": "return",
    "ReturnForPickup": "return",
    "Deposit": "deposit",
    "GiftCertificate": "gift_card_sale",
    "SaleOfGiftCard": "gift_card_sale",
    "PaymentOnAccount": "account_payment",
    "Donation": "donation",
}
DISCOUNT_KINDS = {"Discount": "promotion", "Coupon": "coupon", "LoyaltyReward": "reward_program"}
MONEY_KINDS = ("Tax", "Tender", "TenderChange", "Rounding")
# Lines without money or goods that products write in the ARTS namespace.
SILENT_KINDS = frozenset(
    ("AgeRestriction", "CustomerSurvey", "ItemNotFound", "ItemRestriction", "LoyaltyMembership")
)
LINE_FIELDS = frozenset(
    ("SequenceNumber", "BeginDateTime", "EndDateTime", "OperatorID", "OperatorBypassApproval")
)
ITEM_TYPES = {
    "Fee": "fee",
    "FeeRefund": "fee",
    "Deposit": "deposit",
    "DepositRefund": "deposit_return",
    "NegativeItem": "deposit_return",
}
GIVEN_BACK_ITEM_TYPES = frozenset(("FeeRefund", "DepositRefund", "NegativeItem"))
ENTRY_METHODS = {
    "Auto": "automatic",
    "Automatic": "automatic",
    "IntegratedChipCard": "chip",
    "Keyed": "keyed",
    "Linked": "automatic",
    "Lookup": "keyed",
    "MSR": "msr",
    "RFID": "rfid",
    "SmartCard": "chip",
    "Waved": "tapped",
}
MODIFIER_METHODS = {"EmployeeDiscount": "employee", "Reward": "reward_program"}
TAX_TYPES = {
    "VAT": "vat",
    "GST": "gst",
    "PST": "pst",
    "HST": "hst",
    "UseTax": "use",
}
TENDER_TYPES = {
    "CustomerAccount": "house_account",
    "GiftCertificate": "voucher",
    "ManufacturerCoupon": "coupon",
    "Mobile": "mobile_wallet",
    "StoredValue": "gift_card",
    "TravelersCheck": "check",
}
CARD_KINDS = {"Credit": "credit", "Debit": "debit"}
LINK_REASONS = {
    "DeferredBill": "deferred_bill",
    "LayAway": "layaway",
    "ReceiptReprint": "reprint",
    "Resume": "resume",
    "Return": "return",
    "Voided": "voided",
}
COUNTER_RUN = "CounterRun"
"""Local name of a vendor's addition: how often the counter of a register started again."""
COMPLETED_STATUSES = {
    "Finished": "finished",
    "Tendered": "tendered",
    "Totaled": "totaled",
    "Returned": "returned",
    "Replaced": "replaced",
}
UNFINISHED_STATUSES = {
    "Suspended": "suspended",
    "SuspendedRetrieved": "resumed",
    "SuspendedDeleted": "suspend_deleted",
    "Canceled": "cancelled",
    "Cancelled": "cancelled",
}
VOID_STATUSES = frozenset(("Voided", "TransactionVoided", "PostVoided"))
CONTROL_TYPES = {
    "OperatorSignOn": "sign_on",
    "OperatorSignOff": "sign_off",
    "NoSale": "no_sale",
    "Void": "cancelled",
    "TransactionVoid": "cancelled",
    "SuspendDelete": "suspend_deleted",
    "PriceChange": "price_change",
    "ReceiptReprint": "reprint",
    "POSSOD": "pos_start",
    "POSEOD": "pos_stop",
    "TillSOD": "pos_start",
    "TillEOD": "pos_stop",
    "ShiftStart": "sign_on",
    "ShiftEnd": "sign_off",
    "TimePunch": "other",
    "DrawerLimitExceeded": "other",
}
# Kind of movement and its sign in the drawer.
CASH_MOVEMENTS = {
    "PaidIn": ("paid_in", 1),
    "PaidOut": ("paid_out", -1),
    "PettyCash": ("petty_cash", -1),
    "TenderLoan": ("float_in", 1),
    "TenderPickup": ("pickup", -1),
    "SafeDrop": ("safe_drop", -1),
    "Deposit": ("bank_deposit", -1),
    "TipOut": ("tip_out", -1),
}
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def said(known: dict[str, str], value: str | None) -> str | None:
    """Return the word for a POSLog value; one that is not listed comes back in snake case."""
    if value is None:
        return None
    return known.get(value) or _CAPITAL.sub("_", value).lower()
