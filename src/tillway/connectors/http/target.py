"""A REST endpoint as a target: one message or many per call, and an answer for each.

Surprising: a bulk call that is refused as a whole is sent again in halves, so that one bad message
does not take the blame to all of its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from tillway.connect.http_client import HttpClient, HttpReply
from tillway.connect.http_pool import pooled_client
from tillway.connect.kit import DeliveryClass, Outbound, SendResult, TargetContext
from tillway.connectors.http.access import access_headers
from tillway.connectors.http.answers import ABSENT, Answers, decoded, field_at
from tillway.connectors.http.settings import HttpTargetSettings
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError
from tillway.message.tracing import span_id, traceparent

# Only these may be about one message; a 404 or 405 is about the address.
BLAMES_A_MESSAGE = frozenset({400, 409, 413, 422})
_encode = msgspec.json.Encoder(decimal_format="string").encode
_encode_lines = msgspec.json.Encoder(decimal_format="string").encode_lines


class HttpTarget:
    """One endpoint. delivery_class is the best its settings allow; the project states the real one.

    A with an idempotency key (a header, PUT on a path with {key}, bulk items that carry it), B with
    a look-up path, D without either.
    """

    stops_per_lane = False

    def __init__(
        self, settings: HttpTargetSettings, context: TargetContext, client: HttpClient | None = None
    ) -> None:
        self._settings = settings
        self._context = context
        self._url = settings.url.rstrip("/")
        self._answers = Answers(settings, context.name)
        self._headers = _fixed_headers(settings)
        self._client = client or pooled_client(
            connections=settings.connections,
            timeout_seconds=settings.timeout_seconds,
            connect_seconds=settings.connect_seconds,
            keep_alive_seconds=settings.keep_alive_seconds,
        )
        self.max_bulk = settings.bulk_size if settings.bulk_path else 1
        self.delivery_class: DeliveryClass = _best_class(settings)

    async def send(self, batch: Sequence[Outbound]) -> list[SendResult]:
        """Send a batch and answer for each message in order."""
        if self._settings.bulk_path and (len(batch) > 1 or not self._settings.path):
            return await self._send_bulk(batch)
        return [await self._send_one(message) for message in batch]

    async def look_up(self, key: str) -> str | None:
        """Return the endpoint's reference for a key, "" when it gives none, None when it has none.

        Raises the error that stood in the way when nothing can be known now.
        """
        if not self._settings.look_up_path:
            raise Permanent("TW-4113", f"{self._context.name} has no look_up_path")
        reply = await self._client.request(
            "GET", self._url + _with_key(self._settings.look_up_path, key), self._headers
        )
        if reply.status in {404, 410}:
            return None
        if not 200 <= reply.status < 300:
            refusal = self._answers.refusal(reply, self._context.clock.now())
            raise refusal if isinstance(refusal, TillwayError) else _unknown(self._context.name)
        value = decoded(reply.body)
        if not value:
            return None
        reference = field_at(value, self._settings.reference_field)
        return "" if reference in (ABSENT, None) else str(reference)

    async def ping(self) -> None:
        """Raise NotConnected when the endpoint cannot be reached or does not let us in.

        Without a ping_path any answer counts, since it shows that something listens.
        """
        path = self._settings.ping_path
        try:
            reply = await self._client.request("GET", self._url + path, self._headers)
        except InDoubt as fault:
            raise NotConnected(fault.code, fault.detail, target=self._context.name) from None
        if path and not 200 <= reply.status < 300:
            raise NotConnected(
                "TW-4104" if reply.status in {401, 403, 407} else "TW-4106",
                f"{self._context.name} answered {reply.status} to a ping",
                target=self._context.name,
            )

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _send_one(self, message: Outbound) -> SendResult:
        headers = {**self._headers, **_trace_as("traceparent", message)}
        if self._settings.key_header:
            headers[self._settings.key_header] = message.key
        url = self._url + _with_key(self._settings.path, message.key)
        reply = await self._call(self._settings.method, url, headers, _encode(message.body))
        if isinstance(reply, TillwayError):
            return reply
        return self._answers.single(reply, self._context.clock.now())

    async def _send_bulk(self, batch: Sequence[Outbound]) -> list[SendResult]:
        items = [self._bulk_item(message) for message in batch]
        as_lines = self._settings.bulk_style == "ndjson"
        headers = dict(self._headers)
        if as_lines:
            headers["content-type"] = "application/x-ndjson"
        body = _encode_lines(items) if as_lines else _encode(items)
        reply = await self._call("POST", self._url + self._settings.bulk_path, headers, body)
        if isinstance(reply, TillwayError):
            return [reply for _ in batch]
        if 200 <= reply.status < 300:
            return self._answers.bulk(reply, [message.key for message in batch])
        refusal = self._answers.refusal(reply, self._context.clock.now())
        if reply.status in BLAMES_A_MESSAGE and isinstance(refusal, Permanent) and len(batch) > 1:
            middle = len(batch) // 2
            first = await self._send_bulk(batch[:middle])
            return first + await self._send_bulk(batch[middle:])
        return [refusal for _ in batch]

    def _bulk_item(self, message: Outbound) -> dict[str, object]:
        settings = self._settings
        head = {settings.bulk_key_field: message.key} if settings.bulk_key_field else {}
        if settings.bulk_trace_field:
            head |= _trace_as(settings.bulk_trace_field, message)
        if settings.bulk_document_field:
            return {**head, settings.bulk_document_field: message.body}
        return {**message.body, **head}

    async def _call(
        self, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> HttpReply | TillwayError:
        try:
            return await self._client.request(method, url, headers, body)
        except (NotConnected, InDoubt, Permanent) as fault:
            fault.where["target"] = self._context.name
            return fault


def _best_class(settings: HttpTargetSettings) -> DeliveryClass:
    single = bool(
        not settings.path
        or settings.key_header
        or (settings.method == "PUT" and "{key}" in settings.path)
    )
    bulk = bool(not settings.bulk_path or settings.bulk_key_field)
    if single and bulk:
        return "A"
    return "B" if settings.look_up_path else "D"


def _with_key(path: str, key: str) -> str:
    return path.replace("{key}", quote(key, safe="")) if "{key}" in path else path


def _trace_as(name: str, message: Outbound) -> dict[str, str]:
    route = message.lane.partition("/")[0]
    span = span_id(message.message_id, route, message.attempt)
    header = traceparent(message.trace_id, span)
    return {name: header} if header else {}


def _unknown(target: str) -> InDoubt:
    return InDoubt("TW-4110", f"{target} gave no usable answer to a look-up", target=target)


def _fixed_headers(settings: HttpTargetSettings) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json, */*;q=0.5"}
    return {**headers, **access_headers(settings)}
