"""What an answer of Tryton means: its result, or the error that says what the engine must do.

Surprising: a business error comes with HTTP 200 and an `error` list, so the body is judged before
the status; and a page of HTML is never a result, whatever its status says.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from tillway.connect.http_client import HttpReply
from tillway.connectors.tryton.wire import decoded
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient

EXCERPT_CHARACTERS = 200
SESSION_ENDED = "TW-4141"
REFUSED = "TW-4145"
_BUSY = (
    "could not obtain lock",
    "could not serialize",
    "deadlock detected",
    "database is locked",
    "lock timeout",
    "concurrent update",
)
# Rights are the user's matter and no message's. We ask for English, so the words are these.
_NO_ACCESS = 'You are not allowed to access "'
_TRY_LATER = frozenset({408, 423, 425, 429, 503})
_ABOUT_US = frozenset({401, 403, 404, 405, 407})
# A gateway that gave up does not know whether Tryton went on.
_GATEWAY_GAVE_UP = frozenset({502, 504})


def result_of(reply: HttpReply, target: str, *, writes: bool) -> Any:
    """Return the `result` of an answer.

    writes: the call may have changed something, so an answer that tells nothing is InDoubt. Raises
    NotConnected TW-4141 (session ended), TW-4142 (not let in, or not found), TW-4143 (a page where
    Tryton should answer), TW-4149 (no rights); Transient TW-4144; Permanent TW-4145, TW-4146;
    InDoubt TW-4147.
    """
    if reply.status != 200:
        raise _by_status(reply, target, writes=writes)
    try:
        value = decoded(reply.body)
    except ValueError:
        raise _unreadable(reply, target, writes=writes) from None
    if not isinstance(value, dict) or not ("result" in value or "error" in value):
        raise _unreadable(reply, target, writes=writes)
    if "error" in value:
        raise _by_error(value["error"], target)
    return value["result"]


def _by_status(reply: HttpReply, target: str, *, writes: bool) -> TillwayError:
    said = f"{target} answered {reply.status}: {_excerpt(reply.body)}".rstrip(": ")
    if reply.status == 401:
        return NotConnected(SESSION_ENDED, said, target=target)
    if reply.status in _ABOUT_US or 300 <= reply.status < 400:
        return NotConnected("TW-4142", said, target=target)
    if reply.status in _GATEWAY_GAVE_UP and writes:
        return InDoubt("TW-4147", said, target=target)
    if reply.status >= 500 or reply.status in _TRY_LATER:
        return Transient(
            "TW-4144", said, retry_after_seconds=_retry_after(reply.headers), target=target
        )
    if 200 < reply.status < 300:
        return _unreadable(reply, target, writes=writes)
    return Permanent(REFUSED, said, target=target)


def _unreadable(reply: HttpReply, target: str, *, writes: bool) -> TillwayError:
    said = (
        f"{target} answered {reply.status} with something that is no answer of Tryton: "
        f"{_excerpt(reply.body)}"
    )
    if writes:
        return InDoubt("TW-4147", said, target=target)
    return NotConnected("TW-4143", said, target=target)


def _by_error(error: Any, target: str) -> TillwayError:
    """Return what an `error` list says: its first part is a class of Tryton's, or free text."""
    parts = error if isinstance(error, list) else [error]
    kind = parts[0] if parts and isinstance(parts[0], str) else ""
    told = parts[1] if len(parts) > 1 else ""
    if kind == "UserWarning":
        text = _told(told[1:] if isinstance(told, list) else told)
        return Permanent("TW-4146", f"{target} wants a person's answer: {text}", target=target)
    if kind == "UserError":
        text = _told(told)
        if _is_busy(text):
            return Transient("TW-4144", f"{target} is busy: {text}", target=target)
        if text.startswith(_NO_ACCESS):
            return NotConnected("TW-4149", f"{target} refused it: {text}", target=target)
        return Permanent(REFUSED, f"{target} refused it: {text}", target=target)
    if kind == "LoginException":
        return NotConnected("TW-4142", f"{target} asks for another way to log in", target=target)
    if kind == "ConcurrencyException" or not kind or _is_busy(kind):
        text = _shortened(kind or "no reason given")
        return Transient("TW-4144", f"{target} is busy: {text}", target=target)
    return Permanent(REFUSED, f"{target} failed over it: {_shortened(kind)}", target=target)


def _told(told: Any) -> str:
    """Return message and description; what follows is a search domain of up to many kilobytes."""
    if isinstance(told, list):
        return _shortened(" ".join(part for part in told[:2] if isinstance(part, str)))
    return _shortened(str(told))


def _is_busy(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _BUSY)


def _retry_after(headers: Any) -> float | None:
    text = str(headers.get("retry-after", "")).strip()
    return float(text[:9]) if text.isdigit() else None


def _excerpt(body: bytes) -> str:
    """Return the beginning of a body as text, without the tags of a page."""
    text = body[: EXCERPT_CHARACTERS * 10].decode("utf-8", "replace")
    if "<" in text:
        page = _Words()
        page.feed(text)
        text = " ".join(page.words)
    return _shortened(text)


def _shortened(text: str) -> str:
    return " ".join(text.split())[:EXCERPT_CHARACTERS]


class _Words(HTMLParser):
    """Collects the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        """Keep the text between two tags."""
        self.words.append(data)
