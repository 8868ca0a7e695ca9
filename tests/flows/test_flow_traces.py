"""Traces of messages: from the sender's traceparent to the target's, through a real collector."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flows.tills import quayside
from flows.trace_collector import Collector, Road, Seen, collector, road
from flows.world import QUAYSIDE, ROUTE, Running, World, until_async
from tillway.errors import ConfigurationError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENDER = "00f067aa0ba902b7"
SERVER, CLIENT, CONSUMER = 2, 3, 5
WORDS = ("Notebook", "payments", "CASH", "customer")


def asks_for_traces(world: World, url: str, percent: float = 100) -> None:
    """Write the collector into the project."""
    lines = f'[telemetry]\notlp_endpoint = "{url}"\ntrace_percent = {percent}\n'
    lines += 'otlp_authorization = "${secret:collector}"'
    world.add_line("tillway.toml", lines)


@asynccontextmanager
async def traced(world: World, found: Collector, way: Road) -> AsyncIterator[Running]:
    """Run a hub that exports every trace and sends one message a call."""
    asks_for_traces(world, found.url)
    world.replace("systems/erp.toml", world.erp, way.url)
    world.replace("systems/erp.toml", "bulk_size = 50", "bulk_size = 1")
    async with world.running() as running:
        yield running


async def told(running: Running, found: Collector, trace: str, count: int) -> list[Seen]:
    """Return the spans of a trace once so many have arrived."""

    async def arrived() -> bool:
        tracer = running.hub.watch.tracer
        assert tracer is not None
        return len([one for one in found.spans if one.trace == trace]) >= count

    await until_async(arrived, f"fewer than {count} spans of {trace}")
    return [one for one in found.spans if one.trace == trace]


async def test_a_sale_is_one_trace_from_the_till_to_the_erp(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender's span is the parent; each call is a span, and the one the ERP was told."""
    monkeypatch.setenv("TILLWAY_SECRET_COLLECTOR", "Bearer hush")
    async with collector() as found, road(world.erp, world.session) as way:
        async with traced(world, found, way) as running:
            way.refuse = 1
            sent = f"00-{TRACE}-{SENDER}-01"
            sale = quayside(1, "0002", payments=[{"method": "CASH", "amt": "4.00"}])
            key = world.keys["0002"]
            answer = await running.post(sale, key, path=QUAYSIDE, traceparent=sent)
            assert answer.status == 202, answer.text
            await running.settled()
            await told(running, found, TRACE, 5)
        spans = found.of(TRACE)
    [receive], [contract], [mapping] = (
        spans["receive retail_transaction.completed"],
        spans["contract"],
        spans["mapping"],
    )
    assert (receive.parent, receive.kind) == (SENDER, SERVER)
    assert {contract.parent, mapping.parent} == {receive.id}
    assert receive.began <= contract.began <= receive.ended
    first, second = sorted(spans[f"send {ROUTE}"], key=lambda one: one.began)
    assert (first.failed, first.attributes["error.type"][:5]) == (True, "TW-41")
    assert (second.failed, second.attributes["tillway.outcome"]) == (False, "delivered")
    for call, header in zip((first, second), way.told, strict=True):
        assert (call.kind, call.parent) == (CLIENT, receive.id)
        assert header == f"00-{TRACE}-{call.id}-01", "the target is told the span that is exported"
    assert receive.attributes["tillway.store"] == "0002"
    assert receive.resource["service.name"] == "tillway"
    assert found.authorization == "Bearer hush"
    text = str([one.attributes for one in found.spans])
    assert not [word for word in WORDS if word in text], "no payload is in a trace"


async def test_a_sale_without_a_trace_begins_one_and_one_not_sampled_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's own trace has a root; a sender that samples not is obeyed, on both sides."""
    monkeypatch.setenv("TILLWAY_SECRET_COLLECTOR", "Bearer hush")
    async with (
        collector() as found,
        road(world.erp, world.session) as way,
        traced(world, found, way) as running,
    ):
        key = world.keys["0002"]
        quiet = f"00-{TRACE}-{SENDER}-00"
        cash: list[dict[str, Any]] = [{"method": "CASH", "amt": "4.00"}]
        sale = quayside(1, "0002", payments=cash)
        assert (await running.post(sale, key, traceparent=quiet)).status == 202
        await running.settled()
        answer = await running.sell(quayside(2, "0002", payments=cash))
        await running.settled()
        own = answer.body["message_id"]
        spans = await told(running, found, own, 4)
    assert {one.trace for one in found.spans} == {own}
    [root] = [one for one in spans if not one.parent]
    assert (root.name, root.kind) == ("receive retail_transaction.completed", CONSUMER)
    assert way.told[0].startswith(f"00-{TRACE}-")
    assert way.told[0].endswith("-00")
    assert way.told[1].startswith(f"00-{own}-")


async def test_a_collector_that_is_away_holds_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sales are taken and delivered as ever; what is not exported in the end is counted."""
    monkeypatch.setenv("TILLWAY_SECRET_COLLECTOR", "Bearer hush")
    async with collector() as found, road(world.erp, world.session) as way:
        found.status = 400
        async with traced(world, found, way) as running:
            for number in range(1, 6):
                cash: list[dict[str, Any]] = [{"method": "CASH", "amt": "4.00"}]
                answer = await running.sell(quayside(number, "0002", payments=cash))
                assert answer.status == 202
            await running.settled()
            assert len(world.documents()) == 5

            async def asked() -> bool:
                return found.calls > 0

            await until_async(asked, "nobody asked the collector")
            watch = running.hub.watch
            assert b'tillway_trace_spans_total{outcome="exported"} 0.0' in await watch.metrics()
    assert found.spans == []
    assert watch.tallies.spans == {"dropped": 5 * 4}


async def test_without_the_extra_the_hub_says_what_to_install(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TW-7107 before anything is opened."""
    monkeypatch.setenv("TILLWAY_SECRET_COLLECTOR", "Bearer hush")
    monkeypatch.setattr("tillway.watch.tracing._is_installed", lambda: False)
    asks_for_traces(world, "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError) as caught:
        async with world.running():
            pass
    assert caught.value.code == "TW-7107"


async def test_a_hub_without_a_collector_does_nothing(world: World) -> None:
    """No tracer, and no listener of its own."""
    async with world.running() as running:
        assert running.hub.watch.tracer is None


def test_a_hub_without_a_collector_imports_nothing() -> None:
    """What `tillway run` imports holds not one module of OpenTelemetry."""
    code = "import sys, tillway.assembly, tillway.assembly.process, tillway.cli.run\n"
    code += "assert not [one for one in sys.modules if one.startswith('opentelemetry')]"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
