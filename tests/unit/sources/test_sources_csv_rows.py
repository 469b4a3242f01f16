import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_backpain.errors import SourceError
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import RejectedRecord
from fhir_backpain.sources.csv_rows import Row, open_rows, read_rows
from fhir_backpain.sources.limits import SourceLimits

Found = list[Row | RejectedRecord]


def rows(text: bytes | str, **options: object) -> Found:
    content = text.encode() if isinstance(text, str) else text
    return list(read_rows(io.BytesIO(content), "in.csv", **options))  # type: ignore[arg-type]


def refusal(text: bytes | str, **options: object) -> Issue:
    with pytest.raises(SourceError) as caught:
        rows(text, **options)
    return caught.value.issues[0]


def test_a_row_is_its_cells_by_column_with_its_real_line() -> None:
    found = rows('id,note,n\n1,"a\nb, ""c""",2\n\n3, d ,\n')
    assert found == [
        Row({"id": "1", "note": 'a\nb, "c"', "n": "2"}, 2),
        Row({"id": "3", "note": " d ", "n": ""}, 5),
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_seen_in_the_header(mark: str) -> None:
    header = mark.join(["id", '"a, b; c | d"', "n"])
    assert rows(f"{header}\n{mark.join('123')}\n") == [
        Row({"id": "1", "a, b; c | d": "2", "n": "3"}, 2)
    ]


def test_another_delimiter_can_be_given() -> None:
    assert rows("a:b\n1:2", delimiter=":") == [Row({"a": "1", "b": "2"}, 2)]


def test_one_column_needs_no_delimiter() -> None:
    assert rows("id\n7\n") == [Row({"id": "7"}, 2)]
    assert rows("id\n7\n", delimiter=";") == [Row({"id": "7"}, 2)]


def test_a_header_alone_gives_no_rows() -> None:
    assert rows("id,n") == []


def test_rows_without_any_value_are_passed_over() -> None:
    assert rows('id,n\n,\n""\n,,,\n1,2') == [Row({"id": "1", "n": "2"}, 5)]


@pytest.mark.parametrize(
    ("encoding", "start"),
    [
        ("utf-8", "\ufeff"),
        ("utf-8-sig", "\ufeff"),
        ("cp1252", ""),
        ("utf-16", ""),
        ("utf-16-le", "\ufeff"),
        ("shift_jis", ""),
        ("utf-32", ""),
    ],
)
def test_the_encoding_can_be_given(encoding: str, start: str, tmp_path: Path) -> None:
    text = "\u30c6\u30b9\u30c8" if encoding == "shift_jis" else "M\xfcller"
    written = "utf-8" if encoding == "utf-8-sig" else encoding
    path = tmp_path / "in.csv"
    path.write_bytes(f"{start}name,n\r\n{text},1\r\n".encode(written))
    assert list(open_rows(path, encoding=encoding)) == [Row({"name": text, "n": "1"}, 2)]


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"id\n7"))
    assert list(open_rows(path)) == [Row({"id": "7"}, 2)]


@pytest.mark.parametrize(
    ("header", "number", "words"),
    [
        ("id,,n", 2030, "Column 2 has no name"),
        ("id,n,", 2030, "Column 3 has no name"),
        ("id,n, id ", 2030, "Columns 1 and 3"),
        ("id,n\x07", 2030, "column 2"),
        ("P001,7,42.5", 2031, "Cell 2"),
        ("name,2026-03-01", 2031, "Cell 2"),
        ("name,1.3.2026", 2031, "Cell 2"),
        ('id,"n', 2033, "closing quote"),
        ('id,n"m"', 2033, "inside a cell"),
        ("id,n;m", 2037, "a comma and a semicolon"),
        ("id\rn\r1", 2038, "carriage return"),
    ],
)
def test_a_header_that_is_not_clear_is_refused(header: str, number: int, words: str) -> None:
    issue = refusal(f"\n{header}\nx,y\n")
    assert issue.number == number
    assert words in issue.text
    assert issue.source is not None
    assert (issue.source.file, issue.source.line) == ("in.csv", 2)


def test_no_text_repeats_what_stands_in_a_first_row_that_is_no_header() -> None:
    for row in ("Smith,Smith,5", "Smith,1960-01-01", "Smith,,x"):
        assert "Smith" not in str(refusal(row))
        assert "1960" not in str(refusal(row))


def test_a_wrong_delimiter_is_refused() -> None:
    issue = refusal("id;n\n1;2\n", delimiter=",")
    assert (issue.number, "semicolon" in issue.text) == (2037, True)
    for mark in ("", "ab", '"', "\n"):
        assert refusal("id,n\n", delimiter=mark).number == 2037


def test_an_unknown_encoding_is_refused() -> None:
    for name in ("klingon", "zlib", "utf-8\0"):
        assert refusal("id\n", encoding=name).number == 2036


def test_a_header_in_another_encoding_is_refused() -> None:
    issue = refusal(b"gr\xf6\xdfe,n\n")
    assert issue.number == 2035
    assert "offset 2" in issue.text


@pytest.mark.parametrize(
    ("row", "number", "line", "column"),
    [
        ("2", 2032, 3, None),
        ("2,x,y", 2032, 3, None),
        ('2,"x', 2033, 3, 3),
        ('2,x"', 2033, 3, 4),
        ('"2"3,x', 2033, 3, 4),
        ('2,"x ""y" z', 2033, 3, 10),
        ("2,x\0", 2034, 3, 4),
        ('"a\nb\0",x', 2034, 4, 2),
        ("2\r3,x", 2038, 3, 2),
        (b"2,M\xfcller", 2035, 3, 4),
        ("2," + "x" * 1000, 2016, 3, None),
    ],
)
def test_a_bad_row_leaves_its_neighbours_unharmed(
    row: str | bytes, number: int, line: int, column: int | None
) -> None:
    content = row if isinstance(row, bytes) else row.encode()
    text = b"id,n\n1,a\n" + content + b"\n3,c\n4,d"
    found = rows(text, limits=SourceLimits(max_record=500))
    good = [one.values for one in found if isinstance(one, Row)]
    assert good == [{"id": "1", "n": "a"}, {"id": "3", "n": "c"}, {"id": "4", "n": "d"}]
    bad = [one for one in found if isinstance(one, RejectedRecord)]
    assert len(bad) == 1
    assert isinstance(found[1], RejectedRecord)
    issue = bad[0].issues[0]
    assert (issue.number, bad[0].location.line) == (number, 3)
    assert issue.source == SourceLocation(file="in.csv", line=line, column=column)


def test_an_unclosed_quote_takes_only_its_own_line_with_it() -> None:
    later = "".join(f"{number},x\n" for number in range(3, 50))
    found = rows(f'id,n\n1,a\n2,"b\n{later}', limits=SourceLimits(max_row_lines=10))
    assert [one.line for one in found if isinstance(one, Row)] == [2, *range(4, 51)]
    found = rows(f'id,n\n1,a\n2,"b\n{later}', limits=SourceLimits(max_record=40))
    assert [one.line for one in found if isinstance(one, Row)] == [2, *range(4, 51)]


def test_the_offset_of_a_wrong_byte_counts_from_the_file() -> None:
    found = rows(b"id\r\n" + b"x" * 96 + b"\r\n\xff\r\n")
    assert isinstance(found[-1], RejectedRecord)
    assert "offset 102" in found[-1].issues[0].text


def test_a_stream_that_breaks_halfway_ends_in_a_fatal_reading(tmp_path: Path) -> None:
    text = "id\n".encode("utf-16") + "7\n".encode("utf-16-le") * 100 + b"x"
    found = rows(text, encoding="utf-16")
    assert isinstance(found[-1], RejectedRecord)
    assert (found[-1].issues[0].number, found[-1].issues[0].severity) == (2035, "fatal")


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r") | st.sampled_from('",;\n'), max_size=8
)


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read(
    table: list[list[str]], mark: str, line_end: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=mark, lineterminator=line_end)
    writer.writerow(["id", "note", "n"])
    writer.writerows(table)
    found = rows(text.getvalue(), delimiter=mark)
    expected = [dict(zip(["id", "note", "n"], cells, strict=True)) for cells in table if any(cells)]
    assert [one.values if isinstance(one, Row) else one for one in found] == expected
