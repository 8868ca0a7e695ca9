"""One route: the messages it carries, to which target, in which lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from tillway.message import Envelope, lane_of

Expression = Callable[[Mapping[str, Any]], Any]


class Route(msgspec.Struct, frozen=True):
    """A route as the project declares it (`routes/<name>.toml`).

    messages: message types it carries. mapping: target table, "" sends the canonical message.
    filter and lane_key are compiled expressions over the canonical body, or None. start: where a
    new route begins, `beginning`, `now` or an ISO date. requires `clean` holds a message with
    findings, alone. dead_head: what a dead letter does to its lane. retry: name of the policy.
    """

    name: str
    messages: frozenset[str]
    target: str
    mapping: str = ""
    filter: Expression | None = None
    lane_key: Expression | None = None
    start: str = "beginning"
    requires: Literal["any", "clean"] = "any"
    retry: str = "standard"
    dead_head: Literal["open", "hold"] = "open"

    def carries(self, envelope: Envelope, body: Callable[[], Mapping[str, Any]]) -> bool:
        """Say whether the message travels this route; body is called only when a filter asks."""
        if envelope.message_type not in self.messages:
            return False
        return self.filter is None or bool(self.filter(body()))

    def lane(self, envelope: Envelope, body: Callable[[], Mapping[str, Any]]) -> str:
        """Return the lane the message waits in on this route; never one empty lane for all."""
        key = envelope.lane_key if self.lane_key is None else self.lane_key(body())
        return lane_of(self.name, str(key) if key else envelope.message_id)
