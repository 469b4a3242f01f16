"""The page of the instruments: what each measure is, what its scores mean, and who says so."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fhir_backpain.instruments.instrument import Instrument, Measure
from fhir_backpain.instruments.scoring_rule import Formula, Rule, Scoring
from fhir_backpain.mapping.library import Library, load_library

_INTRODUCTION = """\
# Instruments and measures

What a record may name as `scale`, `measure` or `instrument`. A new one is a file of
`mappings/instruments`; nothing else is needed ([how](../howto/add-an-instrument.md)).

- Scores are carried as they are given. Where a record also gives the answers, and the score names
  them with `questionnaire`, the two are held against each other: a score that contradicts its
  answers is refused, rounding aside. With more answers missing than the rule allows, the score is
  taken and a warning says that it could not be checked. Answers without a score are taken, and an
  information says that a score could be computed.
- Bands and important changes come from the studies that are named. They say what a score or a
  change means for a group of patients like those of the study; they decide nothing.
- Several scores of one instrument in one assessment also give a panel, whose members they are.
- Answers go into a QuestionnaireResponse by number. No Observation is made of a single answer, and
  no wording is carried: the owners' licences allow scores, few of them more.
"""


def instruments_page() -> str:
    """Return the page of every instrument and measure."""
    library = load_library()
    lines = [*_INTRODUCTION.splitlines(), ""]
    for instrument in library.instruments.values():
        lines += _instrument(instrument, library)
    return "\n".join(lines)


def _instrument(instrument: Instrument, library: Library) -> Iterator[str]:
    yield from (f"## {instrument.title}", "")
    yield from (f"`{instrument.key}`, {instrument.domain}. {instrument.licence}", "")
    yield "| measure | code | unit | range | better | important change |"
    yield "|---|---|---|---|---|---|"
    for measure in instrument.measures.values():
        yield _row(measure, library)
    yield ""
    notes = [*_bands(instrument), *_changes(instrument), *_scoring(instrument)]
    yield from [*notes, ""] if notes else ()


def _row(measure: Measure, library: Library) -> str:
    concept = library.concepts[measure.code]
    unit = library.concepts[measure.unit].code if measure.unit else "a level"
    low_high = measure.value_range
    shown = f"{low_high[0]} to {low_high[1]}" if low_high else ", ".join(measure.levels)
    better = (measure.direction or "").removesuffix("-is-better")
    return (
        f"| `{measure.key}` | {concept.display} ({concept.code}) | `{unit}` | {shown} "
        f"| {better} | {_change(measure)} |"
    )


def _change(measure: Measure) -> str:
    change = measure.important_change
    if change is None:
        return ""
    return f"{change.value} %" if change.is_percent else str(change.value)


def _bands(instrument: Instrument) -> Iterator[str]:
    for measure in instrument.measures.values():
        if measure.bands:
            steps = ", ".join(f"{band.name} to {band.upto}" for band in measure.bands)
            yield f"- Bands of `{measure.key}`: {steps}. Source: {measure.bands[0].source}."


def _changes(instrument: Instrument) -> Iterator[str]:
    for measure in instrument.measures.values():
        if measure.important_change:
            source = measure.important_change.source
            yield f"- Important change of `{measure.key}`: {_change(measure)}. Source: {source}."


def _scoring(instrument: Instrument) -> Iterator[str]:
    scoring = instrument.scoring
    if instrument.unscored:
        yield f"- Not scored from answers: {instrument.unscored}"
    if scoring is None:
        return
    for measure, rule in scoring.rules.items():
        yield f"- `{measure}` from answers: {_rule(rule, scoring)}."
    if scoring.is_reversed:
        yield f"- Reversed: {_listed(instrument, tuple(scoring.is_reversed))}."
    yield f"- Source of the scoring: {scoring.source}."


def _rule(rule: Rule, scoring: Scoring) -> str:
    if isinstance(rule, Formula):
        missing = "no answer may be missing"
        if rule.may_miss:
            missing = f"up to {rule.may_miss} may be missing, the mean of the others stands for it"
        return f"{rule.operation} of {_spans(rule.items, scoring.items.ids)}; {missing}"
    return ", ".join(
        f"{step.level} where `{step.measure}` is {_from_to(step.value_range)}"
        if step.measure and step.value_range
        else f"else {step.level}"
        for step in rule.steps
    )


def _from_to(value_range: tuple[Decimal, Decimal]) -> str:
    return f"{value_range[0]} to {value_range[1]}"


def _listed(instrument: Instrument, items: tuple[str, ...]) -> str:
    return _spans(items, instrument.items.ids if instrument.items else ())


def _spans(items: tuple[str, ...], ids: tuple[str, ...]) -> str:
    """Return items in words; those that stand beside each other as a span."""
    spans: list[list[str]] = []
    for item in sorted(items, key=ids.index):
        if spans and ids.index(item) == ids.index(spans[-1][-1]) + 1:
            spans[-1].append(item)
        else:
            spans.append([item])
    words = [one[0] if len(one) == 1 else f"{one[0]} to {one[-1]}" for one in spans]
    return f"item {words[0]}" if len(items) == 1 else f"items {', '.join(words)}"
