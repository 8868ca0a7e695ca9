"""A collector of traces as it is in the world: OTLP over HTTP, decoded with OpenTelemetry's proto.

And a road to the ERP that notes the trace each call carries, and can refuse calls.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(slots=True)
class Seen:
    """One span as it arrived; ids are hex, times nanoseconds, parent "" for a root."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    failed: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass(slots=True)
class Collector:
    """Takes spans; broken, it answers 503, and 400 when it is told to refuse."""

    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    calls: int = 0
    status: int = 200
    authorization: str = ""

    async def take(self, request: web.Request) -> web.Response:
        """Decode one call."""
        self.calls += 1
        if self.status != 200:
            return web.Response(status=self.status)
        assert request.headers["content-type"] == "application/x-protobuf"
        self.authorization = request.headers.get("authorization", "")
        body = await request.read()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _values(group.resource.attributes)
            for scope in group.scope_spans:
                self.spans += [_seen(one, resource) for one in scope.spans]
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    def of(self, trace: str) -> dict[str, list[Seen]]:
        """Return the spans of one trace by name."""
        found: dict[str, list[Seen]] = {}
        for one in self.spans:
            if one.trace == trace:
                found.setdefault(one.name, []).append(one)
        return found


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """Run a collector."""
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    async with _served(app) as url:
        made.url = url
        yield made


@dataclass(slots=True)
class Road:
    """Passes calls on to the ERP. refuse: so many of the next documents get 503 instead."""

    erp: str
    session: aiohttp.ClientSession
    url: str = ""
    told: list[str] = field(default_factory=list)
    refuse: int = 0

    async def take(self, request: web.Request) -> web.Response:
        """Note the trace of one call and pass it on."""
        if request.method == "POST":
            self.told.append(request.headers.get("traceparent", ""))
            if self.refuse:
                self.refuse -= 1
                return web.Response(status=503)
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        async with self.session.request(
            request.method, self.erp + request.path_qs, headers=headers, data=await request.read()
        ) as answer:
            body, kind = await answer.read(), answer.content_type
            return web.Response(status=answer.status, body=body, content_type=kind)


@asynccontextmanager
async def road(erp: str, session: aiohttp.ClientSession) -> AsyncIterator[Road]:
    """Run a road to an ERP."""
    made = Road(erp, session)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.take)
    async with _served(app) as url:
        made.url = url
        yield made


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _seen(span: Any, resource: dict[str, Any]) -> Seen:
    return Seen(
        span.name,
        span.kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == 2,
        _values(span.attributes),
        resource,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
