"""The POSLog dialects as profiles: where products disagree, and what each one does.

Surprising: profiles marked unproven rest on documentation and vendor samples; no file of a real
customer has passed them yet.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Profile(msgspec.Struct, frozen=True):
    """The habits of one POS product in POSLog.

    store_id_path         dotted paths to the shop, the first that is set wins
    void_style            negative_line: a flagged line with opposite sign voids an earlier one;
                          cancel_flag: the flagged line itself is void
    change_style          negative_tender_line: change is a tender line of its own, below zero;
                          change_element: Amount is what was handed over, TenderChange comes off it;
                          net_amount: Amount is net, TenderChange only tells what was handed back
    rounding_style        none, or tender_line: a tender line that holds a Rounding and no Amount
    discount_source       rewards: LoyaltyReward lines point at sale lines;
                          modifiers: RetailPriceModifier in the line, Discount lines for the receipt
    extended_amount       whether ExtendedAmount is before (gross) or after (net) discounts
    amounts               signed as sent, or unsigned with the sign told by the kind of line
    tax_style             transaction: a Tax line per rate; item: taxes inside the sale lines
    tax_included          whether prices contain tax where the file does not say so
    tax_rate_source       percent: as stated; tax_id: stated only roughly, so left out
    plu_check_digit       short item numbers carry an appended check digit
    weighed_uom           unit of weighed lines that state none (UN/ECE Recommendation 20)
    empty_is_cancelled    a retail transaction without lines and tenders used up its number
    proven                a file of a real customer has passed
    """

    name: str
    store_id_path: tuple[str, ...]
    void_style: Literal["negative_line", "cancel_flag"] = "cancel_flag"
    change_style: Literal["negative_tender_line", "change_element", "net_amount"] = "change_element"
    rounding_style: Literal["none", "tender_line"] = "tender_line"
    discount_source: Literal["rewards", "modifiers"] = "modifiers"
    extended_amount: Literal["gross", "net"] = "net"
    amounts: Literal["signed", "unsigned"] = "unsigned"
    tax_style: Literal["transaction", "item"] = "item"
    tax_included: bool = True
    tax_rate_source: Literal["percent", "tax_id"] = "percent"
    plu_check_digit: bool = False
    weighed_uom: str = "KGM"
    empty_is_cancelled: bool = True
    proven: bool = False


_STORE_PATHS = ("BusinessUnit.UnitID", "RetailStoreID")

PROFILES = (
    Profile(
        name="poslog-ncr-acs-2.1",
        store_id_path=("RetailStoreID", "BusinessUnit.UnitID"),
        void_style="negative_line",
        change_style="negative_tender_line",
        rounding_style="none",
        discount_source="rewards",
        extended_amount="gross",
        amounts="signed",
        tax_style="transaction",
        tax_included=False,
        tax_rate_source="tax_id",
        plu_check_digit=True,
        weighed_uom="LBR",
        proven=True,
    ),
    Profile(name="poslog-6.0-visma", store_id_path=_STORE_PATHS),
    Profile(name="poslog-2.2", store_id_path=("RetailStoreID", "BusinessUnit.UnitID")),
    Profile(name="poslog-6.0", store_id_path=_STORE_PATHS),
)
