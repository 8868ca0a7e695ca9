"""The way to a running hub for the command line: one call, one answer, errors as they were raised.

Plain sockets of the standard library: the command must start fast and needs nothing more.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import msgspec

from tillway.api.hub_file import HubAddress, read_hub_file
from tillway.errors import ConfigurationError, TillwayError, Transient

CONNECT_SECONDS = 10.0


class HubClient:
    """Calls the API of one running hub."""

    def __init__(self, address: HubAddress) -> None:
        self._address = address

    def get(self, path: str) -> dict[str, Any]:
        """Ask and return the answer. Raises what the hub raised."""
        return self._call("GET", path, b"", "application/json")

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a JSON body and return the answer. Raises what the hub raised."""
        return self._call("POST", path, msgspec.json.encode(body), "application/json")

    def send_file(self, source: str, stream: BinaryIO, name: str) -> dict[str, Any]:
        """Hand one file to a source of the hub and return its outcomes."""
        query = urlencode({"source": source, "name": name})
        return self._call("POST", f"/api/v1/ingest?{query}", stream, "application/octet-stream")

    def _call(self, method: str, path: str, body: bytes | BinaryIO, kind: str) -> dict[str, Any]:
        parts = urlsplit(self._address.url)
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=CONNECT_SECONDS
        )
        headers = {"authorization": f"Bearer {self._address.token}", "content-type": kind}
        if not isinstance(body, bytes):
            headers["content-length"] = str(_size(body))
        try:
            connection.connect()
            # Long work answers when it is done; only reaching the hub has a deadline.
            connection.sock.settimeout(None)
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise _unreachable(self._address) from error
        finally:
            connection.close()
        return _answered(answer.status, text, self._address)


def client_of(folder: Path) -> HubClient:
    """Return the client of the hub that holds the journal. Raises Transient TW-7013."""
    address = read_hub_file(folder)
    if address is None:
        raise Transient("TW-7013", "a hub holds the journal but has not written where it listens")
    return HubClient(address)


def _answered(status: int, text: bytes, address: HubAddress) -> dict[str, Any]:
    try:
        document: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise _unreachable(address) from None
    if status < 400:
        return document
    raise _error(status, document)


def _error(status: int, document: dict[str, Any]) -> TillwayError:
    """Return the hub's problem document as the error it was."""
    code, detail = str(document.get("code", "TW-7013")), str(document.get("detail", ""))
    advice = str(document.get("advice", ""))
    where = {str(name): str(value) for name, value in document.get("where", {}).items()}
    kind = Transient if status == 503 else ConfigurationError
    error: TillwayError = kind(
        code,
        detail,
        path=str(document.get("path", "")),
        value=document.get("value"),
        advice=advice,
    )
    error.where.update(where)
    return error


def _size(stream: BinaryIO) -> int:
    place = stream.tell()
    size = stream.seek(0, 2) - place
    stream.seek(place)
    return size


def _unreachable(address: HubAddress) -> Transient:
    return Transient(
        "TW-7013", f"the hub with process {address.pid} does not answer", hub=address.url
    )
