"""The payload of one message at every stage: as received, canonical, and as each target gets it.

What a target was sent is not kept: it is mapped again with the release at hand, and the stage says
so when that is not the release of the delivery. The mapping comes in as a function, because the
room that sends stands above this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from tillway.errors import ContractViolation
from tillway.journal.base import DeliveryRow, StoredMessage
from tillway.journal.queries import MessageRecord
from tillway.project.records import Release

SHOWN_BYTES = 64 * 1024
Sent = Callable[[str, StoredMessage], Mapping[str, Any]]
"""Maps a message as a route sends it; raises ContractViolation when a row of the mapping fails."""

RETIRED = "retention let it go"

_encode = msgspec.json.Encoder(decimal_format="string").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Stage(msgspec.Struct, frozen=True):
    """One payload. name is `raw`, `canonical` or `sent <route>`; note is what to know about it."""

    name: str
    text: str
    note: str = ""


def stages(
    record: MessageRecord,
    deliveries: list[DeliveryRow],
    release: Release | None,
    sent: Sent | None,
) -> list[Stage]:
    """Return the payloads of a message, in the order it passed them."""
    rewritten = "card numbers or personal data were masked before it was stored"
    made = [
        Stage("raw", _shown(record.raw), rewritten if record.raw_rewritten else ""),
        Stage("canonical", _pretty(record.message.canonical)),
    ]
    made = [one if one.text else Stage(one.name, "", RETIRED) for one in made]
    if record.message.canonical and release is not None and sent is not None:
        releases = {row.route: row.release for row in deliveries}
        made += [
            _sent(route, record.message, sent, _other_release(releases.get(route, ""), release))
            for route in release.routes
            if carries(release, route, record.message)
        ]
    return made


def carries(release: Release, route: str, message: StoredMessage) -> bool:
    """Say whether a route of the release carries the message, its filter included.

    Retention lets a payload go only when every route is done with it: then none carries it now.
    """
    if message.superseded_by is not None or not message.canonical:
        return False
    return release.routes[route].carries(message.envelope, lambda: _decode(message.canonical))


def _other_release(delivered_by: str, release: Release) -> str:
    other = delivered_by not in ("", release.digest)
    return f"mapped again now; it was sent by release {delivered_by[:12]}" if other else ""


def _sent(route: str, message: StoredMessage, sent: Sent, note: str) -> Stage:
    name = f"sent {route}"
    try:
        body = sent(route, message)
    except ContractViolation as error:
        reasons = "\n".join(str(breach) for breach in error.violations)
        return Stage(name, reasons, f"{error.code}: {error.detail}")
    return Stage(name, _pretty(_encode(body)), note)


def _pretty(payload: bytes) -> str:
    try:
        return _shown(msgspec.json.format(payload, indent=2))
    except msgspec.DecodeError:
        return _shown(payload)


def _shown(payload: bytes) -> str:
    """Return a payload as text; a very long one is cut and says so."""
    text = payload[:SHOWN_BYTES].decode("utf-8", "replace")
    hidden = len(payload) - SHOWN_BYTES
    return f"{text}\n... and {hidden:,} bytes more" if hidden > 0 else text
