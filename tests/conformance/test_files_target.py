"""The folder we write to runs the suite of targets, with and without the key in the name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tillway.connectors.files import REGISTRATION
from tillway.testing.targets_suite import TargetFeatures, TargetSuite, outbound


class TestOneFilePerMessage(TargetSuite):
    """The key is the name, so a repeat writes the same file."""

    registration = REGISTRATION
    features = TargetFeatures("A", refuses=False, looks_up=True)

    def settings(self) -> dict[str, Any]:
        """The name is the key; the folder is a mount that may be missing."""
        return {"folder": "outbox", "name": "{key}.json", "create_folder": False}

    async def start(self) -> None:
        """Make the folder."""
        (self.folder / "outbox").mkdir()

    def poisoned(self, number: int) -> Any:
        """A folder takes every document whose name can be made."""
        return outbound(number)

    async def effects(self) -> Mapping[str, int]:
        """Count the documents by their number."""
        return Counter(outbound(document["number"]).key for document in self.documents())

    async def amount_as_sent(self, key: str) -> Any:
        """Look into the file."""
        [document] = [one for one in self.documents() if outbound(one["number"]).key == key]
        return document["amount"]

    async def go_away(self) -> None:
        """Unmount: the folder is gone."""
        (self.folder / "outbox").rename(self.folder / "unmounted")

    async def come_back(self) -> None:
        """Mount it again."""
        (self.folder / "unmounted").rename(self.folder / "outbox")

    def documents(self) -> list[dict[str, Any]]:
        """Read everything that stands in the folder under a final name."""
        files: list[Path] = sorted((self.folder / "outbox").iterdir())
        assert [file.name for file in files if file.name.startswith(".")] == []
        lines = [line for file in files for line in file.read_bytes().splitlines()]
        return [msgspec.json.decode(line) for line in lines]


class TestNamedAfterAField(TestOneFilePerMessage):
    """The name is a field of the document: it may be missing, and two may share it."""

    features = TargetFeatures("D")

    def settings(self) -> dict[str, Any]:
        """The name is a field."""
        return {**super().settings(), "name": "sale-of-{amount}.json"}

    def poisoned(self, number: int) -> Any:
        """A document without the field."""
        message = outbound(number)
        return type(message)(message.key, "", message.lane, {"number": number})


class TestBatches(TestOneFilePerMessage):
    """One NDJSON file per call."""

    features = TargetFeatures("D", refuses=False)

    def settings(self) -> dict[str, Any]:
        """Named after the first message."""
        return {**super().settings(), "style": "ndjson", "name": "{key}.ndjson"}
