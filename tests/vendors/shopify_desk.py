"""The way of a record from the fake shop or a sample to the journal, without the journal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec

from tillway.clock import ManualClock
from tillway.connectors.shopify import REGISTRATION
from tillway.formats import Record
from tillway.intake import Arrival, Pipeline
from tillway.journal.base import Candidate, Invalid
from tillway.security.masking import Masker
from vendors.shopify_project import shopify_release, write_shopify_project


class Desk:
    """Maps records by the tables of the template."""

    def __init__(self, folder: Path) -> None:
        release = shopify_release(write_shopify_project(folder))
        source = release.sources["shopify"]
        masker = Masker(b"0123456789abcdef", lists=REGISTRATION.masking)
        self.pipeline = Pipeline(source, release, masker, ManualClock(), lambda: "ab" * 16)

    def take(self, record: bytes) -> Candidate | Invalid:
        """Return what the journal would be given for one record."""
        reader = self.pipeline.batch_format("ndjson")
        (read,) = reader.records(io.BytesIO(record))
        assert isinstance(read, Record), read
        (item,) = self.pipeline.take([Arrival(read)], door="shopify")
        assert isinstance(item, Candidate | Invalid)
        return item

    def message(self, record: bytes) -> tuple[str, dict[str, Any], list[str]]:
        """Return type, content and findings of an accepted record."""
        item = self.take(record)
        assert isinstance(item, Candidate), item.violations
        rules = [one["rule"] for one in json.loads(item.findings)] if item.findings else []
        return item.envelope.message_type, json.loads(item.canonical), rules


def parts_of(value: Any) -> Any:
    """Return objects as the Admin API's client gives them: each member still in bytes."""
    encode = msgspec.json.Encoder(decimal_format="number").encode
    if isinstance(value, list):
        return [parts_of(one) for one in value]
    return {name: msgspec.Raw(encode(member)) for name, member in value.items()}
