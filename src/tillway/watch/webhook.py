"""Sends one notice as a signed webhook, as Standard Webhooks describes it, and the heartbeat.

One signature for each live secret, so that a receiver may change to the new one at any moment.
"""

from __future__ import annotations

from tillway.clock import MICROSECONDS
from tillway.connect.http_client import HttpClient, http_client
from tillway.errors import TillwayError, Transient
from tillway.project.alert_records import Receiver
from tillway.security.secrets import Secret
from tillway.security.signatures import signature_of
from tillway.watch.spool import Letter

CALL_SECONDS, CONNECT_SECONDS = 10.0, 5.0
CONNECTIONS = 4
TAKEN = range(200, 300)


def alert_client() -> HttpClient:
    """Return a client for notices; it shares nothing with the delivery of messages."""
    return http_client(
        connections=CONNECTIONS,
        timeout_seconds=CALL_SECONDS,
        connect_seconds=CONNECT_SECONDS,
        keep_alive_seconds=0,
    )


async def send_webhook(client: HttpClient, receiver: Receiver, letter: Letter, now: int) -> None:
    """Post a letter. Raises Transient TW-7104 when it was not answered with 2xx."""
    body = letter.document.encode()
    stamp = str(now // MICROSECONDS)
    signed = f"{letter.letter_id}.{stamp}.".encode() + body
    signatures = (f"v1,{signature_of(one, signed, 'base64')}" for one in receiver.secrets)
    headers = {
        "content-type": "application/json",
        "webhook-id": letter.letter_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }
    await _call(client, "POST", receiver.url, headers, body, receiver.name)


async def send_heartbeat(client: HttpClient, url: str) -> None:
    """Tell an outside monitor that the hub is alive. Raises Transient TW-7104."""
    await _call(client, "GET", url, {}, None, "heartbeat")


async def _call(
    client: HttpClient,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes | None,
    receiver: str,
) -> None:
    try:
        plain = url.reveal() if isinstance(url, Secret) else url
        reply = await client.request(method, plain, headers, body)
    except TillwayError as error:
        raise Transient("TW-7104", error.detail, receiver=receiver) from None
    if reply.status not in TAKEN:
        raise Transient("TW-7104", f"it answered {reply.status}", receiver=receiver)
