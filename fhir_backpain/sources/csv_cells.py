"""The cells of one CSV row, strictly by RFC 4180."""

from __future__ import annotations

import re
from functools import lru_cache


class CellError(Exception):
    """What is wrong with a row's quotes, and the offset of the character where it is seen."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.text = text
        self.offset = offset


def split_cells(row: str, delimiter: str) -> list[str]:
    """Return the cells of one row without its line end. Raises CellError for wrong quotes.

    >>> split_cells('a,"b, c",', ",")
    ['a', 'b, c', '']
    """
    if '"' not in row:
        return row.split(delimiter)
    cell = _cell(delimiter)
    cells: list[str] = []
    at = 0
    while True:
        match = cell.match(row, at)
        if match is None:
            raise CellError("The closing quote of this cell is missing.", at)
        quoted, plain = match.group(1, 2)
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if at == len(row):
            return cells
        if row[at] != delimiter:
            raise _misplaced(at, plain is None)
        at += 1


def _misplaced(at: int, behind_quotes: bool) -> CellError:
    if behind_quotes:
        return CellError("Text follows the closing quote of a cell.", at)
    return CellError("A quote stands inside a cell without quotes.", at)


@lru_cache(maxsize=16)
def _cell(delimiter: str) -> re.Pattern[str]:
    plain = f'([^"{re.escape(delimiter)}]*)'
    return re.compile(f'"([^"]*+(?:""[^"]*+)*+)"|(?!"){plain}')
