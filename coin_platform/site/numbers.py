"""Numbers as people read them: prices down to 2.0e-20, caps up to trillions, changes with a sign.

`static/numbers.js` writes the same texts in the browser; a test holds the two together. Ties are
rounded away from zero, as JavaScript's `toFixed` does.
"""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

NONE = "\N{EN DASH}"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
HUGE = 1e15  # beyond it digits say less than a power of ten
MOST_ZEROS = 3  # behind the point; more are counted, as exchanges do: 0.0₁₉20


def price(value: float | None) -> str:
    """`$91,234.56`, `$0.07500`, `$0.0₁₉20`: at least four digits that say something."""
    return signed(value, lambda size: f"${plain(size)}")


def amount(value: float | None) -> str:
    """A sum of money: `$4.92 T`, `$145.16 B`, `$52,340`."""
    return signed(value, lambda size: f"${compact(size)}")


def quantity(value: float | None) -> str:
    """A number of things: `19.95 M`, `300`."""
    return signed(value, compact)


def percent(value: float | None) -> str:
    """A share: `34.48 %`."""
    return signed(value, lambda size: f"{fixed(size, 2)} %")


def change(value: float | None) -> str:
    """A change with its sign: `+1.23 %`; what rounds to nothing has none."""
    text = percent(value)
    rises = value is not None and math.isfinite(value) and value > 0
    return f"+{text}" if rises and text != "0.00 %" else text


def signed(value: float | None, form: Callable[[float], str]) -> str:
    """The form of the size, with a minus where it is needed; a dash for what is no number."""
    if value is None or not math.isfinite(value):
        return NONE
    text = form(abs(value))
    says_something = any(digit in text for digit in "123456789")
    return f"{MINUS}{text}" if value < 0 and says_something else text


def plain(size: float) -> str:
    """Digits: two behind the point from 1 on, four that say something below."""
    if size >= HUGE:
        return scientific(size)
    if size == 0:
        return "0"
    digits, exponent = exponential(size, 3)
    if exponent >= 0:
        return fixed(size, 2)
    zeros = -exponent - 1
    if zeros <= MOST_ZEROS:
        return f"0.{'0' * zeros}{digits}"
    return f"0.0{str(zeros).translate(SUBSCRIPTS)}{digits[:2]}{digits[2:].rstrip('0')}"


def compact(size: float) -> str:
    """Two digits behind the point and a unit from a million on; whole numbers from a thousand."""
    if size >= HUGE:
        return scientific(size)
    for unit, name in UNITS:
        if float(Decimal(size / unit).quantize(Decimal("0.01"), ROUND_HALF_UP)) >= 1:
            return f"{fixed(size / unit, 2)} {name}"
    if size >= 1000 or size == int(size):  # noqa: PLR2004
        return fixed(size, 0)
    return plain(size)


def fixed(size: float, places: int) -> str:
    """So many digits behind the point, thousands apart; `HUGE` ones as a power of ten."""
    if size >= HUGE:
        return scientific(size)
    return f"{Decimal(size).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"


def scientific(size: float) -> str:
    """A power of ten, with three digits that say something."""
    digits, exponent = exponential(size, 2)
    return f"{digits[0]}.{digits[1:]} {TIMES} 10{str(exponent).translate(SUPERSCRIPTS)}"


def exponential(size: float, places: int) -> tuple[str, int]:
    """The first `places + 1` digits and the power of ten of the first, as `toExponential` has it.

    `size` is positive.
    """
    exact = Decimal(size)
    rounded = round_to(exact, exact.adjusted() - places)
    exponent = rounded.adjusted()
    digits = "".join(map(str, rounded.as_tuple().digits))[: places + 1]
    return digits.ljust(places + 1, "0"), exponent


def round_to(exact: Decimal, exponent: int) -> Decimal:
    """Rounded to a multiple of ten to that power."""
    return (exact.scaleb(-exponent).to_integral_value(ROUND_HALF_UP)).scaleb(exponent)
