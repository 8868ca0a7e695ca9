"""The identity of objects and revisions, and the envelope that carries it."""

from __future__ import annotations

from msgspec.structs import replace

from tillway.intake.enveloping import envelope_of, identity_of, readable_identity
from tillway.message import key_digest
from tillway.model import message_type
from tillway.testing.examples import EXAMPLES, example_sale

SALE = message_type("retail_transaction.completed")
OBJECT = {"workstation_id": None, "sequence_number": None, "receipt_number": None}


def _order(revision):
    return replace(example_sale(), object_id="or-1", revision=revision, **OBJECT)


def _envelope(message):
    identity = identity_of("square", SALE, message)
    return envelope_of(
        SALE,
        message,
        identity,
        system="square",
        door="square",
        message_id="a" * 32,
        trace_id="",
        received_at=1,
        release="r1",
    )


def test_a_revision_is_part_of_the_digest_and_not_of_the_text():
    """People see one key; the journal tells the revisions apart and knows their object."""
    first, second = (identity_of("square", SALE, _order(number)) for number in (1, 2))
    assert first.natural_key == second.natural_key == "or-1"
    assert first.digest != second.digest
    assert first.object_digest == second.object_digest
    assert first.object_digest == key_digest("square", "object", ("or-1",))


def test_without_a_revision_there_is_no_object_to_compare():
    """Its digest is that of the plain key, as for every numbered receipt."""
    unversioned = identity_of("square", SALE, _order(None))
    assert unversioned.object_digest is None
    assert unversioned.digest == key_digest("square", "object", ("or-1",))
    numbered = identity_of("quayside", SALE, example_sale())
    parts = ("0145", "03", "2026-11-20", "1043")
    assert numbered.digest == key_digest("quayside", "pos", parts)


def test_revision_zero_differs_from_no_revision():
    """A vendor may count from 0."""
    zero, none = (identity_of("square", SALE, _order(number)) for number in (0, None))
    assert zero.digest != none.digest
    assert zero.object_digest == none.digest


def test_the_envelope_of_an_object_has_neither_till_nor_number():
    """Its revision is a number, and its lane is the object."""
    envelope = _envelope(_order(3))
    assert (envelope.workstation, envelope.sequence_number, envelope.receipt_number) == (
        "",
        None,
        "",
    )
    assert (envelope.revision, envelope.lane_key) == (3, "or-1")
    assert envelope.object_digest == key_digest("square", "object", ("or-1",))
    plain = _envelope(example_sale())
    assert (plain.revision, plain.object_digest) == (None, None)


def test_a_broken_object_has_the_key_its_correction_will_have():
    """So the corrected content of that revision closes the quarantine."""
    good = identity_of("square", SALE, _order(2))
    broken = {"business_unit_id": "0145", "object_id": "or-1", "revision": 2, "currency": "?"}
    kept = readable_identity("square", SALE, broken)
    assert (kept.natural_key, kept.digest) == ("or-1", good.digest)
    payment = message_type("payment.updated")
    paid = replace(EXAMPLES["payment.updated"], revision=5)
    values = {"psp": "acquirer", "psp_reference": "pay-1", "status": "captured", "revision": 5}
    kept = readable_identity("square", payment, values)
    assert kept.digest == identity_of("square", payment, paid).digest


def test_the_envelope_knows_the_run_of_the_counter():
    """It stands beside the number, as it stands at the end of the key."""
    message = replace(example_sale(), register_epoch=2)
    envelope = _envelope(message)
    assert (envelope.register_epoch, envelope.sequence_number) == (2, 1043)
    assert envelope.natural_key == "0145:03:2026-11-20:1043:e2"
    assert _envelope(example_sale()).register_epoch == 0


def test_a_numbered_fact_keeps_its_object_id_for_search():
    """An object without a number is found by its key; a second name of it costs no column."""
    assert _envelope(replace(example_sale(), object_id="or-1")).object_id == "or-1"
    assert _envelope(_order(1)).object_id == ""
    assert _envelope(example_sale()).object_id == ""
    numbered = replace(example_sale(), object_id="or-1", workstation_id=None)
    envelope = _envelope(numbered)
    assert (envelope.natural_key, envelope.object_id) == ("or-1", "or-1")
