"""What a register did not number is known by its vendor's id, and may have revisions."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from tillway.model import MESSAGE_TYPES, message_type
from tillway.testing.examples import EXAMPLES, example_payout, example_sale, example_void

POS_FACTS = [
    "retail_transaction.completed",
    "retail_transaction.voided",
    "control.recorded",
    "cash.moved",
]
NO_NUMBER = {"workstation_id": None, "sequence_number": None}


@pytest.mark.parametrize("name", POS_FACTS)
def test_an_object_has_a_key_space_and_a_lane_of_its_own(name):
    """Without a number the vendor's id is the whole key, and orders only itself."""
    kind = message_type(name)
    fact = replace(EXAMPLES[name], object_id="or-1", revision=3, **NO_NUMBER)
    assert (kind.key_space_of(fact), kind.key_parts(fact)) == ("object", ("or-1",))
    assert kind.ordering_key(fact) == "or-1"
    assert kind.revision(fact) == 3
    assert kind.decode(kind.encode(fact)) == fact


@pytest.mark.parametrize("name", POS_FACTS)
def test_a_registers_number_stays_the_key_beside_an_object_id(name):
    """The number wins: a door that also knows the vendor's id meets the same message."""
    kind, fact = message_type(name), EXAMPLES[name]
    both = replace(fact, object_id="or-1")
    assert kind.key_space_of(both) == kind.key_space_of(fact) == "pos"
    assert kind.key_parts(both) == kind.key_parts(fact)
    assert kind.ordering_key(both) == kind.ordering_key(fact)


@pytest.mark.parametrize("half", ["workstation_id", "sequence_number"])
def test_half_a_number_is_no_identity(half):
    """A till without a number, or a number without a till, needs an object id."""
    with pytest.raises(ValueError, match="workstation_id and sequence_number, or object_id"):
        replace(example_sale(), **{half: None})
    kind = message_type("retail_transaction.completed")
    sale = replace(example_sale(), object_id="or-1", **{half: None})
    assert (kind.key_space_of(sale), kind.ordering_key(sale)) == ("object", "or-1")


def test_a_fact_that_nothing_identifies_is_refused_with_both_ways():
    """The model names the number and the id as the ways out; so does its JSON Schema."""
    kind = message_type("retail_transaction.voided")
    values = msgspec.to_builtins(example_void(), builtin_types=(object,))
    bare = {name: value for name, value in values.items() if name not in NO_NUMBER}
    with pytest.raises(msgspec.ValidationError, match="or object_id"):
        kind.decode(msgspec.json.encode(bare))
    assert kind.json_schema()["anyOf"] == [
        {"required": ["workstation_id", "sequence_number"]},
        {"required": ["object_id"]},
    ]


def test_numbered_facts_keep_their_form():
    """A fact with a number says nothing of objects or revisions."""
    for name in POS_FACTS:
        stored = message_type(name).encode(EXAMPLES[name])
        assert b"object_id" not in stored
        assert b"revision" not in stored


def test_payouts_and_payments_have_revisions_under_their_own_keys():
    """A provider's version changes neither key space nor lane."""
    kind = message_type("settlement.posted")
    payout = example_payout(revision=2)
    assert (kind.revision(payout), kind.ordering_key(payout)) == (2, "acquirer")
    assert kind.key_space_of(payout) == "settlement.posted"
    paid = replace(EXAMPLES["payment.updated"], revision=4)
    assert message_type("payment.updated").ordering_key(paid) == "pay-1"


def test_the_revision_of_a_posting_is_no_version_of_an_object():
    """It stands in the posting key: each revision is a document of its own."""
    kind = message_type("posting.requested")
    assert kind.revision(EXAMPLES["posting.requested"]) is None


def test_only_the_hubs_own_notes_are_internal():
    """A hint has no money and its object as lane."""
    assert [name for name, kind in MESSAGE_TYPES.items() if kind.internal] == ["source.hint"]
    kind, hint = message_type("source.hint"), EXAMPLES["source.hint"]
    assert (kind.key_parts(hint), kind.ordering_key(hint)) == (("ev-77",), "or-1043")
    assert (kind.money(hint), kind.revision(hint)) == (None, None)
