"""The stand-in ERP as a process of its own: `python -m tillway.simulator.erp --port 0 --data DIR`.

It has its own file and survives the hub's death. With --ready-file it writes its address there once
it answers; the line on stdout says the same.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tillway.simulator.erp_app import ErpApp
from tillway.simulator.erp_books import ErpBooks
from tillway.simulator.erp_posting_books import PostingBooks
from tillway.simulator.erp_postings import PostingDesk

BOOKS_FILE = "erp.db"
POSTINGS_FILE = "postings.db"
HOST = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75
"""Longer than any client here keeps an idle connection, so none is closed under its hands."""


class HangUpProtocol(HttpToolsProtocol):
    """HTTP whose application can drop the line: `scope["hang_up"]()` aborts the connection."""

    def on_message_begin(self) -> None:
        """Put the way out into the scope of each request."""
        super().on_message_begin()
        scope: dict[str, object] = self.scope  # type: ignore[assignment]
        scope["hang_up"] = self.transport.abort


class _AnnouncingServer(uvicorn.Server):
    """Says that it answers as soon as it does."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tillway.simulator.erp", description=__doc__)
    parser.add_argument("--port", type=int, default=8091, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder of the ledger file")
    parser.add_argument("--ready-file", type=Path, help="gets the address once the ERP answers")
    options = parser.parse_args(arguments)
    options.data.mkdir(parents=True, exist_ok=True)
    try:
        listener = socket.create_server((HOST, options.port), backlog=1024)
    except OSError as error:
        sys.stderr.write(f"stand-in ERP: port {options.port} cannot be bound: {error.strerror}\n")
        return 1
    with listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}"
        postings = PostingDesk(PostingBooks(options.data / POSTINGS_FILE))
        app = ErpApp(ErpBooks(options.data / BOOKS_FILE), postings)
        uvloop.run(_serve(listener, app, options, address))
    return 0


async def _serve(
    listener: socket.socket, app: ErpApp, options: argparse.Namespace, address: str
) -> None:
    config = uvicorn.Config(
        app,
        http=HangUpProtocol,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
    )
    server = _AnnouncingServer(config, lambda: _announce(options.ready_file, address))
    await server.serve(sockets=[listener])


def _announce(ready_file: Path | None, address: str) -> None:
    if ready_file is not None:
        part = ready_file.with_name(ready_file.name + ".part")
        part.write_text(address + "\n", "utf-8")
        os.replace(part, ready_file)  # noqa: PTH105 - an atomic rename
    sys.stdout.write(f"stand-in ERP at {address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
