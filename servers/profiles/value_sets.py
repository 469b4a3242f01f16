"""Value sets: which codes a mapping may put where, from concept maps and instruments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fhir_backpain.fhir.canonical import ICD_10_CM, LOINC, RXNORM, SNOMED_CT
from fhir_backpain.mapping.library import Library
from fhir_backpain.terminology.concept import Concept
from servers.profiles.shorthand import code_line, document, heading, quoted

_OWNERS = {
    LOINC: "LOINC is owned by Regenstrief Institute and used under its licence, see loinc.org.",
    SNOMED_CT: "SNOMED CT is owned by SNOMED International; who uses it needs its licence.",
    ICD_10_CM: "ICD-10-CM is published by the National Center for Health Statistics.",
    RXNORM: "RxNorm is published by the National Library of Medicine.",
}

Source = Callable[[Library], Iterable[Concept]]


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A value set to be: what it is for, and where its concepts come from."""

    name: str
    title: str
    description: str
    source: Source

    @property
    def fsh_name(self) -> str:
        """Return the name by which a profile binds to it."""
        return "BackPain" + "".join(part.capitalize() for part in self.name.split("-")) + "VS"

    @property
    def id(self) -> str:
        """Return the logical id."""
        return f"backpain-{self.name}-vs"


def _mapped(*concept_maps: str) -> Source:
    """Every coding of every row of some concept maps."""
    return lambda library: (
        concept
        for name in concept_maps
        for row in library.concept_maps[name].rows.values()
        for concept in row.concepts
    )


def _measured(*domains: str) -> Source:
    """The codes of the measures of all instruments of some domains."""
    return lambda library: (
        library.concepts[measure.code]
        for instrument in library.instruments.values()
        if instrument.domain in domains
        for measure in instrument.measures.values()
    )


def _named(*keys: str) -> Source:
    """Concepts that the mappings name one by one."""
    return lambda library: (library.concepts[key] for key in keys)


def _both(first: Source, second: Source) -> Source:
    return lambda library: (*first(library), *second(library))


VALUE_SETS = (
    ValueSet("scale", "Pain scales", "How pain is rated.", _mapped("scale")),
    ValueSet(
        "score",
        "Scores",
        "Scores of function, quality of life, mood and beliefs.",
        _measured("function", "quality-of-life", "psychosocial"),
    ),
    ValueSet("measure", "Measures", "By what a goal may be measured.", _mapped("measure")),
    ValueSet("level", "Levels", "The values of scores that are words.", _mapped("measure-level")),
    ValueSet(
        "absent-reason",
        "Reasons for a missing value",
        "Why a value that was asked for is not there.",
        _mapped("absent-reason"),
    ),
    ValueSet("site", "Sites", "Where on the body.", _mapped("body-site")),
    ValueSet("side", "Sides", "On which side of the body.", _mapped("side")),
    ValueSet(
        "site-or-side",
        "Sites and sides",
        "Where something is, and on which side.",
        _mapped("body-site", "side"),
    ),
    ValueSet(
        "grade",
        "Grades of a finding",
        "How strong a muscle is, how a reflex is, how touch is felt.",
        _mapped("strength", "reflex", "sensation"),
    ),
    ValueSet("finding", "Findings", "What the examination looks for.", _mapped("finding")),
    ValueSet("red-flag", "Red flags", "Signs of serious disease.", _mapped("red-flag")),
    ValueSet(
        "history",
        "History",
        "What is asked of the pain's history and of work.",
        _both(
            _named("pain.onset", "soc.employment.status", "soc.days_off_work"), _mapped("history")
        ),
    ),
    ValueSet("work-status", "Work status", "Whether the patient can work.", _mapped("work-status")),
    ValueSet("cause", "Causes", "What causes the pain.", _mapped("cause")),
    ValueSet("certainty", "Certainty", "How sure a cause is.", _mapped("certainty")),
    ValueSet("factor", "Aggravating factors", "What aggravates the pain.", _mapped("factor")),
    ValueSet("treatment", "Treatments", "What is done other than by drugs.", _mapped("treatment")),
    ValueSet(
        "treatment-category",
        "Modalities and lines of treatment",
        "Which kind of treatment it is, and at which line of stepped care it stands.",
        _mapped("treatment-category", "treatment-line"),
    ),
    ValueSet("investigation", "Investigations", "What is ordered.", _mapped("investigation")),
    ValueSet(
        "investigation-category",
        "Kinds of investigation",
        "Which kind of investigation it is.",
        _mapped("investigation-category"),
    ),
    ValueSet("procedure", "Procedures", "What was done.", _mapped("procedure")),
    ValueSet(
        "procedure-category",
        "Kinds of procedure",
        "Which kind of procedure it is.",
        _mapped("procedure-category"),
    ),
    ValueSet(
        "preference", "Stances", "Whether the patient wants something.", _mapped("preference")
    ),
    ValueSet("medication", "Medications", "Which drug is requested.", _mapped("medication")),
    ValueSet(
        "care-team-role",
        "Roles in the care team",
        "In which profession someone takes part.",
        _mapped("care-team-role"),
    ),
    ValueSet(
        "goal-achievement",
        "Achievement of a goal",
        "How near a goal is.",
        _mapped("goal-achievement"),
    ),
    ValueSet(
        "goal-priority", "Priority of a goal", "How much a goal counts.", _mapped("goal-priority")
    ),
)


def value_sets(library: Library) -> str:
    """Return every value set as FHIR Shorthand, in the order of its source."""
    return document(_definition(value_set, library) for value_set in VALUE_SETS)


def _definition(value_set: ValueSet, library: Library) -> list[str]:
    concepts = list(dict.fromkeys(value_set.source(library)))
    lines = heading(
        "ValueSet", value_set.fsh_name, value_set.id, value_set.title, value_set.description
    )
    lines.append("* ^experimental = false")
    if notices := " ".join(_notices(concepts)):
        lines.append(f"* ^copyright = {quoted(notices)}")
    return lines + [code_line(concept) for concept in _unique(concepts)]


def _unique(concepts: Iterable[Concept]) -> list[Concept]:
    """Return one concept for each code: two keys may stand for the same."""
    return list({(concept.system, concept.code): concept for concept in concepts}.values())


def _notices(concepts: Iterable[Concept]) -> Iterator[str]:
    systems = {concept.system for concept in concepts}
    return (notice for system, notice in _OWNERS.items() if system in systems)
