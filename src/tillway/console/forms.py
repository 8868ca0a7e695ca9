"""Reads forms: only POST, only from our own pages; and answers by sending the reader back."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl, urlencode

from tillway.api.asgi import Reply
from tillway.console.view import View
from tillway.errors import Refused


async def fields_of(view: View) -> dict[str, str]:
    """Return the fields of a form. Raises Refused TW-7012 for a form that is not of our pages."""
    call = view.call
    fields = dict(parse_qsl((await call.body()).decode("utf-8", "replace")))
    token = fields.pop("form_token", "")
    genuine = hmac.compare_digest(token.encode(), view.form_token.encode())
    if not genuine or not call.own_origin:
        raise Refused("TW-7012", "the form is not from a page of this hub", status=403)
    return fields


def own_page(address: str) -> str:
    """Return an address of this console, `/` for any other: `//elsewhere` would leave it."""
    own = address.startswith("/") and not address.startswith(("//", "/\\"))
    plain = own and address.isprintable()
    return address if plain else "/"


def back(path: str, done: str = "", **more: str) -> Reply:
    """Return to a page by GET, so that reloading it repeats nothing."""
    query = urlencode({name: text for name, text in {"done": done, **more}.items() if text})
    return Reply(303, b"", headers={"location": f"{path}?{query}" if query else path})
