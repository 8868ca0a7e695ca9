"""How the stand-in ERP behaves right now; a person or a test changes it with `POST /control`."""

from __future__ import annotations

from typing import Literal

import msgspec

Mode = Literal["up", "down", "slow", "busy", "reset", "gone", "reject"]


class ControlRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /control`; a field that is left out stays as it is.

    up: works. down: 503. slow: answers after delay_seconds. busy: 429 with Retry-After. reset:
    books it, then drops the connection without an answer. gone: drops the connection and books
    nothing. reject: 422 for everything. reject_tender_types and reject_keys hold in every mode.
    """

    mode: Mode | None = None
    delay_seconds: float | None = None
    retry_after_seconds: int | None = None
    reject_tender_types: list[str] | None = None
    reject_keys: list[str] | None = None


class Mood(msgspec.Struct):
    """What the ERP does with the next call."""

    mode: Mode = "up"
    delay_seconds: float = 1.0
    retry_after_seconds: int = 1
    reject_tender_types: list[str] = []
    reject_keys: list[str] = []

    def change(self, request: ControlRequest) -> None:
        """Take over what the request names."""
        for name in ControlRequest.__struct_fields__:
            value = getattr(request, name)
            if value is not None:
                setattr(self, name, value)
