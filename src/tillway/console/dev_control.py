"""The buttons of `tillway dev`: break and heal the ERP, take a store offline, a strange tender.

The hub itself can do none of this: it asks the process that plays the stores and the ERP.
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tillway.errors import Transient

DevControl = Callable[[str, Mapping[str, str]], Awaitable[None]]
"""Carries out one action with its fields; raises Transient TW-7015."""

ACTIONS: frozenset[str] = frozenset(
    {"break-erp", "heal-erp", "store-offline", "store-online", "unknown-tender"}
)
"""What can be asked for; `doings.DONE` says what to tell the person after it."""

ANSWER_SECONDS = 5.0


def forward_to(url: str) -> DevControl:
    """Return a control that posts `{url}/{action}` with the fields as JSON."""

    async def control(action: str, fields: Mapping[str, str]) -> None:
        await asyncio.to_thread(_post, f"{url.rstrip('/')}/{action}", dict(fields))

    return control


def _post(url: str, fields: dict[str, str]) -> None:
    headers = {"content-type": "application/json"}
    body = msgspec.json.encode(fields)
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - from the project's own file
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):  # noqa: S310 - as above
            pass
    except (OSError, urllib.error.URLError) as error:
        raise Transient("TW-7015", "the demo's control did not do it", value=error) from error
