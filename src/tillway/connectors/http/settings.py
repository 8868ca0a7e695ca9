"""What can be set for an HTTP source and for an HTTP target; the reference pages come from here."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from tillway.connect.settings import says
from tillway.connectors.http.access import HttpAccess
from tillway.connectors.http.fetch_settings import HttpFetchSettings

MAX_BODY_BYTES = 16 * 1024 * 1024


class HttpSourceSettings(HttpFetchSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A door for POST requests (`path`), or an endpoint that is asked for records (`url`).

    Senders prove who they are by a key, a signature, or both.
    """

    path: Annotated[str, says("Path of the door; empty to fetch instead.", "/in/quayside")] = ""
    accepts: Annotated[
        tuple[Literal["json", "ndjson", "xml", "csv"], ...],
        says("Kinds of body taken; ndjson is a batch of JSON documents.", ["xml"]),
    ] = ("json", "ndjson")
    auth: Annotated[
        Literal["key", "signature", "both"],
        says("What a sender must show: an API key, a signature over the body, or both."),
    ] = "key"
    keys: Annotated[
        tuple[str, ...] | str,
        says("API keys of a sender that serves many stores.", "${secret:head_office}", secret=True),
    ] = ()
    store: Annotated[str, says("The one store a signed door serves; empty for many.", "0145")] = ""
    signature_secrets: Annotated[
        tuple[str, ...] | str,
        says("Live signing secrets; two while one is rotated.", "${secret:hook}", secret=True),
    ] = ()
    signature_header: Annotated[str, says("Header with the signature.", "webhook-signature")] = (
        "x-signature"
    )
    signature_encoding: Annotated[
        Literal["hex", "base64"], says("How the HMAC-SHA256 is written.")
    ] = "hex"
    signature_prefix: Annotated[
        str, says("Text before each signature in the header.", "v1,", "sha256=")
    ] = ""
    signature_over: Annotated[
        Literal["body", "timestamp.body", "id.timestamp.body"],
        says("Which bytes are signed; the last one is Standard Webhooks."),
    ] = "body"
    timestamp_header: Annotated[
        str, says("Header with the time of signing, seconds since 1970.", "webhook-timestamp")
    ] = ""
    id_header: Annotated[str, says("Header with the id that is signed.", "webhook-id")] = ""
    tolerance_seconds: Annotated[int, says("How old a signature may be.")] = 300
    answers: Annotated[
        Literal["own", "vendor"],
        says("own: 202, 200, 409, 422 by outcome. vendor: 200 for everything that was stored."),
    ] = "own"
    max_body_bytes: Annotated[int, says("Largest body taken, in bytes."), Meta(gt=0)] = (
        MAX_BODY_BYTES
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.path) == bool(self.url):
            raise ValueError("set path for a door, or url to fetch from; one of the two")
        if self.path and not self.path.startswith("/"):
            raise ValueError("path must begin with /")
        if not self.accepts:
            raise ValueError("accepts must name at least one kind of body")
        if self.auth != "key" and not self.signature_secrets:
            raise ValueError(f'auth = "{self.auth}" needs signature_secrets')
        if "timestamp" in self.signature_over and not self.timestamp_header:
            raise ValueError(f'signature_over = "{self.signature_over}" needs timestamp_header')
        if "id" in self.signature_over and not self.id_header:
            raise ValueError(f'signature_over = "{self.signature_over}" needs id_header')


class HttpTargetSettings(HttpAccess, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Any REST endpoint that takes JSON. Money leaves as text, never as a float."""

    url: Annotated[str, says("Address without the path.", "https://erp.example.com/api")]
    path: Annotated[str, says("Path for one message; {key} stands for its key.", "/documents")] = ""
    method: Annotated[Literal["POST", "PUT", "PATCH"], says("Method for one message.")] = "POST"
    key_header: Annotated[
        str, says("Header with the idempotency key; empty when the endpoint knows none.")
    ] = "Idempotency-Key"
    connections: Annotated[
        int, says("Size of the connection pool; at least the concurrency."), Meta(gt=0)
    ] = 32
    reference_field: Annotated[
        str, says("Where the answer holds the number it gave.", "data.document_number")
    ] = "reference"
    repeated_field: Annotated[str, says("Where the answer says it knew the key already.")] = (
        "repeated"
    )
    error_field: Annotated[
        str, says("Where a bulk item, or a 2xx answer that is none, says what is wrong.")
    ] = "error"
    conflict: Annotated[
        Literal["permanent", "delivered"],
        says("What 409 means: other content under the same key, or already there."),
    ] = "permanent"
    transient_statuses: Annotated[
        tuple[int, ...],
        says("Statuses after which the same call is tried again (besides all 5xx)."),
    ] = (408, 425, 429)
    look_up_path: Annotated[
        str,
        says("Path that answers 404 or an empty value when a key is unknown.", "/documents/{key}"),
    ] = ""
    ping_path: Annotated[str, says("Path for checking the connection.", "/healthz")] = ""
    bulk_path: Annotated[str, says("Path that takes many messages.", "/documents/bulk")] = ""
    bulk_size: Annotated[int, says("Most messages in one call."), Meta(gt=0)] = 50
    bulk_style: Annotated[
        Literal["array", "ndjson"], says("A JSON array, or one JSON document per line.")
    ] = "array"
    bulk_key_field: Annotated[str, says("Name of the key in each item sent.")] = "key"
    bulk_document_field: Annotated[
        str, says("Name of the document in each item; empty puts the key into the document.")
    ] = "document"
    bulk_trace_field: Annotated[
        str,
        says("Name of the W3C trace context in each item sent; empty sends none.", "traceparent"),
    ] = ""
    answer_items_field: Annotated[
        str, says("Where the bulk answer holds its list; empty when it is the list.", "results")
    ] = ""
    answer_key_field: Annotated[
        str, says("Name of the key in each answer; empty when answers stand in order.")
    ] = "key"
    answer_status_field: Annotated[
        str, says("Name of the status in each answer: an HTTP status or a word.")
    ] = "status"
    delivered_words: Annotated[tuple[str, ...], says("Status words that mean: taken.")] = (
        "ok",
        "created",
        "accepted",
        "delivered",
        "repeated",
        "duplicate",
        "success",
    )
    transient_words: Annotated[
        tuple[str, ...], says("Status words that mean: try again later.")
    ] = ("busy", "retry", "throttled")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        if not (self.path or self.bulk_path):
            raise ValueError("path or bulk_path must be set")
