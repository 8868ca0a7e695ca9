"""The HTTP target: what each answer, and each lack of one, means for a message."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tillway.clock import ManualClock
from tillway.connect import Delivered, SendResult, TargetContext, settings_from
from tillway.connect.http_client import HttpReply
from tillway.connectors.http.answers import ABSENT, Answers, field_at, retry_after_seconds
from tillway.connectors.http.settings import HttpTargetSettings
from tillway.connectors.http.target import HttpTarget
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient, code_record
from tillway.security import Secret
from tillway.testing.endpoint import Endpoint
from tillway.testing.targets_suite import outbound

NOW = 1_700_000_000_000_000  # 2023-11-14T22:13:20Z
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def settings(**values: Any) -> HttpTargetSettings:
    """Return settings of an endpoint."""
    return settings_from(HttpTargetSettings, {"url": "http://x", "path": "/d", **values}, "x")


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """Return a listening endpoint."""
    endpoint = Endpoint()
    await endpoint.start()
    yield endpoint
    await endpoint.stop()


@pytest.fixture
async def open_target(endpoint: Endpoint) -> AsyncIterator[Any]:
    """Return a function that opens a target on the endpoint."""
    opened: list[HttpTarget] = []

    def open_one(**values: Any) -> HttpTarget:
        values = {"path": "/documents", "timeout_seconds": 5, **values, "url": endpoint.url}
        context = TargetContext("erp", ManualClock(), ".")
        opened.append(HttpTarget(settings(**values), context))
        return opened[-1]

    yield open_one
    for target in opened:
        await target.close()


def judged(status: int, body: bytes = b"", **values: Any) -> SendResult:
    """Return what a single answer means."""
    return Answers(settings(**values), "erp").single(HttpReply(status, {}, body), NOW)


def kind_and_code(result: SendResult) -> tuple[type, str]:
    """Return the class and code of an error; its code is registered."""
    assert isinstance(result, TillwayError)
    assert code_record(result.code) is not None
    return type(result), result.code


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_2xx_is_delivered(status: int) -> None:
    """Any 2xx counts, with or without a body."""
    assert judged(status) == Delivered("")
    assert judged(status, b'{"reference": 17}') == Delivered("17")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 529])
def test_busy_is_transient(status: int) -> None:
    """The same message may be taken later."""
    assert kind_and_code(judged(status)) == (Transient, "TW-4106")


@pytest.mark.parametrize("status", [400, 403, 404, 410, 413, 415, 422])
def test_other_4xx_is_permanent_with_an_excerpt(status: int) -> None:
    """The reason the endpoint gave is kept, shortened."""
    result = judged(status, b'{"error": "no account 4711"}' + b" " * 5000)
    assert kind_and_code(result) == (Permanent, "TW-4107")
    assert "no account 4711" in result.detail
    assert len(result.detail) < 300


def test_bad_credentials_are_nobodys_fault() -> None:
    """A wrong token or a redirect to a login page must not make dead letters of a day."""
    assert kind_and_code(judged(401)) == (NotConnected, "TW-4104")
    assert kind_and_code(judged(302)) == (NotConnected, "TW-4105")


def test_409_means_what_the_settings_say() -> None:
    """Other content by default; already there when the endpoint says it so."""
    assert kind_and_code(judged(409)) == (Permanent, "TW-4108")
    body = b'{"reference": "D1", "error": "exists"}'
    there = judged(409, body, conflict="delivered")
    assert there == Delivered("D1", repeated=True)


def test_an_error_inside_a_good_status_is_seen() -> None:
    """Some endpoints answer 200 with an error in the body."""
    assert kind_and_code(judged(200, b'{"error": "no"}')) == (Permanent, "TW-4112")
    assert judged(200, b'{"error": null, "reference": "1"}') == Delivered("1")
    assert judged(200, b'{"error": "no"}', error_field="") == Delivered("")


def test_a_reference_may_lie_deep() -> None:
    """A dotted path with indices finds it."""
    body = b'{"data": {"items": [{"number": "D-9"}]}, "repeated": true}'
    assert judged(200, body, reference_field="data.items.0.number") == Delivered(
        "D-9", repeated=True
    )
    assert field_at([1], "3") is ABSENT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-3", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str, seconds: float | None) -> None:
    """Seconds or a date (RFC 9110); anything else is as good as none."""
    assert retry_after_seconds({"retry-after": text}, NOW) == seconds


async def test_retry_after_reaches_the_engine(endpoint: Endpoint, open_target: Any) -> None:
    """A busy endpoint's wish is kept in the error."""
    endpoint.mode = "busy"
    [result] = await open_target().send([outbound(1)])
    assert isinstance(result, Transient)
    assert result.retry_after_seconds == 7


async def test_headers_carry_key_trace_and_secret(endpoint: Endpoint, open_target: Any) -> None:
    """The idempotency key, W3C trace and credentials go out under the names that are set."""
    message = outbound(1)
    message.trace_id = TRACE
    target = open_target(
        key_header="X-Once", secret_header="X-Api-Key", secret_value=Secret("hush")
    )
    await target.send([message])
    sent = endpoint.calls[0].headers
    assert sent["x-once"] == message.key
    assert sent["traceparent"].startswith(f"00-{TRACE}-")
    assert sent["x-api-key"] == "hush"
    assert sent["content-type"] == "application/json"


@pytest.mark.parametrize("document", ["document", ""])
async def test_each_item_of_a_bulk_call_carries_its_own_trace(
    endpoint: Endpoint, open_target: Any, document: str
) -> None:
    """Under the name that is set, the span of this call for this message; none where none began."""
    first, second = outbound(1), outbound(2)
    first.trace_id, second.trace_id = TRACE, ""
    target = open_target(
        bulk_path="/documents/bulk", bulk_trace_field="traceparent", bulk_document_field=document
    )
    await target.send([first, second])
    traced, untraced = json.loads(endpoint.calls[0].body)
    assert traced["traceparent"].startswith(f"00-{TRACE}-")
    assert "traceparent" not in untraced
    assert "traceparent" not in endpoint.calls[0].headers


async def test_basic_credentials_go_out(endpoint: Endpoint, open_target: Any) -> None:
    """User and password as RFC 7617 says."""
    await open_target(basic_user="u", basic_password=Secret("p")).send([outbound(1)])
    assert endpoint.calls[0].headers["authorization"] == "Basic dTpw"


async def test_a_dropped_connection_is_in_doubt(endpoint: Endpoint, open_target: Any) -> None:
    """The endpoint took it and vanished: nobody knows here, and the same key settles it."""
    endpoint.mode = "reset"
    target = open_target()
    [lost] = await target.send([outbound(1)])
    assert kind_and_code(lost) == (InDoubt, "TW-4103")
    endpoint.mode = "up"
    [again] = await target.send([outbound(1)])
    assert again == Delivered(f"D-{outbound(1).key}", repeated=True)
    assert endpoint.effects == {outbound(1).key: 1}


async def test_no_answer_in_time_is_in_doubt(endpoint: Endpoint, open_target: Any) -> None:
    """The call ends by its deadline."""
    endpoint.mode = "silent"
    [result] = await open_target(timeout_seconds=0.05).send([outbound(1)])
    assert kind_and_code(result) == (InDoubt, "TW-4102")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "https://127.0.0.1:1"]
)
async def test_what_was_never_sent_is_not_in_doubt(url: str) -> None:
    """Nothing listens, or nothing has that name: not connected, so it is safe to send again."""
    target = HttpTarget(settings(url=url), TargetContext("erp", ManualClock(), "."))
    [result] = await target.send([outbound(1)])
    await target.close()
    assert kind_and_code(result) == (NotConnected, "TW-4101")


async def test_an_error_never_shows_path_or_user_of_the_address() -> None:
    """Addresses may hold keys."""
    target = HttpTarget(
        settings(url="http://user:hush@127.0.0.1:1", path="/d?key=hush"),
        TargetContext("erp", ManualClock(), "."),
    )
    [result] = await target.send([outbound(1)])
    await target.close()
    assert "hush" not in repr(result.as_json())


async def test_a_large_bulk_body_arrives_whole(endpoint: Endpoint, open_target: Any) -> None:
    """Megabytes in one call are sent as a stream, with their length."""
    target = open_target(bulk_path="/documents/bulk")
    results = await target.send([outbound(number, text="x" * 700_000) for number in range(3)])
    assert [type(result) for result in results] == [Delivered] * 3
    assert int(endpoint.calls[0].headers["content-length"]) > 2_000_000


async def test_a_bulk_answer_that_misses_one_leaves_it_in_doubt(
    endpoint: Endpoint, open_target: Any
) -> None:
    """Only the one that was not answered for is in doubt."""
    endpoint.mode = "short"
    target = open_target(bulk_path="/documents/bulk")
    results = await target.send([outbound(1), outbound(2), outbound(3)])
    assert [type(result) for result in results] == [Delivered, Delivered, InDoubt]
    assert results[2].code == "TW-4109"


async def test_a_garbled_bulk_answer_leaves_all_in_doubt(
    endpoint: Endpoint, open_target: Any
) -> None:
    """A proxy's page with status 200 proves nothing."""
    endpoint.mode = "garbled"
    results = await open_target(bulk_path="/documents/bulk").send([outbound(1), outbound(2)])
    assert [kind_and_code(result) for result in results] == [(InDoubt, "TW-4110")] * 2


async def test_single_messages_go_to_the_single_path(endpoint: Endpoint, open_target: Any) -> None:
    """With both paths one message is one call of its own."""
    target = open_target(bulk_path="/documents/bulk")
    await target.send([outbound(1)])
    await target.send([outbound(2), outbound(3)])
    assert [call.path for call in endpoint.calls] == ["/documents", "/documents/bulk"]


def bulk(body: bytes, keys: list[str], **values: Any) -> list[SendResult]:
    """Return what a bulk answer means."""
    answers = Answers(settings(bulk_path="/b", **values), "erp")
    return answers.bulk(HttpReply(200, {}, body), keys)


def test_bulk_answers_may_use_other_names_and_words() -> None:
    """Field names, words and the place of the list are settings."""
    body = (
        b'{"results": [{"id": "a", "state": "OK", "no": 1}, {"id": "b", "state": "busy"},'
        b' {"id": "c", "state": "rejected", "why": "closed"}, {"id": "d", "state": "503"}]}'
    )
    results = bulk(
        body,
        ["a", "b", "c", "d"],
        answer_items_field="results",
        answer_key_field="id",
        answer_status_field="state",
        reference_field="no",
        error_field="why",
    )
    assert results[0] == Delivered("1")
    assert [type(result) for result in results[1:]] == [Transient, Permanent, Transient]
    assert "closed" in str(results[2])


def test_a_409_in_a_bulk_answer_means_what_the_settings_say() -> None:
    """As for a single call, with the reference of the item."""
    body = b'[{"key": "a", "status": 409, "reference": "D1", "error": "exists"}]'
    assert bulk(body, ["a"], conflict="delivered") == [Delivered("D1", repeated=True)]
    assert kind_and_code(bulk(body, ["a"])[0]) == (Permanent, "TW-4108")


def test_bulk_answers_may_stand_in_order() -> None:
    """Without keys the order counts, and a wrong number of answers proves nothing."""
    two = b'{"status": 201, "reference": "1"}\n{"status": 422, "error": "no"}\n'
    results = bulk(two, ["a", "b"], answer_key_field="", bulk_style="ndjson")
    assert [type(result) for result in results] == [Delivered, Permanent]
    odd = bulk(two, ["a", "b", "c"], answer_key_field="", bulk_style="ndjson")
    assert [type(result) for result in odd] == [InDoubt] * 3


class WholeCallRefuser:
    """An endpoint that refuses a whole bulk call when one document in it is bad."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.calls = 0

    async def request(self, method: str, url: str, headers: Any, body: Any = None) -> HttpReply:
        """Answer 200 for all, or the status for all."""
        import msgspec

        self.calls += 1
        items = msgspec.json.decode(body)
        if any(item["document"].get("poison") for item in items):
            return HttpReply(self.status, {}, b"bad batch")
        results = [{"key": item["key"], "status": 200} for item in items]
        return HttpReply(200, {}, msgspec.json.encode(results))

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_bulk_call_refused_as_a_whole_is_halved(status: int) -> None:
    """One bad message must not take the blame to its neighbours."""
    refuser = WholeCallRefuser(status)
    target = HttpTarget(settings(bulk_path="/b"), TargetContext("erp", ManualClock(), "."), refuser)
    batch = [outbound(number, poison=number == 5) for number in range(8)]
    results = await target.send(batch)
    kinds = [Permanent if number == 5 else Delivered for number in range(8)]
    assert [type(result) for result in results] == kinds


async def test_a_wrong_bulk_address_is_not_halved() -> None:
    """404 is about the address: asking again for each message cannot help."""
    refuser = WholeCallRefuser(404)
    target = HttpTarget(settings(bulk_path="/b"), TargetContext("erp", ManualClock(), "."), refuser)
    await target.send([outbound(number, poison=True) for number in range(8)])
    assert refuser.calls == 1


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ({}, "A"),
        ({"key_header": ""}, "D"),
        ({"key_header": "", "method": "PUT", "path": "/d/{key}"}, "A"),
        ({"key_header": "", "look_up_path": "/d/{key}"}, "B"),
        ({"bulk_path": "/b"}, "A"),
        ({"bulk_path": "/b", "bulk_key_field": ""}, "D"),
    ],
)
def test_the_best_class_follows_from_the_settings(values: dict[str, Any], best: str) -> None:
    """A key makes A, a look-up makes B, neither makes D."""
    assert (
        HttpTarget(settings(**values), TargetContext("e", ManualClock(), ".")).delivery_class
        == best
    )


async def test_a_look_up_that_fails_says_why(endpoint: Endpoint, open_target: Any) -> None:
    """An unanswered look-up is an error, never "absent": a resend would double the sale."""
    target = open_target(look_up_path="/documents/{key}")
    endpoint.mode = "busy"
    with pytest.raises(Transient):
        await target.look_up("a/b:1")
    with pytest.raises(Permanent):
        await open_target().look_up("a")
