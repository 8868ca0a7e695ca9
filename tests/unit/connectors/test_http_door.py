"""The HTTP door: who may enter, which bodies are taken, and what each outcome answers."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from tillway.clock import ManualClock
from tillway.connect import Answer, Request, SourceContext, settings_from
from tillway.connectors.http.settings import HttpSourceSettings
from tillway.connectors.http.source import HttpSource
from tillway.errors import Refused
from tillway.security import Secret, key_digest, signature_of
from tillway.testing.sources import FakeIntake, MemoryHints, MemoryState

KEY = "tw_0145"
OWN = {"x-api-key": KEY}


def door(**settings: Any) -> HttpSource:
    """Return a door that knows one store."""
    values = {"path": "/in/x", **settings}
    keys = {key_digest(KEY): "0145"}
    context = SourceContext(
        "x", ManualClock(), MemoryState(), ".", keys, "fsync", hints=MemoryHints()
    )
    return HttpSource(settings_from(HttpSourceSettings, values, "x"), context)


async def post(
    source: HttpSource, body: bytes, intake: FakeIntake | None = None, **headers: str
) -> Answer:
    """Send a request with the store's key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await source.receive(
        Request("POST", source.path, {**OWN, **named}, body), intake or FakeIntake()
    )


def json(answer: Answer) -> Any:
    """Return the body of an answer."""
    return msgspec.json.decode(answer.body)


async def test_a_key_proves_its_own_store() -> None:
    """The intake is told which store sends."""
    intake = FakeIntake()
    await post(door(), b"{}", intake)
    assert intake.submissions[0].store == "0145"


async def test_a_shared_key_serves_many_stores() -> None:
    """A key of the door itself proves no single store."""
    intake = FakeIntake()
    source = door(keys=Secret("tw_office tw_second,tw_third"))
    for key in ("tw_office", "tw_second", "tw_third"):
        answer = await source.receive(Request("POST", "/in/x", {"x-api-key": key}, b"{}"), intake)
        assert answer.status < 300
    assert [submission.store for submission in intake.submissions] == ["", "", ""]


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": "tw_0146"}, {"authorization": "Basic x"}, {"x-api-key": "ÿ"}]
)
async def test_a_wrong_key_learns_nothing(headers: dict[str, str]) -> None:
    """401 with the same body, whatever was wrong."""
    intake = FakeIntake()
    answer = await door().receive(Request("POST", "/in/x", headers, b"{}"), intake)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    plain = await door().receive(Request("POST", "/in/x", {}, b"{}"), intake)
    assert answer.body == plain.body
    assert intake.submissions == []


async def test_both_means_both() -> None:
    """A door that wants key and signature takes neither alone."""
    source = door(auth="both", signature_secrets=[Secret("s")])
    signed = {"x-signature": signature_of("s", b"{}")}
    assert (await source.receive(Request("POST", "/", OWN, b"{}"), FakeIntake())).status == 401
    assert (await source.receive(Request("POST", "/", signed, b"{}"), FakeIntake())).status == 401
    both = Request("POST", "/", {**OWN, **signed}, b"{}")
    assert (await source.receive(both, FakeIntake())).status == 202


async def test_each_outcome_has_its_answer() -> None:
    """202, 200, 409 and 422 by outcome, all of them stored and with a receipt."""
    source, intake = door(), FakeIntake()
    intake.outcomes = {b"c": "conflict", b"q": "quarantined"}
    answers = [await post(source, body, intake) for body in (b"a", b"a", b"c", b"q")]
    assert [answer.status for answer in answers] == [202, 200, 409, 422]
    assert [json(answer)["outcome"] for answer in answers] == [
        "accepted",
        "duplicate",
        "conflict",
        "quarantined",
    ]
    assert all(json(answer)["journal_position"] for answer in answers)
    assert all(json(answer)["durability"] == "fsync" for answer in answers)


async def test_an_error_is_a_problem_document() -> None:
    """RFC 9457: type, title, status, detail, instance, trace id, beside the receipt."""
    intake = FakeIntake()
    intake.outcomes = {b"c": "conflict"}
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await post(door(), b"c", intake, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.headers["content-type"] == "application/problem+json"
    document = json(answer)
    assert document["type"] == "urn:tillway:problem:TW-2010"
    assert document["title"] == "Same natural key, other content"
    assert document["status"] == 409
    assert document["instance"] == "/messages/0145:03:2026-11-20:1"
    assert document["trace_id"] == trace
    assert intake.submissions[0].trace_id == f"{trace}-00f067aa0ba902b7"


@pytest.mark.parametrize("given", ["", "00-xyz-1-01", "00-" + "0" * 32 + "-1-01", "00", "z" * 99])
async def test_an_odd_traceparent_is_ignored(given: str) -> None:
    """A trace header that cannot be read is as good as none."""
    intake = FakeIntake()
    assert (await post(door(), b"{}", intake, traceparent=given)).status == 202
    assert intake.submissions[0].trace_id == ""


async def test_a_refused_message_is_not_stored() -> None:
    """The refusal's status, and no receipt: the sender still holds it."""
    intake = FakeIntake()
    intake.outcomes = {b"x": "refused"}
    answer = await post(door(), b"x", intake)
    assert answer.status == 400
    assert "journal_position" not in json(answer)


async def test_vendors_get_200_for_everything_stored() -> None:
    """Some vendors disable a hook after other answers (rulings 8); refusals stay refusals."""
    source, intake = door(answers="vendor"), FakeIntake()
    intake.outcomes = {b"c": "conflict", b"q": "quarantined", b"x": "refused"}
    bodies = (b"a", b"a", b"c", b"q", b"x")
    assert [(await post(source, body, intake)).status for body in bodies] == [200] * 4 + [400]


async def test_a_batch_is_answered_line_by_line() -> None:
    """NDJSON gets 200 with one outcome per line, in order, with line and offset."""
    intake = FakeIntake()
    intake.outcomes = {b"c": "conflict", b"x": "refused"}
    answer = await post(
        door(), b"a\nc\nx\na\n", intake, content_type="application/x-ndjson; charset=utf-8"
    )
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    lines = [msgspec.json.decode(line) for line in answer.body.splitlines()]
    assert [line["outcome"] for line in lines] == ["accepted", "conflict", "refused", "duplicate"]
    assert [line["status"] for line in lines] == [202, 409, 400, 200]
    assert [line["line"] for line in lines] == [1, 2, 3, 4]
    assert [line["offset"] for line in lines] == [0, 2, 4, 6]
    assert "journal_position" not in lines[2]
    assert intake.submissions[0].format == "ndjson"


async def test_a_batch_of_one_line_is_still_a_batch() -> None:
    """The shape of the answer follows the kind of body, not the number of lines."""
    answer = await post(door(), b"a\n", content_type="application/x-ndjson")
    assert (answer.status, json(answer)["outcome"]) == (200, "accepted")
    assert answer.headers["content-type"] == "application/x-ndjson"


async def test_a_cut_off_batch_says_so() -> None:
    """The good prefix is answered, the last line names the place."""
    answer = await post(door(), b"a\ncut off", content_type="application/x-ndjson")
    lines = [msgspec.json.decode(line) for line in answer.body.splitlines()]
    assert [line["outcome"] for line in lines] == ["accepted", "refused"]
    assert lines[1]["offset"] == 2


async def test_a_vendor_is_told_to_send_a_cut_off_batch_again() -> None:
    """With vendor answers a batch that was not stored whole is no success."""
    source = door(answers="vendor")
    cut = await post(source, b"a\ncut off", content_type="application/x-ndjson")
    whole = await post(source, b"a\nb", content_type="application/x-ndjson")
    assert (cut.status, whole.status) == (400, 200)


@pytest.mark.parametrize(
    ("accepts", "media", "status"),
    [
        (["json"], "application/json", 202),
        (["json"], "application/vnd.pos+json; charset=utf-8", 202),
        (["json"], "", 202),
        (["json"], "application/x-ndjson", 415),
        (["json"], "text/plain", 415),
        (["xml"], "text/xml", 202),
        (["xml"], "application/json", 415),
        (["csv"], "text/csv", 202),
    ],
)
async def test_only_declared_kinds_are_taken(accepts: list[str], media: str, status: int) -> None:
    """A content type outside `accepts` is 415, and the answer lists what is taken."""
    answer = await post(door(accepts=accepts), b"a", content_type=media)
    assert answer.status == status
    if status == 415:
        assert json(answer)["code"] == "TW-2005"
        assert re.search(r"Send one of: \w+/", json(answer)["advice"])


async def test_compressed_and_empty_bodies_are_refused() -> None:
    """Compression could unfold to any size; an empty body holds no message."""
    compressed = await post(door(), b"\x1f\x8b", content_encoding="gzip")
    assert (compressed.status, json(compressed)["code"]) == (415, "TW-2005")
    empty = await post(door(), b"")
    assert (empty.status, json(empty)["code"]) == (400, "TW-2011")


async def test_an_xml_body_with_many_records_is_answered_line_by_line() -> None:
    """One POST may hold a whole file; each record gets its outcome."""
    answer = await post(door(accepts=["xml"]), b"a\nb\n", content_type="text/xml")
    assert len(answer.body.splitlines()) == 2


async def test_a_full_disk_is_507_with_a_time() -> None:
    """A refusal without a time of its own still says when to come back."""
    intake = FakeIntake()
    intake.refusal = Refused("TW-2020", "disk floor", status=507)
    answer = await post(door(), b"a", intake)
    assert (answer.status, answer.headers["retry-after"]) == (507, "5")
