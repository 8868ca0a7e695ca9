"""Spells the key of a transaction that another one points at.

Surprising: the workstation is normalised exactly as in the header, or the link would point nowhere.
A link that does not say which run of the counter it means is taken to mean the first: no run is
guessed from the transaction it stands in.
"""

from __future__ import annotations

from typing import Any

from tillway.dialects.tree import Node, as_node, foreign, nodes, text, without_blanks, word
from tillway.dialects.vocabulary import COUNTER_RUN, LINK_REASONS


def plain_number(written: str) -> str:
    """Return a number without leading zeros, so that till "01" and till "1" are one till."""
    return (written.lstrip("0") or "0") if written.isascii() and written.isdigit() else written


def key_of_link(link: Node) -> str | None:
    """Return store:till:date:number of a TransactionLink, None when a part of it is missing.

    Where the link says a later run of the counter, `:e<run>` follows; None when that is no number.
    """
    parts = (
        text(link, "BusinessUnit.UnitID") or text(link, "RetailStoreID"),
        text(link, "WorkstationID"),
        text(link, "BusinessDayDate"),
        text(link, "SequenceNumber"),
    )
    store, workstation, date, number = parts
    run = _counter_run(link)
    if store is None or workstation is None or date is None or number is None or run is None:
        return None
    key = ":".join((store, plain_number(workstation), date, plain_number(number)))
    return key if run == "0" else f"{key}:e{run}"


def links_of(body: Node) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the links with a reason the model knows, and the others as they were sent."""
    known: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for link in map(as_node, nodes(body, "TransactionLink")):
        reason = LINK_REASONS.get(word(link, "ReasonCode") or "")
        key = key_of_link(link)
        if reason is None or key is None:
            others.append(link)
            continue
        line_number = text(link, "LineItemSequenceNumber")
        fields = {"reason": reason, "natural_key": key, "line_number": line_number}
        known.append(without_blanks(fields))
    return known, others


def _counter_run(link: Node) -> str | None:
    """Return the run of the counter that a vendor added to a link, "0" when none did.

    None where what it says is no number: a receipt of another run would be somebody else's.
    """
    for added in foreign(link).values():
        said = text(added, COUNTER_RUN)
        if said is not None:
            return plain_number(said) if said.isascii() and said.isdigit() else None
    return "0"
