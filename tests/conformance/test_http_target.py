"""The HTTP target runs the suite of targets against a real socket, in each way of calling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tillway.connectors.http import REGISTRATION
from tillway.security import Secret
from tillway.testing.endpoint import Endpoint
from tillway.testing.targets_suite import TargetFeatures, TargetSuite

TOKEN = "token-of-the-erp"


class TestSingleCalls(TargetSuite):
    """One document per call, with an idempotency header."""

    registration = REGISTRATION
    features = TargetFeatures("A", looks_up=True)
    secrets = (TOKEN,)
    endpoint: Endpoint

    def settings(self) -> dict[str, Any]:
        """The endpoint's address, known once it listens."""
        return {
            "url": self.endpoint.url if hasattr(self, "endpoint") else "http://127.0.0.1:1",
            "path": "/documents",
            "look_up_path": "/documents/{key}",
            "bearer_token": Secret(TOKEN),
            "timeout_seconds": 5,
        }

    async def start(self) -> None:
        """Listen on a free port."""
        self.endpoint = Endpoint()
        await self.endpoint.start()

    async def finish(self) -> None:
        """Stop listening."""
        await self.endpoint.stop()

    async def effects(self) -> Mapping[str, int]:
        """Ask the endpoint's own books."""
        return self.endpoint.effects

    async def amount_as_sent(self, key: str) -> Any:
        """Look into the stored document."""
        return self.endpoint.documents[key]["amount"]

    async def go_away(self) -> None:
        """Close the socket."""
        await self.endpoint.stop()

    async def come_back(self) -> None:
        """Listen again on the same port."""
        await self.endpoint.start()


class TestBulkArray(TestSingleCalls):
    """A JSON array per call."""

    def settings(self) -> dict[str, Any]:
        """With a bulk path, and single messages go there too."""
        single = super().settings()
        del single["path"]
        return {**single, "bulk_path": "/documents/bulk", "bulk_size": 4}


class TestBulkLines(TestSingleCalls):
    """One JSON document per line."""

    def settings(self) -> dict[str, Any]:
        """With a bulk path beside the single one."""
        lines = {"bulk_path": "/documents/bulk", "bulk_style": "ndjson", "bulk_size": 50}
        return {**super().settings(), **lines}
