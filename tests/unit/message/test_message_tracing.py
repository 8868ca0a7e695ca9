"""What is kept of a sender's trace, and what a target is told."""

from __future__ import annotations

import pytest

from tillway.message.tracing import kept_context, parent_of, span_id, trace_id_of, traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(("flags", "kept_flags", "told"), [("01", "", "01"), ("00", "-00", "00")])
def test_a_senders_trace_is_kept_and_goes_on(flags: str, kept_flags: str, told: str) -> None:
    """Trace, the sender's span and whether it samples; the next call carries our own span."""
    kept = kept_context(f"00-{TRACE}-{SPAN}-{flags}")
    assert kept == f"{TRACE}-{SPAN}{kept_flags}"
    assert (trace_id_of(kept), parent_of(kept)) == (TRACE, SPAN)
    assert traceparent(kept, "a" * 16) == f"00-{TRACE}-{'a' * 16}-{told}"


def test_a_later_version_of_the_header_may_carry_more() -> None:
    """W3C: what a newer version adds is passed over; version 00 has no more, and ff is none."""
    assert kept_context(f"cc-{TRACE}-{SPAN}-01-more") == f"{TRACE}-{SPAN}"
    assert kept_context(f"00-{TRACE}-{SPAN}-01-more") == ""
    assert kept_context(f"ff-{TRACE}-{SPAN}-01") == ""


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\n",
        "x" * 10_000,
    ],
)
def test_what_is_no_context_is_as_good_as_none(header: str) -> None:
    """A header that cannot be read neither stops a message nor begins a wrong trace."""
    assert kept_context(header) == ""


def test_a_trace_of_our_own_has_no_parent() -> None:
    """The id of a message is its trace; without any, no header goes out."""
    assert (trace_id_of(TRACE), parent_of(TRACE)) == (TRACE, "")
    assert traceparent(TRACE, SPAN) == f"00-{TRACE}-{SPAN}-01"
    assert traceparent("", SPAN) == traceparent("0" * 32, SPAN) == ""


def test_every_call_is_a_span_of_its_own_and_the_same_when_asked_again() -> None:
    """Messages, routes and numbers tell spans apart; nothing else does."""
    places = [("a", "", 0), ("a", "erp", 1), ("a", "erp", 2), ("a", "loyalty", 1), ("b", "erp", 1)]
    made = [span_id(*place) for place in places]
    assert len(set(made)) == len(made)
    assert made == [span_id(*place) for place in places]
    assert {len(one) for one in made} == {16}
