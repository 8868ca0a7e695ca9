"""A seller's Square account, as the fake of its API keeps it: objects, versions, events to send.

Surprising: a change may stay out of sight of the API for a few reads, as at Square, where a
notification can overtake what the API shows; the object as it was is shown meanwhile.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

Json = dict[str, Any]
MERCHANT = "MLTILLWAYFAKE"


class Location(msgspec.Struct):
    """A shop of the seller. included: prices hold the tax, as in Europe."""

    id: str
    time_zone: str
    currency: str = "USD"
    included: bool = False


LOCATIONS = (
    Location("LSQUARESTORE1", "America/New_York"),
    Location("LSQUARESTORE2", "America/Chicago", included=True),
)


class _Shown(msgspec.Struct):
    """One object: as it is, and as the API still shows it for so many reads."""

    now: Json
    before: Json | None = None
    hidden_reads: int = 0

    def read(self) -> Json | None:
        if self.hidden_reads:
            self.hidden_reads -= 1
            return self.before
        return self.now


class Event(msgspec.Struct):
    """A notification that is due: its type and its body as a table."""

    type: str
    body: Json


class SquareAccount(msgspec.Struct):
    """All objects by kind and id. now gives RFC 3339 text and never the same one twice.

    hidden_share: share of order changes that stay out of sight for up to hidden_reads reads.
    """

    rng: Random
    now: Callable[[], str]
    hidden_share: float = 0.0
    hidden_reads: int = 3
    locations: tuple[Location, ...] = LOCATIONS
    subscription: Json = msgspec.field(default_factory=dict)
    events: list[Event] = msgspec.field(default_factory=list)
    entries: dict[str, list[Json]] = msgspec.field(default_factory=dict)
    _objects: dict[str, dict[str, _Shown]] = msgspec.field(default_factory=dict)
    _ids: int = 0

    def new_id(self, prefix: str = "") -> str:
        """Return an id as Square makes them: letters and digits without meaning."""
        self._ids += 1
        random_part = "".join(
            self.rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz", k=20)
        )
        return f"{prefix}{random_part}{self._ids:06d}"

    def put(self, kind: str, changed: Json) -> Json:
        """Store an object as it is now, with a new version and time, and note the event of it."""
        shelf = self._objects.setdefault(kind, {})
        known = shelf.get(changed["id"])
        moment = self.now()
        changed = copy.deepcopy(changed)
        changed["updated_at"] = moment
        changed.setdefault("created_at", moment)
        if kind in {"order", "payout"}:
            changed["version"] = (known.now["version"] if known else 0) + 1
        hidden = kind == "order" and self.rng.random() < self.hidden_share
        reads = self.rng.randint(1, self.hidden_reads) if hidden else 0
        shelf[changed["id"]] = _Shown(changed, known.now if known else None, reads)
        if kind != "cash_drawer_shift":
            self._note(kind, changed, is_new=known is None)
        return changed

    def get(self, kind: str, object_id: str) -> Json | None:
        """Return an object as the API shows it at this read, None when it does not."""
        shown = self._objects.get(kind, {}).get(object_id)
        return None if shown is None else shown.read()

    def all(self, kind: str) -> list[Json]:
        """Return all objects of a kind as they are, in the order of their last change."""
        found = [shown.now for shown in self._objects.get(kind, {}).values()]
        return sorted(found, key=lambda one: str(one.get("updated_at")))

    def _note(self, kind: str, changed: Json, *, is_new: bool) -> None:
        verb = "created" if is_new else "updated"
        if kind == "payout":
            verb = str(changed["status"]).lower()
        event_type = f"{kind}.{verb}"
        subject = {kind: changed} if kind != "order" else {f"order_{verb}": _thin(changed)}
        body = {
            "merchant_id": MERCHANT,
            "type": event_type,
            "event_id": self.new_id("ev"),
            "created_at": changed["updated_at"],
            "data": {
                "type": kind if kind != "order" else f"order_{verb}",
                "id": changed["id"],
                "object": subject,
            },
        }
        self.events.append(Event(event_type, copy.deepcopy(body)))


def _thin(order: Json) -> Json:
    names = ("location_id", "state", "version", "created_at", "updated_at")
    return {"order_id": order["id"], **{name: order[name] for name in names}}
