"""The Adyen door runs the suite of push sources; the proof stands in each item of the body."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.connect import PushSource, Request, SourceContext, settings_from
from tillway.connectors.adyen import REGISTRATION
from tillway.connectors.adyen.source import AdyenSource
from tillway.errors import ConfigurationError
from tillway.security import Secret
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState, PushSourceSuite
from vendors.adyen_account import KEY, OLD_KEY, PERSON, call, item, notification, signed

SAMPLES = Path(os.environ.get("TILLWAY_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))
VECTORS = SAMPLES / "pos" / "vectors" / "webhook_signature_vectors.json"


def door(*keys: str) -> tuple[AdyenSource, MemoryHints]:
    """Return a door with these keys, and its hints."""
    hints = MemoryHints()
    context = SourceContext("adyen", ManualClock(), MemoryState(), ".", hints=hints)
    values = {"path": "/in/adyen", "hmac_keys": [Secret(key) for key in keys or (KEY,)]}
    assert REGISTRATION.source_settings is not None
    settings = settings_from(REGISTRATION.source_settings, values, "test")
    return AdyenSource(settings, context), hints  # type: ignore[arg-type]


class TestAdyenDoor(PushSourceSuite):
    """A door with two live keys."""

    registration = REGISTRATION
    secrets = (KEY, OLD_KEY)

    def settings(self) -> Mapping[str, Any]:
        """Return the settings of the door."""
        return {"path": "/in/adyen", "hmac_keys": [Secret(OLD_KEY), Secret(KEY)]}

    def good_request(self, body: bytes) -> Request:
        """One signed item that names the body as its reference."""
        return call(notification(signed(item(merchantReference=body.decode()))))

    def without_proof(self, body: bytes) -> Request:
        """The same, changed after it was signed."""
        one = signed(item(merchantReference=body.decode()))
        return call(notification({**one, "pspReference": "PSP2"}))

    async def test_bytes_are_handed_over_unchanged(self, source: PushSource) -> None:
        """The record names what the item named, and nothing of the shopper."""
        intake = FakeIntake()
        answer = await self.answer(source, intake, b"0101-1-18")
        (record,) = [json.loads(line) for line in intake.bodies[0].splitlines()]
        assert (record["merchant_reference"], record["step"]) == ("0101-1-18", "AUTHORISATION:true")
        assert PERSON not in json.dumps(record)
        assert answer.status == 200
        assert json.loads(answer.body)["notificationResponse"] == "[accepted]"


async def test_every_item_must_prove_itself() -> None:
    """One wrong item among right ones, no item, or no notification at all: nobody enters."""
    source, _ = door()
    right, wrong = signed(item()), signed(item(reference="PSP2"), key=OLD_KEY)
    for body in (notification(right, wrong), notification(), b"{}", b"[", b"null", b"\xff"):
        intake = FakeIntake()
        assert (await source.receive(call(body), intake)).status == 401
        assert intake.submissions == []


async def test_several_items_are_several_records() -> None:
    """A call may hold more than one item; each becomes a record."""
    source, _ = door()
    intake = FakeIntake()
    body = notification(signed(item()), signed(item("CAPTURE", "CAP1", originalReference="PSP1")))
    await source.receive(call(body), intake)
    records = [json.loads(line) for line in intake.bodies[0].splitlines()]
    assert [(one["psp_reference"], one["original_reference"]) for one in records] == [
        ("PSP1", None),
        ("CAP1", "PSP1"),
    ]


async def test_news_is_noted_and_not_stored_as_a_payment() -> None:
    """A report that is ready is a note, known when it comes again, and waits for nobody."""
    source, hints = door()
    intake = FakeIntake()
    for expected in ("noted", "duplicate"):
        body = notification(signed(item("REPORT_AVAILABLE", "report.csv")))
        answer = await source.receive(call(body), intake)
        assert (answer.status, json.loads(answer.body)["outcome"]) == (200, expected)
    assert intake.submissions == []
    assert await hints.waiting(10) == []


def test_a_key_that_is_no_hex_is_refused_at_start() -> None:
    """Adyen shows keys in hex; anything else would refuse every call later."""
    with pytest.raises(ConfigurationError):
        door("not hex")


async def test_the_known_answers_of_the_vendor_open_the_door() -> None:
    """Slashes, backslashes and colons are signed as they stand."""
    if not VECTORS.exists():
        pytest.skip("the samples are not there")
    found = json.loads(VECTORS.read_text())
    vectors = [one for one in found if one["vendor"] == "adyen" and "file" in one]
    assert len(vectors) == 3
    for vector in vectors:
        one = json.loads((SAMPLES / "pos" / vector["file"]).read_text())
        source, _ = door(vector["key_hex"])
        intake = FakeIntake()
        assert (await source.receive(call(notification(one)), intake)).status == 200
        changed = {**one, "merchantReference": one["merchantReference"] + "/"}
        assert (await source.receive(call(notification(changed)), intake)).status == 401
        assert b"1111" not in b"".join(intake.bodies)
