"""JSON read with the names of a source: which records are known to hold plain names alone."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest

from tillway.formats import Record, format_named
from tillway.formats.plain_names import LEVELS, MOST_LESSONS, MOST_NAMES, PATIENCE, PlainNames

SALE = b'{"no":1,"lines":[{"sku":"a","vat":[{"rate":7}]}]}'


def not_secret(name: str) -> bool:
    """Tell that any name may stay but `secret`."""
    return name != "secret"


def known(names: PlainNames, raw: bytes) -> bool:
    """Read a record as the reader does, and tell whether its names were known."""
    value = names.read(raw)
    if value is None:
        names.learn(msgspec.json.decode(raw))
    else:
        assert value == msgspec.json.decode(raw)
    return value is not None


def test_the_first_record_teaches_and_the_second_is_known() -> None:
    """Names are learned from the records; those at the top are anybody's."""
    names = PlainNames(not_secret)
    assert [known(names, SALE) for _ in range(2)] == [False, True]
    assert known(names, SALE.replace(b'"no"', b'"secret"'))


@pytest.mark.parametrize(
    "other",
    [
        SALE.replace(b'"sku"', b'"secret"'),
        SALE.replace(b'"sku"', b'"s\\u0065cret"'),
        SALE.replace(b"7", b"7.5"),
        SALE.replace(b"1", b"1.0", 1),
        SALE.replace(b'"a"', b"[" * LEVELS + b"]" * LEVELS),
    ],
    ids=["listed name", "escaped name", "float below", "float at the top", "deep"],
)
def test_what_may_need_masking_is_never_known(other: bytes) -> None:
    """However often it comes, it is read the long way; the others stay known."""
    names = PlainNames(not_secret)
    known(names, SALE)
    assert not any(known(names, other) for _ in range(3))
    assert known(names, SALE)


def test_numbers_are_read_alike() -> None:
    """An integer of any size is the same number both ways."""
    names = PlainNames(not_secret)
    for digits in (b"0", b"-0", b"9223372036854775808", b"1" * 30, b"-" + b"9" * 25):
        assert known(names, b'{"n":' + digits + b"}")


def test_a_sender_that_makes_up_names_teaches_only_so_much() -> None:
    """After so many lessons and names no decoder is made any more."""
    names = PlainNames(not_secret)
    made = [known(names, b'{"a":{"n%d":1}}' % number) for number in range(2 * MOST_LESSONS)]
    assert not any(made)
    assert known(names, b'{"a":{"n0":1}}')
    assert not any(known(names, b'{"a":{"more":1}}') for _ in range(2))
    many = PlainNames(not_secret)
    wide = msgspec.json.encode({"a": {f"n{number}": 1 for number in range(MOST_NAMES + 1)}})
    assert not any(known(many, wide) for _ in range(2))


def test_a_source_that_is_never_known_is_not_tried_for_ever() -> None:
    """A source of floats is read once a record again; a single stranger changes nothing."""
    names = PlainNames(not_secret)
    known(names, SALE)
    for _ in range(PATIENCE - 1):
        assert not known(names, b'{"n":1.5}')
    assert known(names, SALE)
    for _ in range(PATIENCE):
        assert not known(names, b'{"n":1.5}')
    assert not known(names, SALE)


@pytest.mark.parametrize("name", ["json", "ndjson"])
@pytest.mark.parametrize(("may_stay", "expected"), [(not_secret, True), (None, False)])
def test_a_format_says_which_records_are_plain(
    name: str, may_stay: Callable[[str], bool] | None, expected: bool
) -> None:
    """A record tells it; without a judge of names none is plain."""
    form = format_named(name, {}, may_stay)
    first, second = (next(form.records(io.BytesIO(SALE))) for _ in range(2))
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.plain, second.plain) == (False, expected)
    assert first.value == second.value


def test_a_name_given_twice_is_found_in_a_plain_record() -> None:
    """What is known to be plain is checked like any other."""
    form = format_named("ndjson", {}, not_secret)
    twice = SALE.replace(b'"sku":"a"', b'"sku":"a","sku":"b"')
    found = list(form.records(io.BytesIO(SALE + b"\n" + SALE + b"\n" + twice)))
    assert not isinstance(found[2], Record)
    assert found[2].error.code == "TW-3024"
