"""The small door through which the status page's buttons reach the stage."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tillway.errors import TillwayError
from tillway.gateway import Server, serve

Act = Callable[[str, Mapping[str, str]], Awaitable[None]]


async def open_control(act: Act) -> Server:
    """Listen on a free port of this machine; `POST /<action>` with JSON fields calls act."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status = 204
        try:
            fields = json.loads(body or b"{}")
            await act(scope["path"].strip("/"), fields)
        except (TillwayError, KeyError, ValueError):
            status = 400
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return await serve(app, "127.0.0.1", 0)
