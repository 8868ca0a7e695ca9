"""What can be set for a Tryton: how to reach it, whose books they are, how much at once."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from tillway.connect.settings import says


class TrytonConnection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach one Tryton database, as which user, in which company."""

    url: Annotated[str, says("Address without a path.", "https://erp.example.com")]
    database: Annotated[str, says("Name of the database.", "tryton")]
    user: Annotated[str, says("Login name of the user that books.", "tillway")]
    password: Annotated[
        str, says("Password of that user.", "${secret:tryton_password}", secret=True)
    ]
    company: Annotated[
        int, says("Id of the company whose books they are; 1 is the first."), Meta(gt=0)
    ] = 1
    timeout_seconds: Annotated[float, says("Deadline of one call."), Meta(gt=0)] = 30.0
    connect_seconds: Annotated[
        float, says("Part of it to get a connection, half at most."), Meta(gt=0)
    ] = 3.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        if not self.database or "/" in self.database:
            raise ValueError("database must be a name without /")


class TrytonSourceSettings(TrytonConnection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reads the posted moves back, so that what the ledger holds can be compared."""

    poll_seconds: Annotated[float, says("Time between two looks."), Meta(gt=0)] = 30.0
    page_size: Annotated[int, says("Most moves read in one call."), Meta(gt=0, le=1000)] = 200
    overlap_seconds: Annotated[
        int,
        says("How far before the last look each look begins; a move written late is then seen."),
        Meta(ge=0),
    ] = 120
    prefix: Annotated[
        str,
        says("Only moves whose description begins with this; empty for every move.", "northgate/"),
    ] = ""
    only_our_keys: Annotated[
        bool,
        says(
            "Only moves that carry a key of ours, with a business date in it; false for all, so "
            "that what the hub never asked for is seen too."
        ),
    ] = False
    since: Annotated[
        str,
        says(
            "Only moves dated this day or later; empty for all. Another day reads everything from "
            "that day on once more, and what is known already changes nothing.",
            "2026-11-01",
        ),
    ] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.since:
            date.fromisoformat(self.since)


class TrytonTargetSettings(TrytonConnection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Books each message as one posted `account.move` that carries our key in `description`."""

    journal: Annotated[str, says("Code of the journal, where a body names none.", "REV")] = "REV"
    accounts: Annotated[
        tuple[str, ...],
        says(
            "Codes of accounts that `tillway doctor --connections` shall find in the chart.",
            ["1000", "4000"],
        ),
    ] = ()
    connections: Annotated[
        int, says("Size of the connection pool; at least the concurrency."), Meta(gt=0)
    ] = 4
    bulk_size: Annotated[int, says("Most moves in one call."), Meta(gt=0, le=1000)] = 50
