"""What the Tryton connector makes of values and answers, the ones that mislead above all."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tillway.connect.http_client import HttpReply
from tillway.connectors.tryton.answers import result_of
from tillway.connectors.tryton.wire import decoded, encoded
from tillway.errors import InDoubt, NotConnected, Permanent, TillwayError, Transient
from unit.connectors.scripted_tryton import PAGE, answer, user_error

READ, WRITE = False, True


def caught(reply: HttpReply, *, writes: bool) -> TillwayError:
    """Return the error an answer is."""
    with pytest.raises(TillwayError) as found:
        result_of(reply, "books", writes=writes)
    return found.value


def test_values_travel_as_tryton_writes_them_and_come_back_the_same() -> None:
    """Decimals keep every digit, dates and times stay what they are."""
    value = {
        "amount": Decimal("12.50"),
        "small": Decimal("1E-7"),
        "day": date(2026, 11, 20),
        "at": datetime(2026, 11, 20, 8, 1, 2, 3, tzinfo=UTC),
        "lines": [["create", [{"debit": Decimal(0)}]]],
    }
    assert b'{"__class__":"Decimal","decimal":"12.50"}' in encoded(value)
    assert decoded(encoded(value)) == value
    assert str(decoded(encoded(value))["amount"]) == "12.50"


def test_a_long_answer_that_claims_to_be_gzip_and_is_not_is_read() -> None:
    """Tryton puts the header on every answer above 1,400 bytes, compressed or not."""
    reply = answer(result=["x" * 2000])
    assert reply.headers["content-encoding"] == "gzip"
    assert result_of(reply, "books", writes=READ) == ["x" * 2000]


def test_an_answer_that_is_gzip_is_unfolded() -> None:
    """A proxy may compress after all."""
    plain = answer(result=[1, 2])
    reply = HttpReply(200, plain.headers, gzip.compress(plain.body))
    assert result_of(reply, "books", writes=READ) == [1, 2]


def test_an_answer_that_unfolds_to_too_much_is_no_answer() -> None:
    """A small body cannot fill the memory."""
    bomb = gzip.compress(b"[" + b"1," * 20_000_000 + b"1]")
    assert caught(HttpReply(200, {}, bomb), writes=READ).code == "TW-4143"


@pytest.mark.parametrize(
    ("reply", "writes", "kind", "code"),
    [
        (user_error("You must fill in its lines."), WRITE, Permanent, "TW-4145"),
        (
            user_error('You are not allowed to access "Account Move".'),
            WRITE,
            NotConnected,
            "TW-4149",
        ),
        (answer(error=["UserWarning", ["key", "Really?", "why"]]), WRITE, Permanent, "TW-4146"),
        (answer(error=["ConcurrencyException", "changed"]), WRITE, Transient, "TW-4144"),
        (answer(error=["could not obtain lock on row", ""]), WRITE, Transient, "TW-4144"),
        (user_error("could not serialize access"), WRITE, Transient, "TW-4144"),
        (answer(error=[]), WRITE, Transient, "TW-4144"),
        (
            answer(error=["LoginException", ["code", "Code?", "char"]]),
            READ,
            NotConnected,
            "TW-4142",
        ),
        (answer(error=["'nofield'", ""]), WRITE, Permanent, "TW-4145"),
        (HttpReply(503, {}, b"<h1>database is locked</h1>"), WRITE, Transient, "TW-4144"),
        (HttpReply(429, {"retry-after": "7"}, b""), WRITE, Transient, "TW-4144"),
        (HttpReply(500, {}, PAGE), WRITE, Transient, "TW-4144"),
        (HttpReply(504, {}, PAGE), WRITE, InDoubt, "TW-4147"),
        (HttpReply(502, {}, PAGE), WRITE, InDoubt, "TW-4147"),
        (HttpReply(504, {}, PAGE), READ, Transient, "TW-4144"),
        (HttpReply(200, {}, PAGE), WRITE, InDoubt, "TW-4147"),
        (HttpReply(200, {}, PAGE), READ, NotConnected, "TW-4143"),
        (HttpReply(200, {}, b""), WRITE, InDoubt, "TW-4147"),
        (HttpReply(200, {}, b"[1]"), WRITE, InDoubt, "TW-4147"),
        (HttpReply(200, {}, b'{"id":1}'), WRITE, InDoubt, "TW-4147"),
        (HttpReply(204, {}, b""), WRITE, InDoubt, "TW-4147"),
        (HttpReply(401, {}, b""), WRITE, NotConnected, "TW-4141"),
        (HttpReply(403, {}, PAGE), WRITE, NotConnected, "TW-4142"),
        (HttpReply(404, {}, PAGE), WRITE, NotConnected, "TW-4142"),
        (HttpReply(302, {"location": "/login"}, b""), WRITE, NotConnected, "TW-4142"),
        (HttpReply(400, {}, PAGE), WRITE, Permanent, "TW-4145"),
        (HttpReply(413, {}, PAGE), WRITE, Permanent, "TW-4145"),
    ],
)
def test_an_answer_is_judged_by_its_body_before_its_status(
    reply: HttpReply, writes: bool, kind: type[TillwayError], code: str
) -> None:
    """A business error hides in HTTP 200; a page is never a result."""
    error = caught(reply, writes=writes)
    assert (type(error), error.code) == (kind, code)


def test_the_excerpt_of_an_error_is_short_and_holds_no_tags() -> None:
    """Tryton sends kilobytes of domain behind a sentence, and pages of HTML."""
    long = answer(error=["UserError", ["No account.", "Look there.", [["x"] * 5000]]])
    assert caught(long, writes=WRITE).detail == "books refused it: No account. Look there."
    page = caught(HttpReply(503, {}, PAGE * 50), writes=WRITE)
    assert "<" not in page.detail
    assert len(page.detail) < 300


def test_retry_after_is_obeyed() -> None:
    """The wait that Tryton or a proxy asks for is passed on."""
    error = caught(HttpReply(429, {"retry-after": "7"}, b""), writes=WRITE)
    assert isinstance(error, Transient)
    assert error.retry_after_seconds == 7.0
