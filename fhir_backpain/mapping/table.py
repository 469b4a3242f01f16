"""Reads a table through a feed mapping: rows become records, and every column is accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fhir_backpain.artifacts.located_yaml import YamlScalar
from fhir_backpain.errors import SourceError
from fhir_backpain.fhir import json_text
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.feed import Feed, RowContext
from fhir_backpain.mapping.functions.arguments import arguments, option
from fhir_backpain.mapping.scope import PARAMETER
from fhir_backpain.mapping.template import (
    FirstOf,
    ListTemplate,
    Literal,
    ObjectTemplate,
    Slot,
    Template,
    When,
)
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.record import Reading, RejectedRecord, SourceRecord
from fhir_backpain.sources.csv_rows import Row, open_rows

Check = Callable[[Any], list[Issue]]


@dataclass(slots=True)
class ColumnAccount:
    """What became of one column: where its values went, or why they went nowhere."""

    column: str
    fate: str
    detail: str
    filled: int = 0
    empty: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the account as JSON data."""
        return {
            "column": self.column,
            "fate": self.fate,
            "detail": self.detail,
            "filled": self.filled,
            "empty": self.empty,
        }


@dataclass(slots=True)
class TableReader:
    """Reads one table. `columns` and `issues` are complete once every row was read.

    `check` is the record check; its findings are moved to the column that they came from. What it
    tells of a good row goes to `tell`, by default to `issues`.
    """

    path: Path
    feed: Feed
    parameters: Mapping[str, str]
    check: Check
    columns: list[ColumnAccount] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    tell: Callable[[Issue], None] | None = None

    def __iter__(self) -> Iterator[Reading]:
        """Yield a record or a rejection for each row; raises SourceError for an unusable table."""
        form = self.feed.form
        rows = open_rows(
            self.path, delimiter=form.delimiter, encoding=form.encoding, on_header=self._open
        )
        for row in rows:
            yield row if isinstance(row, RejectedRecord) else self._read(row)

    def _open(self, header: tuple[str, ...]) -> None:
        """Account for the header; a column that nothing explains is an issue of the run."""
        ignored = {item.path: item.because for item in self.feed.ignored}
        targets: dict[str, list[str]] = {}
        for column, path in _targets(self.feed.template, ""):
            targets.setdefault(column, []).append(path)
        for column in header:
            if column in self.feed.columns:
                account = ColumnAccount(column, "mapped", ", ".join(targets.get(column, [])))
            elif column in ignored:
                account = ColumnAccount(column, "ignored", ignored[column])
            else:
                account = ColumnAccount(column, "unmapped", "no rule of the feed names it")
                self._note(messages.COLUMN_UNKNOWN.issue, column, "is neither mapped nor ignored")
            self.columns.append(account)
        for column in sorted((self.feed.columns | set(ignored)) - set(header)):
            self._note(messages.COLUMN_MISSING.issue, column, "is not in the table")

    def _note(self, issue: Callable[..., Issue], column: str, text: str) -> None:
        place = SourceLocation(file=str(self.path), line=1, field=column)
        self.issues.append(issue(f"The column '{column}' {text}.", source=place))

    def _read(self, row: Row) -> Reading:
        place = SourceLocation(file=str(self.path), line=row.line)
        cells = self._cells(row)
        context = RowContext(self.parameters)
        text = self.feed.program.make(cells, context)
        if context.problems:
            return RejectedRecord(tuple(item.moved_to(place) for item in context.problems), place)
        try:
            data = json_text.parse(text)
        except SourceError as error:
            found = [self._located(_without_place(item), cells, place) for item in error.issues]
            return RejectedRecord(tuple(found), place)
        found = [self._located(issue, cells, place) for issue in self.check(data)]
        if any(issue.is_error for issue in found):
            return RejectedRecord(tuple(found), place)
        for issue in found:
            (self.tell or self.issues.append)(issue)
        return SourceRecord(data, place.at(record=data["id"]))

    def _cells(self, row: Row) -> dict[str, str]:
        """Return the cells that hold a value, counting them."""
        missing = self.feed.form.missing
        cells = {}
        for account in self.columns:
            cell = row.values[account.column].strip()
            if cell in missing:
                account.empty += 1
            else:
                account.filled += 1
                cells[account.column] = cell
        return cells

    def _located(self, issue: Issue, cells: Mapping[str, str], place: SourceLocation) -> Issue:
        pointer = issue.source.pointer if issue.source else None
        columns = _columns_at(self.feed.template, (pointer or "").split("/")[1:], cells)
        return issue.moved_to(place.at(field=", ".join(columns) or None))


def _without_place(issue: Issue) -> Issue:
    """Return the issue without line and column: those of the made text would mislead."""
    pointer = issue.source.pointer if issue.source else None
    return replace(issue, source=SourceLocation(pointer=pointer))


def _targets(node: Template, path: str) -> Iterator[tuple[str, str]]:
    """Yield (column, record path) for each slot of a template."""
    if isinstance(node, Slot):
        for column in _slot_columns(node):
            yield column, path
    elif isinstance(node, ObjectTemplate):
        for key, item in node.members.items():
            yield from _targets(item, f"{path}.{key}" if path else key)
    elif isinstance(node, ListTemplate):
        for index, item in enumerate(node.items):
            yield from _targets(item, f"{path}[{index}]")
    elif isinstance(node, When):
        yield from _targets(node.body, path)
    elif isinstance(node, FirstOf):
        for item in node.alternatives:
            yield from _targets(item, path)


def _slot_columns(slot: Slot) -> list[str]:
    if slot.function == "text" and isinstance(slot.argument, YamlScalar):
        return [part.partition("}")[0] for part in slot.argument.text.split("{")[1:]]
    named = arguments(slot)
    offset = option(slot, "offset")
    return [name.strip('"') for name in ([*named, offset] if offset else named)]


def _columns_at(node: Template, steps: list[str], cells: Mapping[str, str]) -> list[str]:
    """Return the columns that made the value at a JSON pointer of this row's record."""
    if isinstance(node, ObjectTemplate) and steps and steps[0] in node.members:
        return _columns_at(node.members[steps[0]], steps[1:], cells)
    if isinstance(node, ListTemplate) and steps and steps[0].isdigit():
        # Items without any value were left out, so the pointer counts only the others.
        there = [item for item in node.items if _has_value(item, cells)]
        index = int(steps[0])
        return _columns_at(there[index], steps[1:], cells) if index < len(there) else []
    if isinstance(node, When):
        return _columns_at(node.body, steps, cells)
    if isinstance(node, FirstOf):
        taken = next((item for item in node.alternatives if _has_value(item, cells)), None)
        return _columns_at(taken, steps, cells) if taken else []
    return [column for column, _ in _targets(node, "") if column in cells]


def _has_value(node: Template, cells: Mapping[str, str]) -> bool:
    """True where the node is in this row's record, as the compiled template decides it."""
    if isinstance(node, Slot):
        if "else" in node.options:
            return True
        return all(name in cells or name.startswith(PARAMETER) for name in _slot_columns(node))
    if isinstance(node, ListTemplate):
        return any(_has_value(item, cells) for item in node.items)
    if isinstance(node, ObjectTemplate):
        live = [item for item in node.members.values() if _is_live(item)]
        return not live or any(_has_value(item, cells) for item in live)
    if isinstance(node, When):
        return _has_value(node.body, cells)
    if isinstance(node, FirstOf):
        return any(_has_value(item, cells) for item in node.alternatives)
    return True


def _is_live(node: Template) -> bool:
    if isinstance(node, ObjectTemplate):
        return any(_is_live(item) for item in node.members.values())
    if isinstance(node, ListTemplate):
        return any(_is_live(item) for item in node.items)
    return not isinstance(node, Literal)
