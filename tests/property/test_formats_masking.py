"""Masking: nothing planted survives, nothing changes twice, the quick look never hides a change."""

from __future__ import annotations

import io
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tillway.formats import Record, format_named
from tillway.security.cards import is_card_number
from tillway.security.masking import Masker

MASKER = Masker(pseudonym_key=b"a key for tests only")
DIGITS = "0123456789"


def with_check_digit(digits: str) -> str:
    """Return digits with the Luhn check digit appended."""
    return next(digits + last for last in DIGITS if _luhn(digits + last))


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


CARDS = st.builds(
    lambda issuer, rest, length: with_check_digit((issuer + rest)[: length - 1]),
    st.sampled_from(["4", "51", "37", "36", "6011", "3528", "62", "2221", "2720"]),
    st.text(DIGITS, min_size=18, max_size=18),
    st.integers(14, 19),
).filter(is_card_number)


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str]:
    """Return a card number, and a text that holds it as people and machines write it."""
    card = draw(CARDS)
    way = draw(st.sampled_from(["plain", "spaces", "dashes", "track1", "track2", "zeros"]))
    grouped = [card[start : start + 4] for start in range(0, len(card), 4)]
    text = {
        "plain": card,
        "spaces": " ".join(grouped),
        "dashes": "-".join(grouped),
        "track1": f"%B{card}^DOE/JANE^2812101000000?",
        "track2": f";{card}=28121010000000?",
        "zeros": "0" + card if len(card) < 19 else card,
    }[way]
    before = draw(st.sampled_from(["", "card ", "nr.", "(", "x"]))
    return card, before + text + draw(st.sampled_from(["", ".", " paid", ")", "x"]))


LISTED = ["PrimaryAccountNumber", "acs:LoyaltyID", "@OperatorName", "customer", "e_mail", "cvv2"]
PLAIN = ["net", "note", "sku", "gtin", "@kind", "items", "#text", "v:x", "Signatures", ":cvv"]
NAMES = st.one_of(st.sampled_from(LISTED + PLAIN), st.text(max_size=4))
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    CARDS.map(int),
    CARDS.map(float),
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.text("0123456789 -=^;", max_size=30),
    spelled().map(lambda pair: pair[1]),
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(value=TREES)
def test_the_quick_look_never_hides_a_change(value: dict[str, Any]) -> None:
    """A tree read from JSON is masked alike, whether its text was looked at first or not."""
    text = msgspec.json.encode(value)
    tree = msgspec.json.decode(text)
    assert MASKER.mask(tree, text) == MASKER.mask(tree)


@settings(max_examples=300, deadline=None)
@given(values=st.lists(TREES, min_size=1, max_size=3))
def test_knowing_the_names_never_hides_a_change(values: list[dict[str, Any]]) -> None:
    """Records read with the names seen so far are masked as if nothing had been known."""
    form = format_named("ndjson", {"numbers": "float"}, MASKER.may_stay)
    lines = b"\n".join(map(msgspec.json.encode, values * 2))
    records = [one for one in form.records(io.BytesIO(lines)) if isinstance(one, Record)]
    assert len(records) == len(values) * 2
    for record in records:
        text = record.raw if record.compact else None
        quick = MASKER.mask(record.value, text, plain_below=record.plain)
        assert quick == MASKER.mask(record.value)


@settings(max_examples=200, deadline=None)
@given(value=TREES)
def test_masking_twice_is_masking_once(value: dict[str, Any]) -> None:
    """What is masked stays as it is, and the tree that was given is not touched."""
    before = repr(value)
    masked, changed = MASKER.mask(value)
    assert repr(value) == before
    assert changed == (masked is not value)
    again, changed_again = MASKER.mask(masked)
    assert (again, changed_again) == (masked, False)


@settings(max_examples=200, deadline=None)
@given(planted=spelled(), name=st.sampled_from(["note", "#text", "@comment", "lines"]))
def test_a_planted_card_number_never_survives(planted: tuple[str, str], name: str) -> None:
    """However it is written, only the last four digits stay."""
    card, text = planted
    masked, changed = MASKER.mask({"deep": [{name: text}], text: 1})
    assert changed
    bare = "".join(letter for letter in repr(masked) if letter not in " -")
    assert card not in bare


@settings(max_examples=100, deadline=None)
@given(card=CARDS, factor=st.sampled_from([1, -1]))
def test_a_planted_number_never_survives_as_a_number(card: str, factor: int) -> None:
    """A card number sent as a JSON number is masked too."""
    masked, changed = MASKER.mask({"n": int(card) * factor})
    assert changed
    assert card not in repr(masked)
