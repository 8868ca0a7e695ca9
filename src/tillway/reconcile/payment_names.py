"""By which names a payment is known: to its provider, to the till, to the payment it captures.

Messages about payments tell them; a payout names its entries by one of them and a receipt its
tender by another.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Any

from tillway.journal.projection import Asking, Change
from tillway.model.payments import PaymentUpdate
from tillway.reconcile.tables import match as sql

INTENT = "payment_intent"
"""The field of `extensions.<vendor>` with the name that a till knows a payment by."""
REMEMBERED = 20_000


class PaymentNames:
    """Provider's reference -> the other names of the payment."""

    def __init__(self, journal: Asking) -> None:
        self._journal = journal
        self._recent: OrderedDict[str, set[str]] = OrderedDict()

    def open(self) -> None:
        """Forget what was not committed."""
        self._recent.clear()

    def learn(self, payment: PaymentUpdate, change: Change) -> dict[str, set[str]]:
        """Keep the other names of a payment; return reference -> its new names."""
        names = {payment.original_reference, payment.natural_key, payment.merchant_reference}
        for told in payment.extensions.values():
            if isinstance(told, dict) and isinstance(told.get(INTENT), str):
                names.add(told[INTENT])
        learned = {payment.psp_reference: {name for name in names if name}}
        if payment.original_reference and payment.status == "captured":
            # The till may know the capture, the payout the payment that it captures.
            learned.setdefault(payment.original_reference, set()).add(payment.psp_reference)
        for reference, some in learned.items():
            for name in sorted(some):
                self.keep(reference, name, change)
        return learned

    def keep(self, reference: str | None, name: str | None, change: Change) -> None:
        """Keep one more name of a payment, if there is one."""
        if not reference or not name or name == reference:
            return
        change.run(sql("link"), (reference, name))
        self._recent.setdefault(reference, set()).add(name)
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)

    async def of(self, references: Collection[str]) -> dict[str, set[str]]:
        """Return the other names of these payments, where any are known."""
        wanted = sorted({one for one in references if one})
        found: dict[str, set[str]] = {}
        if wanted:
            for reference, name in await self._journal.ask(sql("links"), (json.dumps(wanted),)):
                found.setdefault(reference, set()).add(name)
        for reference in wanted:
            if reference in self._recent:
                found.setdefault(reference, set()).update(self._recent[reference])
        return found


def link_names(entry: Any, links: Iterable[str]) -> set[str]:
    """Return every name that an entry of a payout may be known by at the till."""
    names = {entry.psp_reference, entry.original_reference, entry.merchant_reference, *links}
    return {name for name in names if name}
