"""GS1: known check digits, and the zero-padded PLU trap."""

import pytest

from tillway.model.gs1 import check_digit, gtin14, has_valid_check_digit, item_id_type


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("400638133393", 1),
        ("541000010000", 9),
        ("00614141123456789", 0),
        ("9638507", 4),
    ],
)
def test_check_digits_are_the_known_ones(digits, expected):
    """EAN-13, GLN, SSCC and GTIN-8 share one check digit."""
    assert check_digit(digits) == expected
    assert has_valid_check_digit(f"{digits}{expected}")
    assert not has_valid_check_digit(f"{digits}{(expected + 1) % 10}")


@pytest.mark.parametrize("bad", ["", "12a", "١٢٣", "-12"])
def test_only_digits_have_a_check_digit(bad):
    """Other signs than ASCII digits are refused."""
    with pytest.raises(ValueError, match="digits"):
        check_digit(bad)


@pytest.mark.parametrize(
    ("text", "filled"), [("4006381333931", "04006381333931"), ("96385074", "00000096385074")]
)
def test_a_gtin_is_filled_to_14_digits(text, filled):
    """Shorter GTINs are zero-filled on the left."""
    assert gtin14(text) == filled


@pytest.mark.parametrize("bad", ["4006381333930", "123", "400638133393", "4006381333931x", ""])
def test_what_is_no_gtin_is_refused(bad):
    """A wrong length or check digit is no GTIN."""
    with pytest.raises(ValueError, match="not a GTIN"):
        gtin14(bad)


@pytest.mark.parametrize(
    ("raw", "appended", "expected"),
    [
        ("00000000940115", True, ("plu", "94011", None)),
        ("00000000940115", False, ("plu", "940115", None)),
        ("4011", False, ("plu", "4011", None)),
        ("4011", True, ("plu", "4011", None)),  # no valid check digit: none was appended
        ("0000", True, ("plu", "0", None)),
        ("4006381333931", True, ("gtin", "04006381333931", "04006381333931")),
        ("04006381333931", False, ("gtin", "04006381333931", "04006381333931")),
        ("96385074", False, ("gtin", "00000096385074", "00000096385074")),
        ("00000096385074", True, ("gtin", "00000096385074", "00000096385074")),
        ("4006381333930", False, ("sku", "4006381333930", None)),
        ("00212345000005", True, ("restricted", "00212345000005", None)),
        ("2412345000008", False, ("restricted", "02412345000008", None)),
        ("0212345000005", False, ("restricted", "00212345000005", None)),
        ("123456789", False, ("sku", "123456789", None)),
        ("AB-12", True, ("sku", "AB-12", None)),
    ],
)
def test_item_ids_are_told_apart(raw, appended, expected):
    """Few significant digits are a PLU, then come store-internal prefixes, GTINs and SKUs."""
    assert item_id_type(raw, appended_check_digit=appended) == expected
