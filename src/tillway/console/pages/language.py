"""The choice of language, kept in a cookie of this browser."""

from __future__ import annotations

from tillway.api.asgi import Reply
from tillway.console.forms import back, fields_of, own_page
from tillway.console.speech import COOKIE, LANGUAGES
from tillway.console.view import View
from tillway.errors import ConfigurationError

YEAR_SECONDS = 365 * 24 * 3600


async def choose(view: View) -> Reply:
    """Keep the language somebody chose and show the page it was chosen on."""
    fields = await fields_of(view)
    language = fields.get("language", "")
    if language not in LANGUAGES:
        raise ConfigurationError("TW-7010", f"{language} is no language here", path="language")
    reply = back(own_page(fields.get("page", "/")))
    reply.headers["set-cookie"] = (
        f"{COOKIE}={language}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax; HttpOnly"
    )
    return reply
