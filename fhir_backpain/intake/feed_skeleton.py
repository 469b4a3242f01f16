"""The text of a new feed, from the columns of its table, marked where its author must write."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence

MARK = "EDIT:"
"""The word that marks what is left to the author of a new file."""

# The quote that ends the text in YAML or JSON, with what may follow it.
_END = re.compile(r'"(?=[,}\s]|$)')
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})

# What each record type asks for beside its header.
_FIELDS = {
    "assessment": [
        f'  assessed_at: "{MARK} when it was, as {{=date: column, form: dd/mm/yyyy}}"',
    ],
    "care-plan": [
        f'  written_at: "{MARK} when it was written, as {{=date: column, form: dd/mm/yyyy}}"',
        "  status: active",
        "  intent: plan",
    ],
    "observation": [
        f'  observed_at: "{MARK} when it was, as {{=date: column, form: dd/mm/yyyy}}"',
        f'  measure: "{MARK} a measure, as odi or {{=word: column, table: {{ODI: odi}}}}"',
        f"  # {MARK} score: {{=number: column}}",
    ],
}


def feed_text(
    name: str, makes: str, columns: Sequence[str], measures: Collection[str], encoding: str
) -> str:
    """Return a feed with a line for each column.

    A column that is named like a measure becomes a score of an assessment. Every other one is
    listed under ignore, with a reason that its author must write.
    """
    scores = _scores(columns, measures) if makes == "assessment" else {}
    others = [column for column in columns if column not in scores]
    table = "{" + (f"encoding: {encoding}, " if encoding != "utf-8" else "") + 'missing: [""]}'
    lines = [
        f"# What a row of the table becomes. Each {MARK.rstrip(':')} is yours to write.",
        f"feed: {name}",
        f"makes: {makes}",
        "# parameters: {exported_at: instant}     # what --set gives, as =parameter.exported_at",
        f"table: {table}",
        "record:",
        "  # test_data: true     # only where every row is made up",
        f"  id: \"{MARK} what names a row for life, as =column or {{=text: '{{mrn}}-{{visit}}'}}\"",
        f'  source: "{MARK} the system that the table is from, as an absolute URI"',
        "  patient:",
        "    identifier:",
        f'      system: "{MARK} whose patient numbers these are, as an absolute URI"',
        f'      value: "{MARK} the column with the number of the patient, as =column"',
        *_FIELDS[makes],
        *(["  scores:"] if scores else []),
        *(_score(column, measure) for column, measure in scores.items()),
        *(["ignore:"] if others else []),
        *(_ignored(column) for column in others),
    ]
    return "\n".join(lines) + "\n"


def unwritten(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and words of each mark that is left in a text.

    >>> list(unwritten('a: 1\\nid: "EDIT: what names a row."'))
    [(2, 6, 'what names a row')]
    """
    for number, line in enumerate(text.splitlines(), start=1):
        column = line.find(MARK)
        if column >= 0:
            wanted = _END.split(line[column + len(MARK) :])[0].strip().rstrip(".")
            yield number, column + 1, wanted


def quoted(text: str) -> str:
    """Return text as YAML writes it on one line, in quotes where it needs them."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def _scores(columns: Sequence[str], measures: Collection[str]) -> dict[str, str]:
    """Return the measure of each column that is named like one."""
    known = {_squeezed(measure): measure for measure in measures}
    return {column: known[_squeezed(column)] for column in columns if _squeezed(column) in known}


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _score(column: str, measure: str) -> str:
    return f"    - {{measure: {measure}, score: {{=number: {quoted(column)}}}}}"


def _ignored(column: str) -> str:
    reason = f"{MARK} map this column above, or say why it is left out"
    return f'  - {{path: {quoted(column)}, because: "{reason}"}}'
