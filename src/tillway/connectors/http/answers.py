"""Reads what an endpoint answered: a status and a body become a result the engine can act on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from tillway.connect.http_client import HttpReply
from tillway.connect.kit import Delivered, SendResult
from tillway.connectors.http.settings import HttpTargetSettings
from tillway.errors import InDoubt, NotConnected, Permanent, Transient

EXCERPT_CHARACTERS = 200
MICROSECONDS = 1_000_000
ABSENT = object()
_REPEATED_WORDS = frozenset({"repeated", "duplicate"})


class Answers:
    """Judges answers by the settings of one target. now: microseconds, for Retry-After dates."""

    def __init__(self, settings: HttpTargetSettings, target: str) -> None:
        self._settings = settings
        self._target = target
        self._transient = frozenset(settings.transient_statuses)
        self._delivered_words = frozenset(word.lower() for word in settings.delivered_words)
        self._transient_words = frozenset(word.lower() for word in settings.transient_words)

    def single(self, reply: HttpReply, now: int) -> SendResult:
        """Return what became of the one message of a call."""
        if not 200 <= reply.status < 300:
            return self.refusal(reply, now)
        value = decoded(reply.body)
        fault = field_at(value, self._settings.error_field)
        if fault not in (ABSENT, None, "", False):
            return Permanent(
                "TW-4112",
                f"{self._target} answered {reply.status} with an error inside: {_excerpt(fault)}",
                target=self._target,
            )
        return self._delivered(value)

    def refusal(self, reply: HttpReply, now: int) -> SendResult:
        """Return what an answer outside 2xx means, for every message of the call."""
        value = decoded(reply.body)
        fault = field_at(value, self._settings.error_field)
        reason = _excerpt(reply.body if fault in (ABSENT, None) else fault)
        return self._judge(reply.status, reason, value, retry_after_seconds(reply.headers, now))

    def bulk(self, reply: HttpReply, keys: list[str]) -> list[SendResult]:
        """Return what became of each message of a bulk call that was answered 2xx."""
        items = self._items(reply.body)
        if items is None:
            return [self._unreadable(reply) for _ in keys]
        name = self._settings.answer_key_field
        if not name:
            if len(items) != len(keys):
                return [self._unanswered(key) for key in keys]
            return [self._item(item) for item in items]
        by_key = {str(item.get(name)): item for item in items}
        return [self._item(by_key[key]) if key in by_key else self._unanswered(key) for key in keys]

    def _items(self, body: bytes) -> list[dict[str, Any]] | None:
        value = decoded(body)
        if self._settings.bulk_style == "ndjson" and not isinstance(value, list):
            value = _lines(body)
        if self._settings.answer_items_field:
            value = field_at(value, self._settings.answer_items_field)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            return None
        return value

    def _item(self, item: Mapping[str, Any]) -> SendResult:
        status = item.get(self._settings.answer_status_field)
        fault = field_at(item, self._settings.error_field)
        shown = "" if fault in (ABSENT, None) else _excerpt(fault)
        if isinstance(status, int) or (isinstance(status, str) and status.isdigit()):
            if 200 <= int(status) < 300:
                return self._delivered(item)
            return self._judge(int(status), shown, item, None)
        word = str(status).lower()
        if word in self._delivered_words:
            return self._delivered(item, repeated=word in _REPEATED_WORDS)
        if word in self._transient_words:
            return Transient("TW-4106", f"{self._target} answered {word}", target=self._target)
        return Permanent(
            "TW-4107", f"{self._target} refused it ({word}): {shown}", target=self._target
        )

    def _delivered(self, value: Any, *, repeated: bool = False) -> Delivered:
        reference = field_at(value, self._settings.reference_field)
        return Delivered(
            reference="" if reference in (ABSENT, None) else str(reference),
            repeated=repeated or field_at(value, self._settings.repeated_field) is True,
        )

    def _judge(self, status: int, reason: str, value: Any, retry_after: float | None) -> SendResult:
        said = f"{self._target} answered {status}" + (f": {reason}" if reason else "")
        if status == 409:
            if self._settings.conflict == "delivered":
                return self._delivered(value, repeated=True)
            return Permanent("TW-4108", said, target=self._target)
        if status in self._transient or status >= 500:
            return Transient("TW-4106", said, retry_after_seconds=retry_after, target=self._target)
        if status in {401, 407}:
            return NotConnected("TW-4104", said, target=self._target)
        if 300 <= status < 400:
            return NotConnected("TW-4105", said, target=self._target)
        return Permanent("TW-4107", said, target=self._target)

    def _unanswered(self, key: str) -> InDoubt:
        return InDoubt(
            "TW-4109", f"{self._target} did not answer for {key}", target=self._target, key=key
        )

    def _unreadable(self, reply: HttpReply) -> InDoubt:
        return InDoubt(
            "TW-4110",
            f"{self._target} answered {reply.status} with a body that is no list of results",
            target=self._target,
        )


def field_at(value: Any, path: str) -> Any:
    """Return the value at a dotted path (list indices are numbers), ABSENT when there is none."""
    if not path:
        return ABSENT
    if value.__class__ is dict and "." not in path:
        return value.get(path, ABSENT)
    for step in path.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def decoded(body: bytes) -> Any:
    """Return a JSON body, None when it is empty or no JSON."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def retry_after_seconds(headers: Mapping[str, str], now: int) -> float | None:
    """Return Retry-After in seconds, given as seconds or as a date (RFC 9110 section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now / MICROSECONDS, UTC)).total_seconds())


def _lines(body: bytes) -> list[Any] | None:
    try:
        return [msgspec.json.decode(line) for line in body.splitlines() if line.strip()]
    except msgspec.DecodeError:
        return None


def _excerpt(value: Any) -> str:
    if isinstance(value, bytes):
        text = value[: EXCERPT_CHARACTERS * 4].decode("utf-8", "replace")
    else:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return " ".join(text.split())[:EXCERPT_CHARACTERS]
