"""The control of the suites: a connector that breaks a promise must not pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.connect import Answer, Delivered, Intake, Request, Submission, TargetContext
from tillway.connectors.http import REGISTRATION
from tillway.connectors.http.settings import HttpTargetSettings
from tillway.connectors.http.target import HttpTarget
from tillway.testing.endpoint import Endpoint
from tillway.testing.sources import FakeIntake, PushSourceSuite
from tillway.testing.targets_suite import TargetSuite, outbound


class OpenDoor:
    """A door that asks nobody, and shows its secret."""

    path = "/in/open"
    max_body_bytes = 10

    def __init__(self) -> None:
        self.secret = "hush"

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Take from anybody."""
        await intake.submit(Submission(request.body))
        return Answer(200, b"{}")

    async def ping(self) -> None:
        """Always well."""


class _OpenDoorSuite(PushSourceSuite):
    registration = REGISTRATION
    secrets = ("hush",)

    def good_request(self, body: bytes) -> Request:
        return Request("POST", "/in/open", {}, body)

    without_proof = good_request


async def test_a_door_that_asks_nobody_is_found() -> None:
    """Entry without proof, and a secret in plain sight."""
    with pytest.raises(AssertionError):
        await _OpenDoorSuite().test_no_proof_no_entry(OpenDoor())
    with pytest.raises(AssertionError):
        await _OpenDoorSuite().test_secrets_are_never_seen(OpenDoor())
    assert (await OpenDoor().receive(Request("POST", "", {}, b"x"), FakeIntake())).status == 200


class _ForgetfulSuite(TargetSuite):
    registration = REGISTRATION
    endpoint: Endpoint

    async def effects(self) -> Any:
        return self.endpoint.effects


async def test_an_endpoint_that_forgets_keys_is_no_class_a(tmp_path: Path) -> None:
    """A repeat that takes effect twice is found."""
    suite = _ForgetfulSuite()
    suite.endpoint = Endpoint(keeps_keys=False)
    await suite.endpoint.start()
    settings = HttpTargetSettings(url=suite.endpoint.url, path="/documents")
    target = HttpTarget(settings, TargetContext("erp", ManualClock(), str(tmp_path)))
    with pytest.raises(AssertionError):
        await suite.test_the_same_key_again_has_no_second_effect(target)
    await target.close()
    await suite.endpoint.stop()


class Blamer:
    """A target that answers for the batch and not for each message."""

    delivery_class = "A"
    max_bulk = 10
    stops_per_lane = False

    async def send(self, batch: Any) -> list[Any]:
        """Take everything, answer once."""
        return [Delivered()]


async def test_a_target_that_answers_once_for_many_is_found() -> None:
    """Every message needs its own answer."""
    with pytest.raises(AssertionError):
        await _ForgetfulSuite().test_a_batch_is_answered_in_order(Blamer())  # type: ignore[arg-type]
    assert await Blamer().send([outbound(1)]) == [Delivered()]
