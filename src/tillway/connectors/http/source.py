"""A door for POST requests: proves who sends, hands the bytes over, answers by outcome.

Surprising: 409 and 422 mean *stored* (as conflict or in quarantine): the sender keeps nothing. Only
the other refusals leave the message with the sender.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tillway.connect.kit import (
    Answer,
    Intake,
    ItemOutcome,
    Request,
    SourceContext,
    Submission,
    SubmissionResult,
)
from tillway.connect.problems import problem, problem_of
from tillway.connectors.http.settings import HttpSourceSettings
from tillway.errors import Refused
from tillway.message.tracing import kept_context, trace_id_of
from tillway.security.keys import key_digest, key_matches
from tillway.security.secrets import Secret
from tillway.security.signatures import SignatureRule, signature_stands

NDJSON_TYPE = "application/x-ndjson"
KINDS = {
    "application/json": "json",
    "text/json": "json",
    NDJSON_TYPE: "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/csv": "csv",
    "application/csv": "csv",
}
_STORED = frozenset({"accepted", "duplicate", "conflict", "quarantined"})
_JSON_HEADERS = {"content-type": "application/json"}
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


class Receipt(msgspec.Struct, gc=False):
    """What a sender gets for a stored message (guarantees section 1)."""

    outcome: str
    journal_position: int
    natural_key: str
    content_hash: str
    durability: str
    message_id: str


class BatchLine(msgspec.Struct, gc=False, omit_defaults=True):
    """The answer to one item of a batch: its place, its outcome, and its receipt or error."""

    line: int | None
    offset: int | None
    status: int
    outcome: str
    journal_position: int | None = None
    natural_key: str = ""
    content_hash: str = ""
    durability: str = ""
    message_id: str = ""
    error: dict[str, Any] | None = None


class HttpSource:
    """One door, mounted by the gateway at `path`."""

    def __init__(self, settings: HttpSourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self.path = settings.path
        self.max_body_bytes = settings.max_body_bytes
        self._shared_digests = [
            key_digest(key) for text in _texts(settings.keys) for key in _words(text)
        ]
        self._signing_secrets = _texts(settings.signature_secrets)
        self._rule = _signature_rule(settings)
        self._wants_key = settings.auth != "signature"
        self._wants_signature = settings.auth != "key"
        self._vendor = settings.answers == "vendor"

    async def receive(self, request: Request, intake: Intake) -> Answer:
        """Authenticate, hand over, and answer in the sender's own manner."""
        headers = request.headers
        context = kept_context(headers.get("traceparent", ""))
        trace_id = trace_id_of(context)
        try:
            store = self._authenticated(request)
            kind = self._kind(headers, request.body)
            result = await intake.submit(
                Submission(request.body, store, "", context, "ndjson" if kind == "ndjson" else "")
            )
        except Refused as refusal:
            extra = {"www-authenticate": "Bearer"} if refusal.status == 401 else None
            return problem(refusal, trace_id=trace_id, headers=extra)
        if kind != "ndjson" and len(result.items) == 1:
            return self._single(result.items[0], trace_id)
        return self._batch(result)

    async def ping(self) -> None:
        """A door works as soon as it is mounted."""

    def _authenticated(self, request: Request) -> str:
        """Return the store the sender proved to be, "" for one that serves many."""
        store = self._settings.store
        if self._wants_signature and not signature_stands(
            self._rule,
            self._signing_secrets,
            request.headers,
            request.body,
            self._context.clock.now(),
        ):
            raise _not_known()
        if not self._wants_key:
            return store
        key = _key_of(request.headers)
        if not key:
            raise _not_known()
        owner = self._context.store_keys.get(key_digest(key))
        if owner is not None:
            return owner
        if any(key_matches(key, digest) for digest in self._shared_digests):
            return store
        raise _not_known()

    def _kind(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the kind of body that was sent; refuse what this door does not take."""
        if not body:
            raise Refused("TW-2011", "the request has no body", status=400)
        if headers.get("content-encoding", "identity") != "identity":
            raise Refused(
                "TW-2005",
                "compressed bodies are not taken",
                status=415,
                advice="Send the body without Content-Encoding.",
            )
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        if not media:
            return self._settings.accepts[0]
        kind = KINDS.get(media) or _suffix_kind(media)
        if kind not in self._settings.accepts:
            raise Refused(
                "TW-2005",
                f'this door does not take "{media}"',
                status=415,
                value=media,
                advice=f"Send one of: {', '.join(self._accepted_types())}.",
            )
        return kind

    def _accepted_types(self) -> list[str]:
        return [media for media, kind in KINDS.items() if kind in self._settings.accepts]

    def _single(self, item: ItemOutcome, trace_id: str) -> Answer:
        status = 200 if self._vendor and item.outcome in _STORED else item.status
        if item.error is None:
            return Answer(status, _encode(self._receipt(item)), _JSON_HEADERS)
        stored = item.outcome in _STORED
        answer = problem_of(
            item.error,
            item.status,
            trace_id=trace_id or item.message_id,
            instance=f"/messages/{item.natural_key}" if item.natural_key else "",
            more=msgspec.to_builtins(self._receipt(item)) if stored else {"outcome": item.outcome},
        )
        answer.status = status
        if status == 200:
            answer.headers["content-type"] = "application/json"
        return answer

    def _batch(self, result: SubmissionResult) -> Answer:
        refused = any(item.outcome not in _STORED for item in result.items)
        status = 200
        if self._vendor and (refused or not result.complete):
            # A vendor's hook is sent again as a whole; what was stored then answers duplicate.
            status = next((i.status for i in result.items if i.outcome not in _STORED), 400)
        lines = [self._line(item) for item in result.items]
        if not result.complete and not refused:
            lines.append(BatchLine(None, None, 400, "refused", error=_cut_off()))
        return Answer(status, _encode_lines(lines), {"content-type": NDJSON_TYPE})

    def _line(self, item: ItemOutcome) -> BatchLine:
        stored = item.outcome in _STORED
        return BatchLine(
            item.line,
            item.offset,
            item.status,
            item.outcome,
            item.position if stored else None,
            item.natural_key,
            item.content_hash,
            self._context.durability if stored else "",
            item.message_id,
            item.error,
        )

    def _receipt(self, item: ItemOutcome) -> Receipt:
        return Receipt(
            item.outcome,
            item.position,
            item.natural_key,
            item.content_hash,
            self._context.durability,
            item.message_id,
        )


def _not_known() -> Refused:
    return Refused("TW-2002", "not authenticated", status=401)


def _cut_off() -> dict[str, object]:
    return Refused("TW-2012", "the body ends before its last item does", status=400).as_json()


def _key_of(headers: Mapping[str, str]) -> str:
    bearer = headers.get("authorization", "")
    if bearer[:7].lower() == "bearer ":
        return bearer[7:].strip()
    return headers.get("x-api-key", "")


def _suffix_kind(media: str) -> str:
    if media.endswith("+json"):
        return "json"
    return "xml" if media.endswith("+xml") else ""


def _texts(value: tuple[str, ...] | str) -> list[Secret]:
    """Return one or several secrets as a list."""
    return [Secret(text) for text in ([value] if isinstance(value, str) else value) if text]


def _words(text: str) -> list[str]:
    """Return the keys in one text, separated by spaces or commas."""
    return text.replace(",", " ").split()


def _signature_rule(settings: HttpSourceSettings) -> SignatureRule:
    return SignatureRule(
        header=settings.signature_header.lower(),
        encoding=settings.signature_encoding,
        prefix=settings.signature_prefix,
        signed=settings.signature_over,
        timestamp_header=settings.timestamp_header.lower(),
        id_header=settings.id_header.lower(),
        tolerance_seconds=settings.tolerance_seconds,
    )
