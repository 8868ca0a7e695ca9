"""Sends spans by OTLP over HTTP; imported only in a hub that names a collector.

It needs the extra `otel`. The standard exporter does the sending, so the variables it reads from
the environment (`OTEL_EXPORTER_OTLP_CERTIFICATE` and so on) hold here too.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from tillway import __version__
from tillway.project.records import HubSettings
from tillway.security.secrets import Secret
from tillway.watch.spans import Span

TRACES_PATH = "/v1/traces"
TIMEOUT_SECONDS = 5.0
NANOSECONDS = 1000
"""In a microsecond."""
_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "client": SpanKind.CLIENT,
}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class OtlpExporter:
    """`tracing.Exporter` towards the collector of a project."""

    def __init__(self, settings: HubSettings) -> None:
        # The tracer says by itself that a collector is away, once and not with each batch.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        key = settings.otlp_authorization
        plain = key.reveal() if isinstance(key, Secret) else key
        self._exporter = OTLPSpanExporter(
            endpoint=_address(settings.otlp_endpoint),
            headers={"authorization": plain} if plain else None,
            timeout=TIMEOUT_SECONDS,
        )
        named = {
            "service.name": "tillway",
            "service.version": __version__,
            "service.instance.id": settings.name,
        }
        self._resource = Resource.create(named)
        self._scope = InstrumentationScope("tillway", __version__)

    def export(self, spans: Sequence[Span]) -> bool:
        """Send a batch; say whether the collector took it."""
        try:
            made = [self._readable(one) for one in spans]
            return self._exporter.export(made) is SpanExportResult.SUCCESS
        except Exception:  # noqa: BLE001 - a library in a thread may fail as it likes
            return False

    def close(self) -> None:
        """Give up what is being sent, and its waits."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> ReadableSpan:
        status = Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET)
        parent = _context(span.trace, span.parent) if span.parent else None
        return ReadableSpan(
            name=span.name,
            context=_context(span.trace, span.id),
            parent=parent,
            resource=self._resource,
            attributes=span.attributes,
            kind=_KINDS[span.kind],
            status=status,
            start_time=span.began * NANOSECONDS,
            end_time=span.ended * NANOSECONDS,
            instrumentation_scope=self._scope,
        )


def _context(trace: str, span: str) -> SpanContext:
    return SpanContext(int(trace, 16), int(span, 16), is_remote=False, trace_flags=_SAMPLED)


def _address(endpoint: str) -> str:
    base = endpoint.rstrip("/")
    return base if base.endswith(TRACES_PATH) else base + TRACES_PATH
