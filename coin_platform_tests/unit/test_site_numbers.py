"""Numbers as people read them."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coin_platform.site import numbers

FORMS = [numbers.price, numbers.amount, numbers.quantity, numbers.percent, numbers.change]
ANY = st.floats(allow_nan=True, allow_infinity=True)
FINITE = st.floats(-1e308, 1e308)  # what reads as more than the largest double is read as inf
PLAIN = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "01234567890123456789-")


def value_of(text: str) -> float:
    """The number that a reader takes from a text."""
    sign = -1 if text.startswith(numbers.MINUS) else 1
    digits = text.lstrip(f"{numbers.MINUS}+").lstrip("$").replace(",", "").removesuffix(" %")
    if zeros := re.fullmatch(r"0\.0([₀-₉]+)(\d+)", digits):
        count, rest = int(zeros[1].translate(PLAIN)), zeros[2]
        return sign * float(f"{rest[0]}.{rest[1:]}e-{count + 1}")
    if power := re.fullmatch(rf"(\d\.\d\d) {numbers.TIMES} 10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", digits):
        return sign * float(f"{power[1]}e{power[2].translate(PLAIN)}")
    number, _, unit = digits.partition(" ")
    return sign * float(number) * {"": 1, "M": 1e6, "B": 1e9, "T": 1e12}[unit]


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (numbers.price, 91234.5, "$91,234.50"),
        (numbers.price, 0.075, "$0.07500"),
        (numbers.price, 2.0e-20, "$0.0₁₉20"),
        (numbers.price, 0.99999, "$1.00"),
        (numbers.price, 0, "$0"),
        (numbers.price, 1.7e21, f"$1.70 {numbers.TIMES} 10²¹"),
        (numbers.price, -3.5, f"{numbers.MINUS}$3.50"),
        (numbers.amount, 4.918432732375634e12, "$4.92 T"),
        (numbers.amount, 999_999_999, "$1.00 B"),
        (numbers.amount, 52_340.4, "$52,340"),
        (numbers.quantity, 300, "300"),
        (numbers.quantity, 19_950_000, "19.95 M"),
        (numbers.percent, 34.484, "34.48 %"),
        (numbers.change, 1.234, "+1.23 %"),
        (numbers.change, -0.4, f"{numbers.MINUS}0.40 %"),
        (numbers.change, -0.0001, "0.00 %"),
        (numbers.change, 0.0001, "0.00 %"),
    ],
)
def test_a_number_reads_as_people_write_it(form, value, text):
    assert form(value) == text


@given(FINITE)
def test_a_price_keeps_three_digits_that_say_something_or_cents(value):
    read = value_of(numbers.price(value))
    assert math.isclose(read, value, rel_tol=0.006, abs_tol=5e-324 if abs(value) < 1 else 0.006)


@given(FINITE)
def test_an_amount_is_within_half_a_percent(value):
    assert math.isclose(value_of(numbers.amount(value)), value, rel_tol=0.0051)


@given(FINITE)
def test_a_change_says_which_way_by_its_sign_alone(value):
    text = numbers.change(value)
    way = {"+": 1, numbers.MINUS: -1}.get(text[0], 0)
    assert way in (0, math.copysign(1, value))
    assert way or abs(value) <= 0.005
    assert math.isclose(value_of(text), value, rel_tol=0.006, abs_tol=0.00501)


@given(ANY, st.sampled_from(FORMS))
def test_every_number_has_a_short_text(value, form):
    text = form(value)
    assert 0 < len(text) <= 24 + (text.count(",") * 4 if form is not numbers.amount else 0)
    assert "e" not in text
    assert "nan" not in text.lower()
    if not math.isfinite(value):
        assert text == numbers.NONE


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_known_is_a_dash(form):
    assert form(None) == form(math.nan) == form(math.inf) == numbers.NONE


@given(FINITE, FINITE)
def test_a_larger_price_never_reads_as_a_smaller_one(one, other):
    low, high = sorted((abs(one), abs(other)))
    assert value_of(numbers.price(low)) <= value_of(numbers.price(high))
