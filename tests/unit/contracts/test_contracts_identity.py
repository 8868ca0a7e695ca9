"""A fact that nothing identifies breaks the shape, and the breach names both ways out."""

from __future__ import annotations

import pytest

from tillway.contracts import shape_violations
from tillway.model import message_type
from tillway.testing.examples import EXAMPLES

SALE = "retail_transaction.completed"


def _values(**changes):
    """Return the example sale as plain values, with changes; None leaves a field out."""
    kind = message_type(SALE)
    sale = EXAMPLES[SALE]
    values = {name: getattr(sale, name) for name in kind.struct.__struct_fields__}
    values = {"business_unit_id": values["business_unit_id"], **changes}
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["workstation_id", "sequence_number"]),
        ({"workstation_id": "03"}, ["sequence_number"]),
        ({"sequence_number": 7}, ["workstation_id"]),
        ({"workstation_id": "03", "sequence_number": 7}, []),
        ({"object_id": "or-1"}, []),
    ],
)
def test_what_is_missing_of_an_identity_is_told(given, missing):
    """Each missing half is named once, with what would do instead."""
    found = [one for one in shape_violations(SALE, _values(**given)) if "object_id" in one.expected]
    assert [one.path for one in found] == missing
    assert all(one.rule == "required" for one in found)
    assert all("workstation_id and sequence_number, or object_id" in one.expected for one in found)


def test_other_types_need_no_number():
    """A day's close is known by its shop and date."""
    found = shape_violations("business_day.closed", {"business_unit_id": "0145"})
    assert [one.path for one in found] == ["business_date"]
