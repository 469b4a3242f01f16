"""JSON numbers, exactly as written: an int, or a Decimal that keeps every digit.

FHIR: http://hl7.org/fhir/R4/datatypes.html#decimal
"""

from __future__ import annotations

from decimal import Decimal

MAX_DIGITS = 64
MAX_EXPONENT = 308
"""Magnitudes beyond a double's are refused: a server may not be able to keep them."""


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
