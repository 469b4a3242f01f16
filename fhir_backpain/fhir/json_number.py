"""JSON numbers, exactly as written: an int, or a Decimal that keeps every digit.

`integer` and `decimal` refuse what a server may not keep, the other two only what Python cannot.

FHIR: http://hl7.org/fhir/R4/datatypes.html#decimal
"""

from __future__ import annotations

from decimal import Decimal

MAX_DIGITS = 64
MAX_EXPONENT = 308
"""Magnitudes beyond a double's are refused: a server may not be able to keep them."""
MOST_DIGITS = 4300
"""The longest text that Python itself takes for an int."""


def integer(text: str) -> int:
    """Return the whole number in `text`. Raises ValueError where it cannot be kept exactly."""
    if text == "-0":
        raise ValueError("Minus zero cannot be kept.")
    if len(text) > MAX_DIGITS:
        raise ValueError(f"The number has more than {MAX_DIGITS} digits.")
    return int(text)


def decimal(text: str) -> Decimal:
    """Return the decimal number in `text`. Raises ValueError where it cannot be kept exactly."""
    if len(text) > MAX_DIGITS:
        raise ValueError(f"The number has more than {MAX_DIGITS} characters.")
    # Decimal itself fails on exponents of more than 18 digits, before the check below.
    if len(text.lower().partition("e")[2]) > 5:
        raise ValueError(f"The number's exponent is beyond {MAX_EXPONENT}.")
    value = Decimal(text)
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"The number's exponent is beyond {MAX_EXPONENT}.")
    if value.is_zero() and value.is_signed():
        raise ValueError("Minus zero cannot be kept.")
    return value


def any_integer(text: str) -> int | Decimal:
    """Return the whole number in `text`; minus zero is a Decimal, which keeps its sign.

    Raises ValueError where it has too many digits.
    """
    if text == "-0":
        return Decimal(text)
    if len(text) > MOST_DIGITS:
        raise ValueError(f"The number has more than {MOST_DIGITS} digits.")
    return int(text)


def any_decimal(text: str) -> Decimal:
    """Return the decimal number in `text`. Raises ValueError for an exponent out of all range."""
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError("The number's exponent is out of all range.") from None
