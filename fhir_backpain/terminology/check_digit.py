"""Check digits: a mistyped LOINC code or SNOMED CT identifier shows by itself.

LOINC: the last digit is the mod 10 check of what stands before the hyphen, the letters of an
answer code included, http://loinc.org/kb/users-guide.
SNOMED CT: the last digit is the Verhoeff check of the others, http://snomed.org/sctid.
"""

from __future__ import annotations

import re

_LOINC = re.compile(r"((?:LA)?[0-9]{1,8})-([0-9])")
_SCTID = re.compile(r"[1-9][0-9]{5,17}")

# One step of the Verhoeff permutation; the eight positions repeat it.
_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_loinc(code: str) -> bool:
    """True for a LOINC code or answer code whose check digit is right.

    >>> is_loinc("72514-3"), is_loinc("72514-4"), is_loinc("LA9194-7"), is_loinc("72514")
    (True, False, True, False)
    """
    match = _LOINC.fullmatch(code)
    return match is not None and _luhn(match[1]) == int(match[2])


def is_sctid(code: str) -> bool:
    """True for a SNOMED CT identifier whose check digit is right.

    >>> is_sctid("279039007"), is_sctid("279039070"), is_sctid("279039006"), is_sctid("7")
    (True, False, False, False)
    """
    if _SCTID.fullmatch(code) is None:
        return False
    check = 0
    for position, digit in enumerate(reversed(code)):
        permuted = int(digit)
        for _ in range(position % 8):
            permuted = _STEP[permuted]
        check = _turned(check, permuted)
    return check == 0


def _luhn(text: str) -> int:
    """Return the check digit; a letter counts by its distance from the character 0."""
    total = 0
    for position, character in enumerate(reversed(text)):
        value = ord(character) - ord("0")
        total += 2 * value - value // 5 * 9 if position % 2 == 0 else value
    return -total % 10


def _turned(one: int, other: int) -> int:
    """Return the product of two elements of the dihedral group of the pentagon."""
    if one < 5:
        return (one + other) % 5 if other < 5 else 5 + (one + other) % 5
    return 5 + (one - other) % 5 if other < 5 else (one - other) % 5
