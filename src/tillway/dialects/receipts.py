"""Reads a RetailTransaction: its lines in order, then discounts, taxes and totals over them.

Surprising: the grand total and the tax are what the till states; gross, discount and net are summed
from the live lines, because products differ in what they call by these names.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tillway.dialects.goods import Goods, goods_line, pair_void
from tillway.dialects.profiles import Profile
from tillway.dialects.taxes import Tax, summed, taxes_in
from tillway.dialects.tenders import Till, rounding_in
from tillway.dialects.tree import (
    ZERO,
    Node,
    Problems,
    as_node,
    child,
    flag,
    nodes,
    text,
    without_blanks,
    word,
)
from tillway.dialects.vocabulary import (
    DISCOUNT_KINDS,
    GOODS_KINDS,
    LINE_FIELDS,
    MONEY_KINDS,
    SILENT_KINDS,
)


class Receipt:
    """A RetailTransaction being read; after `read` it holds lines, tenders, taxes and totals."""

    def __init__(self, body: Node, profile: Profile, problems: Problems) -> None:
        self._body = body
        self._profile = profile
        self._problems = problems
        self._discounts: list[tuple[Node, str, int]] = []
        self._rounding = ZERO
        self._till = Till(profile, problems)
        self.goods: list[Goods] = []
        self.tenders = self._till.tenders
        self.taxes: list[Tax] = []
        self.totals: dict[str, Decimal | int | None] = {}
        self.other_lines: list[dict[str, Any]] = []
        self.line_count = 0

    def read(self) -> None:
        """Read the whole body, noting violations on the way."""
        for position, line in enumerate(map(as_node, nodes(self._body, "LineItem")), 1):
            self.line_count = position
            self._line(line, self._number(line, position))
        for node, kind, number in self._discounts:
            self._discount(node, kind, number)
        if self._rounding:
            self._till.round(self._rounding, "LineItem.Rounding")
        if self._profile.tax_style == "item" and not self.taxes:
            self.taxes = summed([tax for line in self.live for tax in line.taxes])
        self.totals = self._totals()

    @property
    def live(self) -> list[Goods]:
        """Return the lines that are not void."""
        return [line for line in self.goods if not line.voided]

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was sold and nothing was paid."""
        return not self.goods and not self.tenders

    def turn(self) -> None:
        """Reverse every sign, for a post-void that repeats the receipt it takes back."""
        self.goods = [line.turned() for line in self.goods]
        self.tenders = [tender.turned() for tender in self.tenders]
        self.taxes = [tax.turned() for tax in self.taxes]
        counted = {"item_count"}
        self.totals = {
            name: value if value is None or name in counted else -value
            for name, value in self.totals.items()
        }

    def fields(self) -> dict[str, Any]:
        """Return what the receipt adds to the neutral record."""
        return {
            "lines": [line.record() for line in self.goods],
            "tenders": [tender.record() for tender in self.tenders],
            "taxes": [tax.record() for tax in self.taxes],
            "totals": without_blanks(self.totals),
            "tax_included": any(tax.included for tax in self.taxes)
            if self.taxes
            else self._profile.tax_included,
        }

    def _number(self, line: Node, position: int) -> int:
        written = text(line, "SequenceNumber") or ""
        return int(written) if written.isascii() and written.isdigit() else position

    def _line(self, line: Node, number: int) -> None:
        kinds = [
            name for name in line if name[:1] not in ("@", "#", "") and name not in LINE_FIELDS
        ]
        path = f"LineItem[{number}]"
        for kind in kinds:
            if kind in GOODS_KINDS:
                self._goods(line, kind, number)
            elif kind in DISCOUNT_KINDS:
                self._note_discount(line, kind, number)
            elif kind in MONEY_KINDS:
                self._money(line, kind, number)
            elif ":" in kind or kind in SILENT_KINDS:
                self.other_lines.append(
                    {"line_number": number, "kind": kind, **_content(line[kind])}
                )
            else:
                self._problems.add(path, "line_kind", kind, "a kind of line that can be mapped")

    def _goods(self, line: Node, kind: str, number: int) -> None:
        base_type = GOODS_KINDS[kind]
        goods = goods_line(line, kind, base_type, number, self._profile, self._problems)
        if self._profile.void_style == "negative_line" and flag(line, "VoidFlag"):
            pair_void(goods, self.goods, self._problems)
        self.goods.append(goods)

    def _money(self, line: Node, kind: str, number: int) -> None:
        path = f"LineItem[{number}]"
        if kind == "Tender":
            self._till.take(line, number)
        elif kind == "TenderChange":
            self._till.give_back(line, number)
        elif kind == "Tax":
            self.taxes += taxes_in(line, path, self._profile, self._problems)
        else:
            self._rounding += rounding_in(line, path, self._problems) or ZERO

    def _note_discount(self, line: Node, kind: str, number: int) -> None:
        void = flag(line, "VoidFlag") or flag(line, "CancelFlag")
        node = child(line, kind)
        # Products with rewards tell each one twice; only the detailed view points at a line.
        told_elsewhere = (
            self._profile.discount_source == "rewards"
            and kind == "LoyaltyReward"
            and not (
                flag(node, "acs:detailedData") and text(node, "acs:RewardCategory") == "Monetary"
            )
        )
        if not void and not told_elsewhere:
            self._discounts.append((node, kind, number))

    def _discount(self, node: Node, kind: str, number: int) -> None:
        path = f"LineItem[{number}].{kind}"
        modifier = {
            "method_code": DISCOUNT_KINDS[kind],
            "promotion_id": text(node, "PromotionID"),
            "reason_code": text(node, "ReasonCode"),
        }
        if self._profile.discount_source == "rewards":
            amount = -self._problems.required(node, "acs:ExtendedRewardAmount", path)
            pointer = text(node, "acs:OperatorSequenceReference")
            if amount:
                self._at_line(pointer, amount, modifier, path)
            return
        amount = abs(self._problems.required(node, "Amount", path))
        total = sum((line.net for line in self.live), ZERO)
        self._share(amount.copy_sign(total) if total else amount, modifier, path)

    def _at_line(
        self, pointer: str | None, amount: Decimal, modifier: dict[str, Any], path: str
    ) -> None:
        for line in self.goods:
            if pointer is not None and line.operator_sequence == pointer:
                line.take_off(amount, modifier)
                return
        if pointer not in (None, "0"):
            at = f"{path}.acs:OperatorSequenceReference"
            self._problems.add(at, "reward_line", pointer, "the OperatorSequence of a sale line")
            return
        self._share(amount, modifier, path)

    def _share(self, amount: Decimal, modifier: dict[str, Any], path: str) -> None:
        """Share a discount on the whole receipt among its lines by net, rest to the largest."""
        lines = [line for line in self.live if line.net]
        total = sum((line.net for line in lines), ZERO)
        if not lines or not total:
            self._problems.add(path, "discount", amount, "lines that the discount belongs to")
            return
        step = Decimal(1).scaleb(min(-2, _exponent(amount)) if _exponent(amount) else 0)
        shares = [(amount * line.net / total).quantize(step, ROUND_HALF_UP) for line in lines]
        largest = max(range(len(lines)), key=lambda place: abs(lines[place].net))
        shares[largest] += amount - sum(shares, ZERO)
        for line, share in zip(lines, shares, strict=True):
            if share:
                line.take_off(share, modifier)

    def _totals(self) -> dict[str, Decimal | int | None]:
        live = self.live
        net = sum((line.net for line in live), ZERO)
        tax = sum((one.amount for one in self.taxes), ZERO)
        added = sum((one.amount for one in self.taxes if not one.included), ZERO)
        rounding = sum((tender.rounding for tender in self.tenders), ZERO)
        tip = sum((tender.tip for tender in self.tenders), ZERO)
        paid = sum((tender.amount for tender in self.tenders), ZERO)
        grand = self._stated("TransactionGrandAmount", paid)
        stated_tax = self._stated("TransactionTaxAmount", tax)
        return {
            "gross": sum((line.gross for line in live), ZERO),
            "discount": sum((line.discount for line in live), ZERO),
            "net": net,
            "tax": tax if stated_tax is None else stated_tax,
            "rounding": rounding or None,
            "tip": tip or None,
            "grand": net + added + rounding + tip if grand is None else grand,
            "item_count": self._item_count(),
        }

    def _stated(self, name: str, sign_of: Decimal) -> Decimal | None:
        """Return a total the till states; unsigned ones take the sign of what was paid."""
        for node in map(as_node, nodes(self._body, "Total")):
            if word(node, "TotalType") == name:
                value = self._problems.decimal({"Total": node}, "Total", name)
                unsigned = self._profile.amounts == "unsigned" and sign_of < 0
                return -abs(value) if value is not None and unsigned else value
        return None

    def _item_count(self) -> int | None:
        written = text(self._body, "acs:ItemCount") or text(self._body, "ItemCount")
        if written is None:
            return None
        try:
            return int(Decimal(written))
        except ArithmeticError:
            self._problems.add("ItemCount", "integer", written, "a whole number")
            return None


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _content(value: Any) -> dict[str, Any]:
    return {"content": value} if value not in ("", {}) else {}
