"""A finding: one audit rule that a message breaks, with the numbers that show it.

A finding never stops a message; it is stored beside it, and routes that need clean messages wait.
"""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from tillway.model.part import Part

Severity = Literal["error", "warn", "count"]


class Finding(Part, frozen=True, kw_only=True):
    """One breach of one audit rule (see `rules.py` for the rules and their codes)."""

    rule: Annotated[str, Meta(description="The rule, for example TRAN_OUT_OF_BALANCE.")]
    severity: Annotated[
        Severity, Meta(description="error: may not be posted; warn: shown; count: counted.")
    ]
    path: Annotated[str, Meta(description="Where, dotted with indices: lines[2].net_amount.")]
    expected: Annotated[str, Meta(description="What the other numbers say, as text.")]
    found: Annotated[str, Meta(description="What stands there, as text.")]
    difference: Annotated[
        Decimal | None, Meta(description="found minus expected, where both are numbers.")
    ] = None
