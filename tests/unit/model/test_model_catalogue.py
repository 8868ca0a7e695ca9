"""The catalogue: keys, money, lanes and codecs of every message type."""

import json
from datetime import date
from decimal import Decimal

import jsonschema_rs
import msgspec
import pytest
from msgspec.structs import replace

from tillway.errors import ConfigurationError
from tillway.model import MESSAGE_TYPES, message_type, money
from tillway.model.cash import BusinessDayClosed
from tillway.model.postings import PostingReported
from tillway.testing.examples import EXAMPLES, SALE_KEY, example_day_closed, example_sale

NAMES = list(MESSAGE_TYPES)
SALE = "retail_transaction.completed"


def as_dict(name):
    """Return the example of a type as a canonical dict of plain JSON values."""
    return json.loads(message_type(name).encode(EXAMPLES[name]))


def test_the_catalogue_holds_the_first_release():
    """There are the seventeen types of the first release, each with an example."""
    assert len(NAMES) == 17
    assert list(EXAMPLES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_encoded_can_be_decoded(name):
    """Bytes and message go into each other without a difference, and the same bytes come again."""
    kind = message_type(name)
    data = kind.encode(EXAMPLES[name])
    assert kind.decode(data) == EXAMPLES[name]
    assert kind.encode(kind.decode(data)) == data


@pytest.mark.parametrize("name", NAMES)
def test_a_dict_of_text_gives_the_same_bytes(name):
    """A canonical dict whose numbers are text becomes the same message."""
    kind = message_type(name)
    assert kind.encode(kind.convert(as_dict(name))) == kind.encode(EXAMPLES[name])


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_takes_the_example_and_no_unknown_field(name):
    """The JSON Schema accepts what is encoded, and refuses a field the model does not have."""
    schema = jsonschema_rs.validator_for(message_type(name).json_schema())
    value = as_dict(name)
    assert schema.is_valid(value)
    assert not schema.is_valid(value | {"colour": "red"})
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        message_type(name).convert(value | {"colour": "red"})


@pytest.mark.parametrize("name", NAMES)
def test_every_field_says_what_it_means(name):
    """Reference pages are made from the schema: each field of each part has a description."""
    for part in message_type(name).json_schema()["$defs"].values():
        assert part["description"]
        assert all(field.get("description") for field in part["properties"].values())


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("12.50", True),
        ("-1", True),
        ("12.5.0", False),
        ("1e3", False),
        ("NaN", False),
        ("", False),
        ("1.123456", False),
        (12.5, False),
        ("12345678901234", False),
    ],
)
def test_the_schema_and_the_model_agree_on_money(value, good):
    """A decimal is text with a strict pattern, in the schema as in the model."""
    kind = message_type("cash.moved")
    changed = as_dict("cash.moved") | {"amount": value}
    assert jsonschema_rs.validator_for(kind.json_schema()).is_valid(changed) == good
    if good:
        assert kind.convert(changed).amount == Decimal(value)
    else:
        with pytest.raises(msgspec.ValidationError):
            kind.convert(changed)


def test_float_money_is_refused_wherever_it_stands():
    """A float below a list is refused with its path; in extensions it may stand."""
    value = as_dict(SALE)
    value["lines"][1]["tax"][0]["tax_amount"] = 0.24
    with pytest.raises(
        msgspec.ValidationError, match=r"send it as text.*lines\[1\].tax\[0\].tax_amount"
    ):
        message_type(SALE).convert(value)
    assert message_type(SALE).convert(as_dict(SALE) | {"extensions": {"x": {"temperature": 3.5}}})


def test_numbers_are_brought_into_normal_form():
    """Other spellings of the same numbers give the same bytes, also when they come as Decimal."""
    kind = message_type(SALE)
    value = as_dict(SALE)
    value["lines"][0]["quantity"] = Decimal("2.000")
    value["lines"][0]["net_amount"] = "12.480"
    value["totals"]["grand"] = Decimal("17.4800")
    value["lines"][0]["tax"][0]["rate"] = 20
    assert kind.encode(kind.convert(value)) == kind.encode(example_sale())
    only_decimals = msgspec.to_builtins(example_sale(), builtin_types=(Decimal,))
    only_decimals["totals"]["grand"] = Decimal("17.480")
    assert kind.encode(kind.convert(only_decimals)) == kind.encode(example_sale())


@pytest.mark.parametrize("bad", [Decimal(1) / 3, Decimal("NaN"), Decimal("1E+20")])
def test_a_decimal_out_of_range_is_refused_with_its_path(bad):
    """The result of a division, or no number at all, does not become money."""
    value = msgspec.to_builtins(example_sale(), builtin_types=(Decimal,))
    value["lines"][1]["net_amount"] = bad
    with pytest.raises(msgspec.ValidationError, match=r"\$\.lines\[1\]\.net_amount"):
        message_type(SALE).convert(value)


def test_exact_numbers_are_taken_as_they_are():
    """A caller whose numbers all come from exact.py gets the same message without a second look."""
    kind = message_type(SALE)
    value = msgspec.to_builtins(example_sale(), builtin_types=(Decimal,))
    assert kind.convert(value, exact=True) == example_sale()
    value["totals"]["grand"] = "17.480"  # text is looked at all the same
    assert kind.convert(value, exact=True) == example_sale()


@pytest.mark.parametrize(
    "changes",
    [
        {"business_unit_id": ""},
        {"business_unit_id": "x" * 256},
        {"workstation_id": None},
        {"sequence_number": -1},
        {"currency": "euro"},
        {"currency": "EUR\n"},
        {"transaction_type": "barter"},
        {"end_at": "2026-11-20T12:30:00"},
        {"business_date": "20.11.2026"},
    ],
)
def test_shape_breaches_are_refused(changes):
    """Empty ids, negative numbers, unknown enumerations and times without offset are refused."""
    with pytest.raises(msgspec.ValidationError):
        message_type(SALE).convert(as_dict(SALE) | changes)


def test_absent_and_null_are_the_same():
    """A field that is null encodes as if it were absent."""
    kind = message_type(SALE)
    assert kind.encode(kind.convert(as_dict(SALE) | {"customer_ref": None})) == kind.encode(
        example_sale()
    )


def test_a_pos_key_has_four_parts_and_the_epoch():
    """Business unit, workstation, date and number; the epoch only after a reset."""
    kind = message_type(SALE)
    assert ":".join(kind.key_parts(example_sale())) == SALE_KEY
    assert kind.key_parts(example_sale(register_epoch=2))[-1] == "e2"
    assert kind.key_space_of(example_sale()) == "pos"


def test_a_day_record_with_a_number_consumes_it():
    """A close with workstation and number lives in the key space of receipts, else in its own."""
    kind = message_type("business_day.closed")
    plain = example_day_closed()
    assert (kind.key_space_of(plain), kind.key_parts(plain)) == (
        "business_day.closed",
        ("0145", "2026-11-20"),
    )
    numbered = replace(plain, workstation_id="03", sequence_number=0)
    assert (kind.key_space_of(numbered), kind.key_parts(numbered)) == (
        "pos",
        ("0145", "03", "2026-11-20", "0"),
    )
    assert kind.ordering_key(plain) == "0145"
    assert kind.ordering_key(numbered) == "0145:03"


def test_open_and_close_of_a_day_do_not_collide():
    """The two have equal parts, so their key spaces differ."""
    spaces = {message_type(f"business_day.{end}").key_space for end in ("opened", "closed")}
    assert len(spaces) == 2


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        (SALE, "17.48"),
        ("retail_transaction.voided", "-17.48"),
        ("control.recorded", None),
        ("till.settled", None),
        ("business_day.closed", None),
        ("settlement.posted", "10.00"),
        ("posting.requested", "-5.00"),
        ("price.changed", None),
    ],
)
def test_money_of_a_message(name, amount):
    """Grand total for receipts and voids, gross for settlements, none for control and day."""
    stated = message_type(name).money(EXAMPLES[name])
    assert stated == (None if amount is None else Decimal(amount))


def test_training_has_no_money():
    """A training receipt keeps its number and has no money."""
    assert message_type(SALE).money(example_sale(training=True)) is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (SALE, "0145:03"),
        ("cash.moved", "0145:03"),
        ("payment.updated", "pay-1"),
        ("settlement.posted", "acquirer"),
        ("item.changed", "4006381"),
        ("price.changed", "4006381"),
        ("posting.requested", "0145"),
    ],
)
def test_ordering_keys(name, key):
    """Related messages share a lane: register, payment, provider, item, store."""
    assert message_type(name).ordering_key(EXAMPLES[name]) == key


def test_there_is_never_an_empty_lane():
    """A message without any ordering field waits for nobody: its natural key is its lane."""
    report = PostingReported(erp="erp", document_number="J-9", amount=money("1"))
    assert message_type("posting.reported").ordering_key(report) == "erp:J-9"


def test_when_it_happened():
    """A receipt happened at its end, else at its beginning; a day at its close."""
    kind, sale = message_type(SALE), example_sale()
    assert kind.occurred_at(sale) == sale.end_at
    assert kind.occurred_at(replace(sale, end_at=None)) == sale.begin_at
    assert kind.occurred_at(replace(sale, end_at=None, begin_at=None)) is None
    closed = BusinessDayClosed(business_unit_id="1", business_date=date(2026, 1, 2))
    assert message_type("business_day.closed").occurred_at(closed) is None


def test_an_unknown_type_names_the_nearest():
    """The refusal of an unknown type has its code and the nearest name."""
    with pytest.raises(ConfigurationError) as refused:
        message_type("retail_transaction.complete")
    assert refused.value.code == "TW-1301"
    assert SALE in refused.value.advice


def test_extensions_are_sorted():
    """The order in which a vendor wrote its extras does not change the bytes."""
    kind = message_type(SALE)
    one = example_sale(extensions={"b": {"y": 1, "x": 2}, "a": 3})
    other = example_sale(extensions={"a": 3, "b": {"x": 2, "y": 1}})
    assert kind.encode(one) == kind.encode(other)


@pytest.mark.parametrize("name", NAMES)
def test_the_fields_of_the_catalogue_exist(name):
    """Key, money, ordering and time fields are fields of the struct."""
    kind = message_type(name)
    fields = set(kind.struct.__struct_fields__)
    named = {*kind.key_fields, *kind.ordering_fields, *kind.time_fields}
    assert named <= fields
    assert not kind.money_field or kind.money_field.split(".")[0] in fields
