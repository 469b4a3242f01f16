"""The plan of a mapping as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from fhir_backpain.mapping.check.profile_gaps import Gap
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.trace.plan import PlanLine


def headline(declaration: Declaration) -> Iterator[str]:
    """Yield what a mapping says of itself before its template."""
    place = declaration.location
    sources = ", ".join(declaration.sources)
    yield f"{declaration.name}: {declaration.makes} from {sources} ({place.file})"
    if declaration.repetition:
        yield "  for each {} as {}".format(*declaration.repetition)
    if declaration.condition:
        yield f"  when {declaration.condition}"
    for condition in declaration.only_if_new:
        yield f"  only if new, where {condition}"
    key = " / ".join(("=" if part.is_path else "") + part.text for part in declaration.key)
    yield f"  one for each {declaration.belongs_to}{f' and {key}' if key else ''}"
    for ignored in declaration.ignored:
        yield f"  ignores {ignored.path}: {ignored.because}"
    yield ""


def plan_table(declaration: Declaration, lines: Sequence[PlanLine]) -> Iterator[str]:
    """Yield a row for each element: line of the file, element, function, sources, conditions."""
    heads = ("line", "element", "made by")
    rows = [(_line(line), line.element, _made_by(line)) for line in lines]
    first, second = (max(len(row[at]) for row in [heads, *rows]) for at in (0, 1))
    yield f"{heads[0]:>{first}}  {heads[1]:<{second}}     {heads[2]}"
    for line, (number, element, made_by) in zip(lines, rows, strict=True):
        yield f"{number:>{first}}  {element:<{second}}  <- {made_by}"
        for note in _notes(declaration, line):
            yield " " * (first + second + 7) + note


def gap_list(gaps: Sequence[Gap]) -> Iterator[str]:
    """Yield what a claimed profile wants to be supported and the mapping never fills."""
    if gaps:
        yield ""
        yield "must be supported, but is never filled:"
        yield from (f"  {gap.element} ({gap.profile})" for gap in gaps)


def _line(line: PlanLine) -> str:
    """Return the line in the mapping's own file, where a fragment is used there."""
    return str(line.used_at[0].line if line.used_at else line.mapping.line)


def _made_by(line: PlanLine) -> str:
    if line.function == "literal":
        return f"{line.written!r}"
    inside = [str(line.written)] if line.written is not None else []
    return f"{line.function}({', '.join([*inside, *line.sources])})"


def _notes(declaration: Declaration, line: PlanLine) -> Iterator[str]:
    own = 1 if declaration.repetition else 0
    yield from (f"for each {path}" for path in line.repetitions[own:])
    yield from (f"when {text}" for text in line.conditions[1 if declaration.condition else 0 :])
    if line.concept_map:
        yield f"by concept map {line.concept_map}"
    if line.instead is not None:
        yield f"else {line.instead!r}"
    if line.alternative:
        yield f"alternative {line.alternative}"
    if line.used_at:
        yield f"in {PurePath(line.mapping.file).name}:{line.mapping.line}"
    if line.one_way:
        yield f"one-way: {line.one_way}"
