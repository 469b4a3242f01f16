"""The generated reference pages say what the code says."""

from __future__ import annotations

import pytest

from docs.generate import FOLDER, pages

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name], "run `make docs`"


def test_no_other_page_is_kept_there() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)
