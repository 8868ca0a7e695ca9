"""One session with one Tryton database: calls by JSON-RPC, logging in when it has to.

Surprising: `post` is refused with 401 after some minutes without a call even though the session
still stands. Every 401 therefore means: log in again, once, and repeat the call, which was not
carried out.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import quote

from tillway.connect.http_client import HttpClient, HttpReply, http_client
from tillway.connectors.tryton.answers import SESSION_ENDED, result_of
from tillway.connectors.tryton.settings import TrytonConnection
from tillway.connectors.tryton.wire import encoded
from tillway.errors import InDoubt, NotConnected, Permanent, Transient
from tillway.security.secrets import Secret

_HEADERS = {"content-type": "application/json", "accept": "application/json"}


class TrytonSession:
    """Calls methods of Tryton's models in one company. name is the system, for people."""

    def __init__(
        self,
        settings: TrytonConnection,
        name: str,
        connections: int = 1,
        client: HttpClient | None = None,
    ) -> None:
        self.name = name
        self.company = settings.company
        self._settings = settings
        self._url = f"{settings.url.rstrip('/')}/{quote(settings.database, safe='')}/rpc/"
        self._client = client or http_client(
            connections=connections,
            timeout_seconds=settings.timeout_seconds,
            connect_seconds=settings.connect_seconds,
        )
        self._authorization = ""
        self._logging_in = asyncio.Lock()

    async def read(self, method: str, *parameters: Any) -> Any:
        """Call a method that changes nothing.

        An answer that did not come is only Transient. A refusal blames no message: what may not be
        looked at is NotConnected TW-4149.
        """
        try:
            return await self._call(method, parameters, writes=False)
        except InDoubt as fault:
            raise Transient(fault.code, fault.detail, target=self.name) from None
        except Permanent as fault:
            raise NotConnected("TW-4149", fault.detail, target=self.name) from None

    async def write(self, method: str, *parameters: Any) -> Any:
        """Call a method that changes something; InDoubt when nobody knows whether it did."""
        return await self._call(method, parameters, writes=True)

    async def close(self) -> None:
        """Let go of connections. The session stays known to Tryton until it expires there."""
        await self._client.close()

    async def _call(self, method: str, parameters: tuple[Any, ...], *, writes: bool) -> Any:
        content = encoded(
            {
                "id": 1,
                "method": method,
                "params": [*parameters, {"company": self.company, "language": "en"}],
            }
        )
        used = self._authorization or await self._logged_in("")
        try:
            return await self._answered(content, used, writes=writes)
        except NotConnected as fault:
            if fault.code != SESSION_ENDED:
                raise
        return await self._answered(content, await self._logged_in(used), writes=writes)

    async def _answered(self, content: bytes, authorization: str, *, writes: bool) -> Any:
        headers = {**_HEADERS, "authorization": authorization}
        return result_of(await self._request(content, headers), self.name, writes=writes)

    async def _logged_in(self, instead_of: str) -> str:
        """Return the header of a new session; of several calls that lost theirs one logs in."""
        async with self._logging_in:
            if self._authorization != instead_of:
                return self._authorization
            self._authorization = ""
            user = self._settings.user
            content = encoded(
                {
                    "id": 0,
                    "method": "common.db.login",
                    "params": [user, {"password": _plain(self._settings.password)}, "en"],
                }
            )
            try:
                found = result_of(await self._request(content, _HEADERS), self.name, writes=False)
            except InDoubt as fault:
                raise NotConnected(fault.code, fault.detail, target=self.name) from None
            except NotConnected as fault:
                raise self._not_let_in(fault) from None
            self._authorization = _header(user, found, self.name)
            return self._authorization

    def _not_let_in(self, fault: NotConnected) -> NotConnected:
        if fault.code != SESSION_ENDED:
            return fault
        return NotConnected(
            "TW-4140",
            f'{self.name} does not let user "{self._settings.user}" in',
            target=self.name,
        )

    async def _request(self, content: bytes, headers: dict[str, str]) -> HttpReply:
        try:
            return await self._client.request("POST", self._url, headers, content)
        except (NotConnected, InDoubt) as fault:
            fault.where["target"] = self.name
            raise


def _header(user: str, found: Any, target: str) -> str:
    if not isinstance(found, list) or len(found) < 2:
        raise NotConnected("TW-4143", f"{target} answered a log-in with no session", target=target)
    session = f"{user}:{found[0]}:{found[1]}"
    return "Session " + b64encode(session.encode()).decode()


def _plain(text: str) -> str:
    return text.reveal() if isinstance(text, Secret) else text
