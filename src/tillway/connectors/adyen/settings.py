"""What can be set for Adyen; the reference pages come from here."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tillway.connect.settings import says

MAX_BODY_BYTES = 1024 * 1024


class AdyenSourceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A door for Adyen's standard webhook. Settlement reports come through the source `files`."""

    path: Annotated[str, says("Path of the door.", "/in/adyen")]
    hmac_keys: Annotated[
        tuple[str, ...] | str,
        says(
            "Live HMAC keys of the webhook, in hex; two while one is replaced.",
            "${secret:adyen_hmac_key}",
            secret=True,
        ),
    ]
    max_body_bytes: Annotated[int, says("Largest notification taken, in bytes."), Meta(gt=0)] = (
        MAX_BODY_BYTES
    )

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError("path must begin with /")
        keys = [self.hmac_keys] if isinstance(self.hmac_keys, str) else list(self.hmac_keys)
        if not keys:
            raise ValueError("hmac_keys must hold at least one key")
        for key in keys:
            try:
                bytes.fromhex("".join(key))
            except ValueError:
                raise ValueError("hmac_keys must be written in hex, as Adyen shows them") from None
