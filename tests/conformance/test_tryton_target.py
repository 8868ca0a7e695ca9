"""The Tryton target runs the suite of targets against a real Tryton."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from peers.tryton.build import DATABASE, USER
from peers.tryton.fixtures import shared_tryton  # noqa: F401 - pytest finds it by its name here
from peers.tryton.peer import TrytonPeer
from tillway.connect.kit import DeliveryClass, Outbound, SendResult, Target, TargetContext
from tillway.connectors.tryton import REGISTRATION
from tillway.security import Secret
from tillway.testing.targets_suite import TargetFeatures, TargetSuite

# The first test that needs the peer builds it.
pytestmark = pytest.mark.timeout(300)

CASH, REVENUE, ENDED = "1.1.1", "4.1.1", "4.9.9"


class Booking:
    """What a mapping table does: it makes a move of the suite's plain document.

    Each test puts a prefix of its own before every key, since all of them share one ledger.
    """

    delivery_class: DeliveryClass = "B"
    stops_per_lane = False

    def __init__(self, target: Target, prefix: str) -> None:
        self._target = target
        self._prefix = prefix
        self.max_bulk = target.max_bulk

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Map and send."""
        return await self._target.send([self._mapped(message) for message in batch])

    async def look_up(self, key: str) -> str | None:
        """Look up under the test's own key."""
        return await self._target.look_up(self._prefix + key)

    async def ping(self) -> None:
        """Ask the target."""
        await self._target.ping()

    async def close(self) -> None:
        """Close the target."""
        await self._target.close()

    def _mapped(self, message: Outbound) -> Outbound:
        amount = message.body["amount"]
        # Tryton itself refuses a line on an account that ended in 2016.
        account = ENDED if message.body.get("poison") else REVENUE
        body = {
            "date": "2026-11-20",
            "currency": "USD",
            "tenders": [{"account": CASH, "debit": amount, "description": "tender cash"}],
            "sales": [{"account": account, "credit": amount}],
        }
        return msgspec.structs.replace(message, key=self._prefix + message.key, body=body)


class TestTryton(TargetSuite):
    """Real moves in a real ledger."""

    registration: ClassVar = REGISTRATION
    features = TargetFeatures("B", looks_up=True)
    secrets = (USER[1],)
    peer: TrytonPeer
    prefix: str

    @pytest.fixture(autouse=True)
    def _peer(self, request: pytest.FixtureRequest) -> None:
        if "target" not in request.fixturenames:
            return
        self.peer = request.getfixturevalue("shared_tryton")
        self.prefix = f"{request.node.name}/"

        def make_target(settings: Any, context: TargetContext) -> Target:
            assert REGISTRATION.make_target is not None
            return Booking(REGISTRATION.make_target(settings, context), self.prefix)

        self.registration = msgspec.structs.replace(  # type: ignore[misc]
            REGISTRATION, make_target=make_target
        )

    def settings(self) -> dict[str, Any]:
        """The peer's address, known once it listens."""
        return {
            "url": self.peer.url if hasattr(self, "peer") else "http://127.0.0.1:1",
            "database": DATABASE,
            "user": USER[0],
            "password": Secret(USER[1]),
            "accounts": [CASH, REVENUE],
            "timeout_seconds": 20,
        }

    async def start(self) -> None:
        """The peer is up."""

    async def finish(self) -> None:
        """The peer stays for the next test."""

    async def effects(self) -> Mapping[str, int]:
        """Ask Tryton for the posted moves of this test."""
        booked = (move.description for move in self.peer.moves())
        own = (text.removeprefix(self.prefix) for text in booked if text.startswith(self.prefix))
        return Counter(own)

    async def amount_as_sent(self, key: str) -> Any:
        """Return what the tender line came to."""
        [move] = [one for one in self.peer.moves() if one.description == self.prefix + key]
        return str(move.total)

    async def go_away(self) -> None:
        """End Tryton."""
        self.peer.stop()

    async def come_back(self) -> None:
        """Start it again on the same port, with the same books."""
        self.peer.start()
