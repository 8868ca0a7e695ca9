"""What can be set for an endpoint that is asked for records, page after page."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tillway.connect.settings import says
from tillway.connectors.http.access import HttpAccess


class HttpFetchSettings(HttpAccess, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint that answers GET with a list of records after a cursor."""

    url: Annotated[
        str,
        says(
            "Address to fetch records from, instead of a door.",
            "https://erp.example.com/api/postings/report",
        ),
    ] = ""
    poll_seconds: Annotated[float, says("Time between two looks."), Meta(gt=0)] = 30.0
    records_field: Annotated[
        str, says("Where the answer holds its records; empty when it is the list.", "data.items")
    ] = ""
    cursor_parameter: Annotated[
        str, says("Query parameter that says after which record to go on.")
    ] = "after"
    first_cursor: Annotated[
        str,
        says(
            "Its value at the very first look; empty leaves it out. Another value reads everything "
            "after it once more, and what is known already changes nothing.",
            "2026-11-01T00:00:00Z",
        ),
    ] = ""
    next_field: Annotated[
        str, says("Where the answer holds the next cursor.", "next", "paging.cursor")
    ] = ""
    record_cursor_field: Annotated[
        str,
        says("Without next_field: the field of a page's last record that is the cursor.", "id"),
    ] = ""
    limit_parameter: Annotated[
        str, says("Query parameter for the most records of a page; empty for none.")
    ] = "limit"
    page_size: Annotated[int, says("Most records asked for at once."), Meta(gt=0)] = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.url:
            return
        if not self.url.startswith(("http://", "https://")):
            raise ValueError("url must begin with http:// or https://")
        if bool(self.next_field) == bool(self.record_cursor_field):
            raise ValueError("set next_field or record_cursor_field, one of the two")
