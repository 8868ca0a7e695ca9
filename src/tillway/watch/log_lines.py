"""Log lines for machines: one JSON object a line, by the table of log events.

Surprising: the words of an error are left out. They may quote what another system answered; the
code and its title say what happened, and `tillway explain` says the rest.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, TextIO

from tillway.errors import TillwayError, code_record
from tillway.watch.log_events import EVENTS, MESSAGE_EVENTS

OTHER = "other"
_CODE = re.compile(r"^(TW-\d{4}) ")


def json_logs(stream: TextIO) -> None:
    """Write everything that is logged from now on to a stream, one JSON object a line."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("tillway").setLevel(logging.INFO)


class JsonLines(logging.Formatter):
    """Writes a record as one line: time, level, event, then the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            **_told(record),
        }
        return json.dumps(line, ensure_ascii=False, default=_named)


def _told(record: logging.LogRecord) -> dict[str, Any]:
    if record.msg in MESSAGE_EVENTS:
        return {"event": record.msg, **getattr(record, "fields", {})}
    event = EVENTS.get(str(record.msg))
    if event is None:
        # Not ours: its arguments are not known, so only its place and the sentence are told.
        found = {"event": OTHER, "logger": record.name, "text": _sentence(record)}
        if record.exc_info and record.exc_info[0]:
            found["error"] = record.exc_info[0].__name__
        return found
    fields: dict[str, Any] = {"event": event.name}
    if code := _CODE.match(event.sentence):
        fields["code"] = code[1]
    given = record.args if isinstance(record.args, tuple) else (record.args,)
    for name, value in zip(event.fields, given, strict=False):
        if isinstance(value, TillwayError):
            known = code_record(value.code)
            fields.setdefault("code", value.code)
            fields[name] = known.title if known else value.code
            fields |= {key: text for key, text in value.where.items() if key in ("target", "route")}
        elif name:
            fields[name] = value
    return fields


def _named(value: object) -> str:
    """Return what JSON has no form for: the kind of an exception, never its words."""
    return type(value).__name__ if isinstance(value, BaseException) else str(value)


def _sentence(record: logging.LogRecord) -> str:
    return record.msg if isinstance(record.msg, str) else type(record.msg).__name__
