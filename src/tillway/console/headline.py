"""The one sentence that says how things stand, in the reader's language."""

from __future__ import annotations

from tillway.console.speech import Speech
from tillway.observe import Status


def headline(found: Status, speech: Speech) -> str:
    """Return the sentence of a status: stores first, then targets, then what waits."""
    if not found.received:
        return speech.text("Nothing was received yet.")
    parts = [*_stores(found, speech), *_waiting(found, speech)]
    if not parts:
        return speech.many(
            "All is well: %(count)s message delivered, nothing waits.",
            "All is well: %(count)s messages delivered, nothing waits.",
            found.delivered,
        )
    return "; ".join(parts) + "."


def _stores(found: Status, speech: Speech) -> list[str]:
    parts = []
    if needy := len(found.attention):
        parts.append(
            speech.many(
                "%(count)s of %(stores)s stores needs attention",
                "%(count)s of %(stores)s stores need attention",
                needy,
                stores=speech.number(len(found.stores)),
            )
        )
    if down := [line.target for line in found.targets if line.state != "closed"]:
        parts.append(
            speech.many(
                "%(targets)s is not answering",
                "%(targets)s are not answering",
                len(down),
                targets=", ".join(down),
            )
        )
    return parts


def _waiting(found: Status, speech: Speech) -> list[str]:
    parts = []
    if waiting := sum(line.waiting for line in found.routes):
        parts.append(
            speech.many(
                "%(count)s message has not reached the target yet (%(money)s)",
                "%(count)s messages have not reached the target yet (%(money)s)",
                waiting,
                money=speech.money(found.money_waiting),
            )
        )
    if found.quarantined:
        parts.append(speech.text("%(count)s in quarantine", count=speech.number(found.quarantined)))
    if conflicts := found.outcomes.get("conflict"):
        parts.append(speech.text("%(count)s in conflict", count=speech.number(conflicts)))
    parts += [
        speech.text(
            "%(route)s is not in the project any more: %(count)s waiting",
            route=one.route,
            count=speech.number(one.waiting),
        )
        for one in found.former_routes
    ]
    return parts
