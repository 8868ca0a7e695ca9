"""Fetching records from an endpoint: page after page, the cursor only after the hub has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from tillway.clock import ManualClock, settle
from tillway.connect.http_client import HttpReply
from tillway.connect.kit import SourceContext
from tillway.connect.settings import settings_from
from tillway.connectors.http import REGISTRATION
from tillway.connectors.http.fetch import CURSOR, HttpFetch
from tillway.connectors.http.settings import HttpSourceSettings
from tillway.errors import InDoubt, NotConnected, Permanent, Refused, TillwayError, Transient
from tillway.security import Secret
from tillway.testing.settings_suite import SettingsSuite
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState

URL = "https://erp.test/report"
SETTINGS = {"url": URL, "records_field": "data.rows", "next_field": "next", "page_size": 3}
LONG_CURSOR = HttpReply(200, {}, b'{"data":{"rows":[]},"next":"%s"}' % (b"x" * 3000))


class Endpoint:
    """An endpoint with numbered records, standing in for the HTTP client.

    script holds what the next calls meet instead: a reply, or an error.
    """

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.script: list[HttpReply | Exception] = []
        self.queries: list[dict[str, str]] = []
        self.headers: Mapping[str, str] = {}
        self.closed = 0
        self.page: Callable[[list[int], str], Any] = _page

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpReply:
        """Answer one call with the records after a number."""
        assert (method, body, url.partition("?")[0]) == ("GET", None, URL)
        self.headers = headers
        query = dict(parse_qsl(urlsplit(url).query))
        self.queries.append(query)
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            return step
        after = int(query.get("after", "0"))
        numbers = list(range(after + 1, self.count + 1))[: int(query.get("limit", "1000"))]
        return HttpReply(200, {}, msgspec.json.encode(self.page(numbers, query.get("after", ""))))

    async def close(self) -> None:
        """Count it."""
        self.closed += 1


def _page(numbers: list[int], after: str) -> Any:
    rows = [{"id": number} for number in numbers]
    return {"data": {"rows": rows}, "next": str(numbers[-1]) if numbers else after or None}


class TestSettings(SettingsSuite):
    """What every connector promises about its settings."""

    registration = REGISTRATION
    half: ClassVar[Literal["source", "target"]] = "source"

    def settings(self) -> dict[str, Any]:
        """Settings of no endpoint in particular."""
        return SETTINGS


@pytest.fixture
def endpoint() -> Endpoint:
    """Give the other side, with seven records."""
    return Endpoint(7)


@pytest.fixture
def state() -> MemoryState:
    """Give what the source remembers."""
    return MemoryState()


@pytest.fixture
def intake() -> FakeIntake:
    """Give the hub."""
    return FakeIntake()


def fetcher(
    endpoint: Endpoint, state: MemoryState, clock: ManualClock | None = None, **more: Any
) -> HttpFetch:
    """Return a source over the endpoint."""
    settings = settings_from(HttpSourceSettings, {**SETTINGS, **more}, "test")
    context = SourceContext("ledger", clock or ManualClock(), state, ".", hints=MemoryHints())
    return HttpFetch(settings, context, endpoint)


def ids(intake: FakeIntake) -> list[int]:
    """Return the records that were handed over."""
    rows = [msgspec.json.decode(line) for body in intake.bodies for line in body.splitlines()]
    return [row["id"] for row in rows]


async def test_every_record_is_handed_over_once_in_pages(
    endpoint: Endpoint, state: MemoryState, intake: FakeIntake
) -> None:
    """Page after page until there is no more, and later only what is new."""
    await fetcher(endpoint, state).look(intake)
    assert ids(intake) == [1, 2, 3, 4, 5, 6, 7]
    assert [query.get("after") for query in endpoint.queries] == [None, "3", "6", "7"]
    assert {query["limit"] for query in endpoint.queries} == {"3"}
    endpoint.count = 9
    await fetcher(endpoint, state).look(intake)
    assert ids(intake) == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert state.values == {CURSOR: "9"}


async def test_the_last_record_can_be_the_cursor(
    endpoint: Endpoint, state: MemoryState, intake: FakeIntake
) -> None:
    """An answer that is a bare list needs no field for its cursor; a query of the address stays."""
    endpoint.page = lambda numbers, _: [{"id": number} for number in numbers]
    settings = {"records_field": "", "next_field": "", "record_cursor_field": "id"}
    more = {**settings, "limit_parameter": "", "url": f"{URL}?type=posting"}
    await fetcher(endpoint, state, **more).look(intake)
    assert ids(intake) == [1, 2, 3, 4, 5, 6, 7]
    assert endpoint.queries == [{"type": "posting"}, {"type": "posting", "after": "7"}]


async def test_amounts_keep_their_digits(
    endpoint: Endpoint, state: MemoryState, intake: FakeIntake
) -> None:
    """A number goes on as it was written, never by way of a float."""
    body = b'{"data":{"rows":[{"id":1,"amount":2643.720000000000000001}]},"next":null}'
    endpoint.script.append(HttpReply(200, {}, body))
    await fetcher(endpoint, state).look(intake)
    assert intake.bodies == [b'{"id":1,"amount":2643.720000000000000001}\n']


async def test_another_beginning_reads_again(
    endpoint: Endpoint, state: MemoryState, intake: FakeIntake
) -> None:
    """A first cursor is where reading starts, whatever was read before."""
    await fetcher(endpoint, state).look(intake)
    await fetcher(endpoint, state, first_cursor="5").look(intake)
    assert ids(intake) == [1, 2, 3, 4, 5, 6, 7, 6, 7]


async def test_the_cursor_waits_until_the_hub_has_everything(
    endpoint: Endpoint, state: MemoryState, intake: FakeIntake
) -> None:
    """A hub that takes nothing gets the same page again."""
    intake.refusal = Refused("TW-2020", "stopping", status=503)
    with pytest.raises(Refused):
        await fetcher(endpoint, state).look(intake)
    assert state.values == {}
    intake.refusal = None
    await fetcher(endpoint, state).look(intake)
    assert ids(intake) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("step", "error", "code"),
    [
        (HttpReply(503, {"retry-after": "7"}, b""), Transient, "TW-4171"),
        (HttpReply(429, {}, b""), Transient, "TW-4171"),
        (InDoubt("TW-4102", "no answer"), Transient, "TW-4171"),
        (NotConnected("TW-4101", "nobody there"), NotConnected, "TW-4101"),
        (HttpReply(401, {}, b""), NotConnected, "TW-4170"),
        (HttpReply(302, {"location": "/login"}, b""), NotConnected, "TW-4170"),
        (HttpReply(404, {}, b""), NotConnected, "TW-4170"),
        (HttpReply(200, {}, b"<html>"), Permanent, "TW-4172"),
        (HttpReply(200, {}, b'{"data": 1}'), Permanent, "TW-4172"),
        (HttpReply(200, {}, b'{"data":{"rows":[]},"next":{}}'), Permanent, "TW-4172"),
        (LONG_CURSOR, Permanent, "TW-4172"),
    ],
)
async def test_an_endpoint_that_gives_no_records_is_told_by_its_code(
    endpoint: Endpoint,
    state: MemoryState,
    intake: FakeIntake,
    step: HttpReply | Exception,
    error: type[TillwayError],
    code: str,
) -> None:
    """The place is kept, and what stood in the way is said."""
    state.values[CURSOR] = "3"
    endpoint.script.append(step)
    with pytest.raises(error) as caught:
        await fetcher(endpoint, state).look(intake)
    assert caught.value.code == code
    assert state.values == {CURSOR: "3"}
    assert intake.bodies == []


async def test_a_run_goes_on_after_trouble_and_ends_when_told(
    endpoint: Endpoint, state: MemoryState, intake: FakeIntake
) -> None:
    """It waits as long as the endpoint asks for, looks again, and lets go of its connections."""
    clock, stop = ManualClock(), asyncio.Event()
    endpoint.script.append(HttpReply(503, {"retry-after": "7"}, b""))
    run = asyncio.create_task(fetcher(endpoint, state, clock).run(intake, stop))
    await settle()
    assert (ids(intake), len(endpoint.queries)) == ([], 1)
    await clock.advance(6.9)
    assert len(endpoint.queries) == 1
    await clock.advance(0.2)
    assert ids(intake) == [1, 2, 3, 4, 5, 6, 7]
    stop.set()
    await run
    assert endpoint.closed == 1


async def test_the_secret_goes_out_and_nowhere_else(
    endpoint: Endpoint, state: MemoryState, intake: FakeIntake
) -> None:
    """A token is a header of the call."""
    await fetcher(endpoint, state, bearer_token=Secret("report-reader")).look(intake)
    assert endpoint.headers["authorization"] == "Bearer report-reader"
