"""Conformance suite for targets: results in order, one effect per key, honest about failure.

Subclass `TargetSuite`, say how to open the target and how to see what took effect on the other
side, and pytest does the rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from tillway.clock import ManualClock
from tillway.connect.kit import Delivered, Outbound, Registration, Target, TargetContext
from tillway.connect.settings import settings_from
from tillway.errors import NotConnected, Permanent, TillwayError, Transient
from tillway.testing.settings_suite import SettingsSuite


class TargetFeatures(msgspec.Struct, frozen=True):
    """What a target promises; a test outside the promise is skipped with the reason."""

    delivery_class: str = "A"
    refuses: bool = True
    can_go_away: bool = True
    looks_up: bool = False


def outbound(number: int, **body: Any) -> Outbound:
    """Return a message; equal numbers share a key."""
    key = f"quayside/0145:03:2026-11-20:{number}"
    document = {"number": number, "amount": Decimal("12.50"), **body}
    return Outbound(key, "retail_transaction.completed", "pos-to-erp/0145:03", document)


class TargetSuite(SettingsSuite):
    """What every target promises. secrets are texts that must never be seen."""

    registration: ClassVar[Registration]
    half = "target"
    features: ClassVar[TargetFeatures] = TargetFeatures()
    secrets: ClassVar[tuple[str, ...]] = ()

    folder: Path

    def settings(self) -> Mapping[str, Any]:
        """Return settings as the project would pass them, secrets resolved."""
        raise NotImplementedError

    async def start(self) -> None:
        """Start what the target talks to."""

    async def finish(self) -> None:
        """Stop it."""

    async def effects(self) -> Mapping[str, int]:
        """Return how often each key took effect on the other side."""
        raise NotImplementedError

    async def amount_as_sent(self, key: str) -> Any:
        """Return the `amount` of a document as it arrived."""
        raise NotImplementedError

    def poisoned(self, number: int) -> Outbound:
        """Return a message that the other side refuses for good."""
        return outbound(number, poison=True)

    async def go_away(self) -> None:
        """Make the other side unreachable."""
        raise NotImplementedError

    async def come_back(self) -> None:
        """Make it reachable again."""
        raise NotImplementedError

    @pytest.fixture
    async def target(self, tmp_path: Path) -> AsyncIterator[Target]:
        """Return the target under test."""
        self.folder = tmp_path
        await self.start()
        assert self.registration.target_settings is not None
        assert self.registration.make_target is not None
        settings = settings_from(self.registration.target_settings, self.settings(), "test")
        context = TargetContext("erp", ManualClock(), str(tmp_path))
        made = self.registration.make_target(settings, context)
        yield made
        await made.close()
        await self.finish()

    async def test_a_message_takes_effect_once(self, target: Target) -> None:
        """A delivered message took effect exactly once."""
        [result] = await target.send([outbound(1)])
        assert isinstance(result, Delivered)
        assert await self.effects() == {outbound(1).key: 1}

    async def test_a_batch_is_answered_in_order(self, target: Target) -> None:
        """There is one result per message, in the order they were given."""
        batch = [outbound(number) for number in range(1, min(target.max_bulk, 6) + 1)]
        results = await target.send(batch)
        assert [type(result) for result in results] == [Delivered] * len(batch)
        assert await self.effects() == {message.key: 1 for message in batch}

    async def test_the_same_key_again_has_no_second_effect(self, target: Target) -> None:
        """A class A target takes a repeat as done."""
        self._only_class("A")
        first = await target.send([outbound(1)])
        again = await target.send([outbound(1)])
        assert [getattr(result, "reference", None) for result in (*first, *again)] == [
            getattr(first[0], "reference", None)
        ] * 2
        assert await self.effects() == {outbound(1).key: 1}

    async def test_a_refused_message_takes_nobody_with_it(self, target: Target) -> None:
        """The refused one is Permanent, its neighbours are delivered."""
        if not self.features.refuses:
            pytest.skip("this target refuses nothing")
        results = []
        for batch in self._calls(target, [outbound(1), self.poisoned(2), outbound(3)]):
            results += await target.send(batch)
        assert [type(result) for result in results] == [Delivered, Permanent, Delivered]
        assert set(await self.effects()) == {outbound(1).key, outbound(3).key}

    async def test_an_unreachable_target_is_told_and_found_again(self, target: Target) -> None:
        """While it is away every message says so, and the same target works when it is back."""
        if not self.features.can_go_away:
            pytest.skip("this target cannot go away")
        await target.send([outbound(1)])
        await self.go_away()
        [away] = await target.send([outbound(2)])
        assert isinstance(away, NotConnected | Transient)
        with pytest.raises(NotConnected):
            await target.ping()
        await self.come_back()
        [back] = await target.send([outbound(2)])
        assert isinstance(back, Delivered)
        await target.ping()
        assert await self.effects() == {outbound(1).key: 1, outbound(2).key: 1}

    async def test_a_key_can_be_looked_up(self, target: Target) -> None:
        """A known key gives its reference, an unknown one gives None."""
        if not self.features.looks_up:
            pytest.skip("this target has no look-up")
        [result] = await target.send([outbound(1)])
        assert isinstance(result, Delivered)
        assert await target.look_up(outbound(1).key) == result.reference
        assert await target.look_up(outbound(2).key) is None

    async def test_money_leaves_as_text(self, target: Target) -> None:
        """A decimal arrives with every digit it had."""
        await target.send([outbound(1)])
        assert await self.amount_as_sent(outbound(1).key) == "12.50"

    async def test_the_class_is_the_declared_one(self, target: Target) -> None:
        """The target offers the class the suite was told."""
        assert target.delivery_class == self.features.delivery_class

    async def test_secrets_are_not_seen_in_results(self, target: Target) -> None:
        """No secret stands in the target's text, in a result or in an error."""
        results = await target.send([self.poisoned(1)])
        if self.features.can_go_away:
            await self.go_away()
            results += await target.send([outbound(2)])
            await self.come_back()
        errors = [result.as_json() for result in results if isinstance(result, TillwayError)]
        seen = repr(target) + repr(results) + repr(errors)
        assert [secret for secret in self.secrets if secret in seen] == []

    async def test_closing_twice_is_harmless(self, target: Target) -> None:
        """Close may be called again."""
        await target.send([outbound(1)])
        await target.close()
        await target.close()

    def _only_class(self, *classes: str) -> None:
        if self.features.delivery_class not in classes:
            pytest.skip(f"class {self.features.delivery_class} does not promise this")

    def _calls(self, target: Target, messages: list[Outbound]) -> list[list[Outbound]]:
        return [messages] if target.max_bulk >= len(messages) else [[m] for m in messages]
