"""A table knows whether every number it makes is in the model's normal form."""

from __future__ import annotations

import msgspec
import pytest

from cash_table import HEAD, RECORD, cash_table
from tillway.mapping import load_table
from tillway.model import message_type
from tillway.model.normal_form import is_in_normal_form


@pytest.mark.parametrize(
    "amount",
    [
        "money(a)",
        'round_money(a, "EUR")',
        'from_minor(no, "EUR")',
        "choose(no == 7, money(a), money(b))",
        "coalesce(money(c), money(a))",
        "money(a) if no == 7 else None",
    ],
)
def test_a_number_out_of_a_money_function_needs_no_second_look(amount: str) -> None:
    """Such a table is exact, and what it makes is in normal form indeed."""
    table = cash_table(amount)
    assert table.exact
    kind = message_type("cash.moved")
    message = kind.convert(table.apply(RECORD), exact=True)
    assert is_in_normal_form(message)
    assert message == kind.convert(table.apply(RECORD))


@pytest.mark.parametrize(
    "amount",
    [
        "a",
        "decimal(a)",
        "negate(money(a))",
        "money(a) + money(b)",
        "coalesce(a, money(b))",
        "choose(no == 7, money(a), b)",
        "12.5",
    ],
)
def test_any_other_number_is_looked_at_again(amount: str) -> None:
    """Such a table is not exact, and its number comes out in normal form all the same."""
    table = cash_table(amount)
    assert not table.exact
    kind = message_type("cash.moved")
    assert is_in_normal_form(kind.convert(table.apply(RECORD), exact=table.exact))


def test_a_part_passed_on_whole_is_looked_at_again() -> None:
    """A row that hands over a whole part of the source vouches for no number inside it."""
    lines = "tenders = 'list_of(first(payments))'\n"
    text = HEAD.replace("cash.moved", "retail_transaction.completed")
    text = "\n".join(row for row in text.splitlines() if "_type  " not in row) + "\n"
    rows = "transaction_type = '\"sale\"'\ntax_included = 'True'\n\"totals.grand\" = 'money(a)'\n"
    assert load_table(text + rows, name="sale", codes={}).exact
    table = load_table(text + rows + lines, name="sale", codes={})
    assert not table.exact
    made = table.apply({**RECORD, "payments": [{"tender_type": "cash", "amount": 12.5}]})
    with pytest.raises(msgspec.ValidationError, match="float"):
        message_type("retail_transaction.completed").convert(made, exact=table.exact)


def test_a_table_for_a_target_is_never_exact() -> None:
    """Only canonical messages have a normal form of numbers."""
    text = 'output = "erp.document"\nversion = 1\n[map]\ntotal = "money(a)"\n'
    assert not load_table(text, name="erp", codes={}).exact
