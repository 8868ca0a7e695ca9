"""What is masked, how, and what is left alone."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

import pytest

from tillway.errors import ConfigurationError
from tillway.security.cards import is_card_number, without_cards
from tillway.security.masking import Masker
from tillway.security.masking_rules import KNOWN_NAMES, Rules

CARD = "4111111111111111"
MASKER = Masker(pseudonym_key=b"a key for tests only")
LISTS: dict[str, Any] = tomllib.loads(
    (resources.files("tillway.security") / "masking.toml").read_text("utf-8")
)


def masked(value: dict[str, Any]) -> dict[str, Any]:
    """Return the masked tree alone."""
    return MASKER.mask(value)[0]


def names_with(action: str) -> list[str]:
    """Return every listed name of the default list with an action, wildcards filled in."""
    groups = LISTS["default"].get(action, {}).values()
    return [name.replace("*", "") for names in groups for name in names]


@pytest.mark.parametrize("name", names_with("drop"))
@pytest.mark.parametrize("value", ["SECRET-7f3a9", {"deep": ["SECRET-7f3a9"]}, ["SECRET-7f3a9"]])
def test_every_dropped_name_disappears(name: str, value: object) -> None:
    """A listed field goes with everything below it, as field, attribute and prefixed element."""
    for spelling in (name, "@" + name, "acs:" + name.lower(), "_".join(name)):
        tree = {"keep": "1", "rows": [{spelling: value}]}
        assert masked(tree) == {"keep": "1", "rows": [{}]}


@pytest.mark.parametrize("name", names_with("pseudonym"))
def test_every_pseudonym_is_keyed_and_stable(name: str) -> None:
    """The same person is the same pseudonym under one key and another under another key."""
    one = masked({name: "SECRET-7f3a9"})[name]
    assert one.startswith("psn:")
    assert "SECRET" not in one
    assert masked({name: "SECRET-7f3a9"})[name] == one
    other = Masker(pseudonym_key=b"another key for tests")
    assert other.mask({name: "SECRET-7f3a9"})[0][name] != one
    assert masked({name: 4711})[name].startswith("psn:")


@pytest.mark.parametrize("name", names_with("last4"))
def test_every_account_keeps_four_characters_at_most(name: str) -> None:
    """Account numbers keep their last four characters, short ones nothing."""
    assert masked({name: "DE02120300000000202051"})[name] == "****2051"
    assert masked({name: "1234567"})[name] == "****"


def test_an_element_is_masked_with_its_attributes() -> None:
    """The text of a listed element follows its rule, its attributes follow their own."""
    tree = {"OperatorID": {"@OperatorName": "Ann Example", "@OperatorType": "Host", "#text": "9"}}
    assert masked(tree) == {
        "OperatorID": {"@OperatorType": "Host", "#text": MASKER.pseudonym("9", "staff")}
    }


def test_flags_survive() -> None:
    """A truth value under a listed name is a flag and stays."""
    tree = {"@ElectronicSignature": "false", "signature": True, "customer": None}
    assert MASKER.mask(tree) == (tree, False)


def test_staff_and_members_with_one_number_differ() -> None:
    """Pseudonyms of different groups do not meet."""
    tree = masked({"OperatorID": "101", "CashierID": "101", "LoyaltyID": "101"})
    assert tree["OperatorID"] == tree["CashierID"] != tree["LoyaltyID"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"card {CARD}.", "card ****1111."),
        ("4111 1111 1111 1111 12/28", "****1111 12/28"),
        ("3782-822463-10005", "****0005"),
        (f"{CARD} and 5555 5555 5555 4444", "****1111 and ****4444"),
        ("000" + CARD, "000****1111"),
        (f"x;{CARD}=28121010000?y", "x[track data removed]y"),
        (f"%B{CARD}^DOE/JANE^28121010000?", "[track data removed]"),
        ("2221000000000009", "****0009"),
    ],
)
def test_card_numbers_in_free_text_are_cut(text: str, expected: str) -> None:
    """A card number in any usual spelling keeps its last four digits; tracks keep nothing."""
    assert without_cards(text) == expected


@pytest.mark.parametrize(
    "text",
    ["4111111111111112", "00000000940115", "1234567890128", "2026-11-20 10:43:00", "0145-03-1043"],
)
def test_other_numbers_stay(text: str) -> None:
    """A wrong check digit, another issuer, a date or a short number is no card."""
    assert without_cards(text) == text


@pytest.mark.parametrize(
    "name", ["gtin", "ean13", "ItemID", "POSItemID", "sku", "upc_code", "acs:ItemID", "barcode"]
)
def test_item_numbers_are_not_searched(name: str) -> None:
    """A barcode that happens to look like a card number stays, under any item field."""
    looks_like_a_card = "40063813339307"
    for value in (looks_like_a_card, [looks_like_a_card], {"#text": looks_like_a_card}):
        assert MASKER.mask({name: value}) == ({name: value}, False)
    assert is_card_number("4111111111111111")
    assert masked({name: {"note": CARD}}) == {name: {"note": "****1111"}}


def test_an_item_number_outside_its_field_is_searched() -> None:
    """The positive control: the same digits in a free field are masked."""
    assert masked({"note": CARD}) != {"note": CARD}


@pytest.mark.parametrize(
    "name",
    ["cashierNo", "CashierNo", "cashier_no", "operatorNo", "cashier", "operator", "Staff-No"],
)
def test_staff_numbers_are_pseudonyms_however_they_are_spelled(name: str) -> None:
    """A till's own name for the staff number is listed; a store or till number stays."""
    assert masked({name: "117"}) == {name: MASKER.pseudonym("117", "staff")}
    assert masked({"storeNo": "117", "operatorSequence": "1"})["storeNo"] == "117"


def test_vendor_lists_are_added_by_name() -> None:
    """A list of one vendor holds for its systems alone; more names can be declared."""
    tree = {"reason": "033899:1111:03/2030", "bin": "411111", "memo": "x", "shelf": CARD}
    assert masked(tree)["reason"] == tree["reason"]
    special = Masker(
        b"a key for tests only", lists=("adyen", "square"), drop=("memo",), item_fields=("shelf",)
    )
    assert special.mask(tree)[0] == {"shelf": CARD}
    with pytest.raises(ConfigurationError) as raised:
        Masker(b"a key for tests only", lists=("ayden",))
    assert raised.value.code == "TW-8202"


def test_a_short_key_refuses_to_start() -> None:
    """A key that could be guessed is a configuration error."""
    with pytest.raises(ConfigurationError) as raised:
        Masker(pseudonym_key=b"short")
    assert raised.value.code == "TW-8201"


def test_names_seen_are_remembered_within_bounds() -> None:
    """A sender that invents names without end does not fill the memory."""
    masker = Masker(pseudonym_key=b"a key for tests only")
    for number in range(20_050):
        assert not masker.mask({f"n{number}": 1})[1]
    assert len(masker._kinds) < 20_050
    rules = Rules((), (), ())
    assert rules.of("OperatorID")[0] is not None


def test_long_names_and_values_are_not_remembered() -> None:
    """Twenty thousand names of a megabyte each would be the same flood."""
    masker = Masker(pseudonym_key=b"a key for tests only")
    long = "n" * 1_000
    first = masker.mask({long: {"OperatorID": long}, "OperatorID": "7"}, b"{}")[0]
    assert first == masker.mask({long: {"OperatorID": long}, "OperatorID": "7"})[0]
    assert first[long]["OperatorID"].startswith("psn:")
    assert "OperatorID" in masker._kinds
    assert max(map(len, masker._kinds)) < 100
    assert [text for _, text in masker._pseudonyms] == ["7"]


def test_what_stands_below_an_unknown_name_is_masked_when_its_memory_is_full() -> None:
    """Names are forgotten all at once, also in the middle of an object: its first names count."""
    masker = Masker(pseudonym_key=b"a key for tests only")
    for number in range(KNOWN_NAMES - 1):
        masker._kind_of(f"n{number}")
    tree = {"first": {"OperatorID": "7"}, "second": 1, "third": {"OperatorID": "7"}}
    made = masker.mask(tree, b"{}")[0]
    assert made["first"] == made["third"] == {"OperatorID": masker.pseudonym("7", "staff")}


def test_an_item_number_stays_under_a_name_too_long_to_remember() -> None:
    """A namespace prefix may be long; what the field is does not depend on memory."""
    masker = Masker(pseudonym_key=b"a key for tests only")
    tree = {"x" * 200 + ":ItemID": CARD, "x" * 200 + ":note": CARD}
    item, note = masker.mask(tree)[0].values()
    assert item == CARD
    assert note != CARD
