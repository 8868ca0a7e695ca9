"""The HTTP door runs the suite of push sources, once per way of proving who sends."""

from __future__ import annotations

from pathlib import Path

from tillway.clock import ManualClock
from tillway.connect import Request, SourceContext
from tillway.connectors.http import REGISTRATION
from tillway.security import Secret, key_digest, signature_of
from tillway.testing.sources import MemoryHints, MemoryState, PushSourceSuite

KEY = "tw_store-0145-key"
SIGNING = "signing-secret-of-the-hook"


class TestKeyedDoor(PushSourceSuite):
    """A door with one API key per store."""

    registration = REGISTRATION
    secrets = (KEY,)

    def settings(self) -> dict[str, object]:
        """A plain door."""
        return {"path": "/in/quayside"}

    def context(self, folder: Path) -> SourceContext:
        """One store is known."""
        keys = {key_digest(KEY): "0145"}
        return SourceContext(
            "quayside",
            ManualClock(),
            MemoryState(),
            str(folder),
            keys,
            "fsync",
            hints=MemoryHints(),
        )

    def good_request(self, body: bytes) -> Request:
        """The store's key in the header."""
        return Request("POST", "/in/quayside", {"authorization": f"Bearer {KEY}"}, body)

    def without_proof(self, body: bytes) -> Request:
        """A key nobody has."""
        return Request("POST", "/in/quayside", {"x-api-key": "tw_wrong"}, body)


class TestSignedDoor(PushSourceSuite):
    """A webhook door with signatures over the body."""

    registration = REGISTRATION
    secrets = (SIGNING,)

    def settings(self) -> dict[str, object]:
        """A hook that signs with hex after a prefix."""
        return {
            "path": "/in/hook",
            "auth": "signature",
            "signature_secrets": [Secret("the-old-one"), Secret(SIGNING)],
            "signature_prefix": "sha256=",
        }

    def good_request(self, body: bytes) -> Request:
        """Signed under the newer of the two live secrets."""
        signature = "sha256=" + signature_of(SIGNING, body)
        return Request("POST", "/in/hook", {"x-signature": signature}, body)

    def without_proof(self, body: bytes) -> Request:
        """A signature over other bytes."""
        signature = "sha256=" + signature_of(SIGNING, body + b" ")
        return Request("POST", "/in/hook", {"x-signature": signature}, body)
