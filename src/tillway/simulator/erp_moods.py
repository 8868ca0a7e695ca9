"""How the stand-in ERP behaves right now; a person or a test changes it with `POST /control`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Mode = Literal["up", "down", "slow", "busy", "reset", "gone", "reject"]
Loss = Literal["cut", "silent"]
"""How an answer is lost: the connection is cut, or nothing ever comes."""


class ControlRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /control`; a field that is left out stays as it is.

    up: works. down: 503. slow: answers after delay_seconds. busy: 429 with Retry-After. reset:
    books it, then drops the connection without an answer. gone: drops the connection and books
    nothing. reject: 422 for everything. reject_tender_types and reject_keys hold in every mode.
    lose_answers adds receipt keys whose call is booked once without an answer.
    """

    mode: Mode | None = None
    delay_seconds: float | None = None
    retry_after_seconds: int | None = None
    reject_tender_types: list[str] | None = None
    reject_keys: list[str] | None = None
    lose_answers: dict[str, Loss] | None = None


class Mood(msgspec.Struct):
    """What the ERP does with the next call."""

    mode: Mode = "up"
    delay_seconds: float = 1.0
    retry_after_seconds: int = 1
    reject_tender_types: list[str] = []
    reject_keys: list[str] = []
    lose_answers: dict[str, Loss] = {}

    def change(self, request: ControlRequest) -> None:
        """Take over what the request names."""
        for name in ControlRequest.__struct_fields__:
            value = getattr(request, name)
            if name == "lose_answers":
                self.lose_answers.update(value or {})
            elif value is not None:
                setattr(self, name, value)

    def loss_of(self, receipt_keys: Iterable[str]) -> Loss | None:
        """Return how the answer to a call with these receipts is lost, None when it is given.

        Each key loses one answer; what comes again is answered.
        """
        lost = [self.lose_answers.pop(key) for key in receipt_keys if key in self.lose_answers]
        return lost[0] if lost else None
