"""Every kind of problem that reading a source reports, numbered 2010 to 2049."""

from __future__ import annotations

from fhir_backpain.outcome import Message

MISSING_SOURCE = Message(
    2010, "not-found", "No such file", "Check the path, or give - to read standard input.",
)  # fmt: skip
UNREADABLE_SOURCE = Message(
    2011, "forbidden", "The source cannot be read",
    "Give the path of a file that this user may read.",
)  # fmt: skip
EMPTY_SOURCE = Message(
    2012, "required", "The source is empty", "Check the export that wrote it, and run it again.",
)  # fmt: skip
WRONG_KIND = Message(
    2013, "not-supported", "Not a text file that is read here",
    "Export JSON, NDJSON or CSV in UTF-8, plain or gzip.",
)  # fmt: skip
DAMAGED_GZIP = Message(
    2014, "incomplete", "The gzip file is damaged", "Transfer or pack the file again.",
)  # fmt: skip
GZIP_TOO_LARGE = Message(
    2015, "too-costly", "The gzip file unpacks to too much",
    "Unpack and look at the file, or raise the limit if it is what it should be.",
)  # fmt: skip
RECORD_TOO_LONG = Message(
    2016, "too-long", "The record is too large", "Split the record, or raise the limit.",
)  # fmt: skip
NOT_A_RECORD = Message(
    2017, "structure", "Not a record", "Write each record as a JSON object in braces.",
)  # fmt: skip
CUT_OFF = Message(
    2018, "incomplete", "The source ends too early",
    "Export or transfer it again: it seems to be cut off.", severity="fatal",
)  # fmt: skip
BROKEN_LIST = Message(
    2019, "structure", "The list of records is broken", "Put one comma between two records.",
)  # fmt: skip
TEXT_AFTER_END = Message(
    2020, "structure", "Text after the end",
    "Remove what follows, or put the records in one list, or one a line in an .ndjson file.",
    severity="fatal",
)  # fmt: skip
LOST_PLACE = Message(
    2021, "too-costly", "The record's end cannot be found",
    "Correct the record; what follows it was not read.", severity="fatal",
)  # fmt: skip
COLUMN_NAME = Message(
    2030, "structure", "The header is not usable", "Give every column one name of its own.",
)  # fmt: skip
NO_HEADER = Message(
    2031, "required", "The header is missing", "Write the column names in the first row.",
)  # fmt: skip
CELL_COUNT = Message(
    2032, "structure", "Wrong number of cells",
    "Give the row as many cells as the header has; quote cells that hold the delimiter.",
)  # fmt: skip
CSV_QUOTE = Message(
    2033, "structure", "Wrong use of quotes",
    "Put the whole cell in double quotes, and double each quote inside it.",
)  # fmt: skip
CSV_CHARACTER = Message(
    2034, "value", "A character that is not text", "Remove the character from the row.",
)  # fmt: skip
WRONG_ENCODING = Message(
    2035, "structure", "Wrong character encoding",
    "Save the file as UTF-8, or name its encoding (cp1252 for older Windows exports).",
)  # fmt: skip
UNKNOWN_ENCODING = Message(
    2036, "not-supported", "Unknown encoding", "Give a name such as utf-8, cp1252 or utf-16.",
)  # fmt: skip
WRONG_DELIMITER = Message(
    2037, "structure", "The delimiter is not clear",
    "Name the delimiter: a comma, semicolon, tab or vertical bar.",
)  # fmt: skip
LINE_END = Message(
    2038, "structure", "A carriage return inside a row",
    "End each line with a line feed, alone or after the carriage return.",
)  # fmt: skip
