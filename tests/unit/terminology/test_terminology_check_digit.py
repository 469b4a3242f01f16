"""Check digits find every mistyped digit and every swap of two neighbours that they promise."""

from __future__ import annotations

import pytest

from fhir_backpain.terminology.check_digit import is_loinc, is_sctid


@pytest.mark.parametrize("code", ["8302-2", "72514-3", "97909-6", "29463-7", "LA8982-6"])
def test_a_loinc_code_with_any_other_digit_is_refused(code: str) -> None:
    assert is_loinc(code)
    for place, old in enumerate(code):
        for new in "0123456789":
            if old.isdigit() and new != old:
                assert not is_loinc(code[:place] + new + code[place + 1 :])


@pytest.mark.parametrize("code", ["279039007", "1172950003", "7771000", "13645005"])
def test_an_sctid_with_any_other_digit_or_two_neighbours_swapped_is_refused(code: str) -> None:
    assert is_sctid(code)
    for place, old in enumerate(code):
        for new in "0123456789":
            if new != old:
                assert not is_sctid(code[:place] + new + code[place + 1 :])
    for place in range(len(code) - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert swapped == code or not is_sctid(swapped)


@pytest.mark.parametrize(
    "code", ["", "72514", "72514-", "-3", "72514-3 ", "X72514-3", "\uff172514-3"]
)
def test_what_does_not_look_like_a_loinc_code_is_refused(code: str) -> None:
    assert not is_loinc(code)


@pytest.mark.parametrize("code", ["", "00000", "0", "abc", "279039007 ", "27903900\uff17"])
def test_what_does_not_look_like_an_sctid_is_refused(code: str) -> None:
    assert not is_sctid(code)
