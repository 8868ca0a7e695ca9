"""The files that belong to the pages: style sheets, scripts, and nothing from outside.

An address holds the digest of its file, so that a browser keeps the file for good and a new version
is another address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from tillway.api.asgi import Call, Reply
from tillway.errors import Refused

CSS, JAVASCRIPT = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
ASSETS: Mapping[str, str] = {
    "base.css": CSS,
    "parts.css": CSS,
    "screens.css": CSS,
    "keys.js": JAVASCRIPT,
    "live.js": JAVASCRIPT,
    "chart.js": JAVASCRIPT,
    "vendored/uplot-1.6.32.iife.min.js": JAVASCRIPT,
    "vendored/uplot-1.6.32.min.css": CSS,
}
"""name under `/static/` -> media type."""
FOR_GOOD = "public, max-age=31536000, immutable"


def asset(name: str) -> str:
    """Return the address of a file of ASSETS."""
    return f"/static/{name}?v={_read(name)[1]}"


def answer_asset(call: Call) -> Reply:
    """Answer a file. Raises Refused TW-7010 (404) for any other address."""
    name = call.path.removeprefix("/static/")
    if call.path != f"/static/{name}" or name not in ASSETS:
        raise Refused("TW-7010", f"there is no page at {call.path}", status=404)
    body, digest = _read(name)
    kept = FOR_GOOD if call.query.get("v") == digest else "no-cache"
    return Reply(200, body, ASSETS[name], {"cache-control": kept})


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (resources.files("tillway.console") / "static" / name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:12]
