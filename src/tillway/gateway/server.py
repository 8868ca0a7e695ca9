"""Runs the gateway on uvicorn inside our own event loop.

Surprising: uvicorn handles no signals here. The process decides when to stop, because it must first
finish what it has promised.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from tillway.errors import ConfigurationError
from tillway.gateway.app import Gateway
from tillway.gateway.direct import DoorProtocol

if TYPE_CHECKING:
    from tillway.gateway.app import ASGIApp

KEEP_ALIVE_SECONDS = 30
GRACE_SECONDS = 5
BACKLOG = 1024


class Server:
    """A listening server. host and port are the ones really bound (port 0 picks a free one)."""

    def __init__(self, server: _QuietServer, listener: socket.socket) -> None:
        self._server = server
        self._listener = listener
        self.host, self.port = listener.getsockname()[:2]
        self._running = asyncio.create_task(server.serve(sockets=[listener]))

    async def started(self) -> None:
        """Return when connections are answered."""
        while not self._server.started:
            if self._running.done():
                self._running.result()
            await asyncio.sleep(0)

    def stop_accepting(self) -> None:
        """Take no new connections; open ones are still answered."""
        for server in self._server.servers:
            server.close()

    async def close(self) -> None:
        """Finish the requests in hand, at most GRACE_SECONDS, and close every connection."""
        self._server.should_exit = True
        await self._running
        self._listener.close()


class _QuietServer(uvicorn.Server):
    """uvicorn without its hands on the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


async def serve(app: ASGIApp, host: str, port: int) -> Server:
    """Listen and answer until `close`; returns when connections are answered.

    Raises ConfigurationError TW-2014 when the address cannot be bound.
    """
    listener = _bound(host, port)
    config = uvicorn.Config(
        _typed(app),
        http=_protocol(app),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Said here, so that no environment variable lets a stranger say where a call comes from.
        forwarded_allow_ips=["127.0.0.1", "::1"],
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=BACKLOG,
    )
    server = Server(_QuietServer(config), listener)
    await server.started()
    return server


def _protocol(app: ASGIApp) -> Any:
    """Return the short way for a gateway, and uvicorn's own for any other app."""
    return partial(DoorProtocol, gateway=app) if isinstance(app, Gateway) else "httptools"


def _typed(app: ASGIApp) -> Any:
    # uvicorn's own types of scope and message are closed unions; ours are plain mappings.
    return app


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as fault:
        listener.close()
        raise ConfigurationError(
            "TW-2014",
            f"cannot listen on {host}:{port}: {fault.strerror or fault}",
            value=f"{host}:{port}",
        ) from None
    listener.settimeout(0)
    return listener
