"""Shows what a target gets of a message, through the very function that delivery sends with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tillway.delivery.outbound import Opened, outbound
from tillway.journal.base import StoredMessage
from tillway.observe.stages import Sent
from tillway.project.records import Release


def sent_by(release: Release | None) -> Sent | None:
    """Return the function that maps a message as a route of the release sends it."""
    if release is None:
        return None

    def sent(route: str, message: StoredMessage) -> Mapping[str, Any]:
        opened = Opened(message)
        record = release.routes[route]
        table = release.mappings[record.mapping] if record.mapping else None
        lane = record.lane(message.envelope, opened.body)
        return outbound(opened, table, lane, attempt=1).body

    return sent
