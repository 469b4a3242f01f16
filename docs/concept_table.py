"""The table of every clinical concept: its code, profile, mapping, golden case and page.

All of it is read from what the mappings really make of the golden cases: a concept that no case
shows has an empty row, which a test refuses.
"""

from __future__ import annotations

from dataclasses import dataclass

from docs.concept_example import Example, Examples
from docs.concept_groups import PARTS, WORDS, Part, words_of
from fhir_backpain.instruments.instrument import Instrument
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.terminology.concept import Concept

OWN_PROFILES = "https://fhir-backpain.org/fhir/StructureDefinition/"
_MEASURING = ("assessment-score", "observation-measure", "assessment-pain-rating")


@dataclass(frozen=True, slots=True)
class Shown:
    """A concept of a record: the word, its concepts, and an example of what it becomes.

    `concept_map` is the table in which the word stands, `instrument` the file that declares the
    measure, `part` what a structure says; each is there for its own kind.
    """

    word: str
    title: str
    concepts: tuple[Concept, ...]
    example: Example | None
    concept_map: str | None = None
    instrument: Instrument | None = None
    part: Part | None = None

    @property
    def profiles(self) -> list[str]:
        """The profiles that are claimed: ours, or HL7's where we ask for nothing more."""
        claimed: list[str] = []
        if self.example is not None:
            claimed = self.example.resource.get("meta", {}).get("profile", [])
        return [url for url in claimed if url.startswith(OWN_PROFILES)] or claimed

    @property
    def gaps(self) -> list[str]:
        """Return what is missing, in words."""
        found = {
            "code": self.concepts or self.part,
            "profile": self.profiles,
            "mapping and golden case": self.example,
        }
        return [name for name, value in found.items() if not value]


@dataclass(frozen=True, slots=True)
class Group:
    """Concepts that belong together; `key` names the folder of their pages."""

    key: str
    title: str
    concepts: tuple[Shown, ...]


def shown_concepts(mapper: Mapper) -> list[Group]:
    """Return every concept, group by group, in the order of care."""
    examples, library = Examples(mapper), mapper.library
    return [
        *(_words(key, examples, library) for key in range(len(WORDS))),
        *(
            Group(key, title, tuple(_part(one, examples, library) for one in parts))
            for (key, title), parts in PARTS.items()
        ),
        *(_measures(one, examples, library) for one in library.instruments.values()),
    ]


def _words(index: int, examples: Examples, library: Library) -> Group:
    group = WORDS[index]
    found = tuple(
        Shown(
            word,
            concepts[0].display,
            concepts,
            examples.of_word(word, group.key, (group.mapping,)),
            concept_map=group.key,
        )
        for word, concepts in words_of(group, library).items()
    )
    return Group(group.key, group.title, found)


def _part(part: Part, examples: Examples, library: Library) -> Shown:
    concepts = (library.concepts[part.concept],) if part.concept else ()
    code = concepts[0].code if concepts else None
    return Shown(part.word, part.title, concepts, examples.of_part(part, code), part=part)


def _measures(instrument: Instrument, examples: Examples, library: Library) -> Group:
    concept_map = "scale" if instrument.domain == "pain" and instrument.items is None else "measure"
    found = tuple(
        Shown(
            one.key,
            library.concepts[one.code].display,
            (library.concepts[one.code],),
            examples.of_word(one.key, concept_map, _MEASURING)
            or examples.of_word(one.key, "measure", _MEASURING),
            instrument=instrument,
        )
        for one in instrument.measures.values()
    )
    return Group("measure", instrument.title, found)


def concept_page(groups: list[Group]) -> str:
    """Return the page of the table."""
    lines = [
        "# Concepts",
        "",
        "What a record can say of back-pain care: each with its code, the profile that the",
        "resource claims, the mapping that makes it, and a golden case with a record and what",
        "becomes of it (folders of `tests/golden`). Behind each word is a page with the example.",
        "Where FHIR's own element is the meaning, it stands in the place of a code. Scoring, bands",
        "and least important changes of instruments are in [their own page](instruments.md),",
        "stepped care is in [protocols](concepts/protocol/README.md).",
        "",
    ]
    for group in groups:
        lines += [f"## {group.title}", "", "| word | code | profile | mapping | golden case |"]
        lines += ["|---|---|---|---|---|", *(_row(group, one) for one in group.concepts), ""]
    return "\n".join(lines)


def _row(group: Group, shown: Shown) -> str:
    link = f"[{shown.word}](concepts/{group.key}/{shown.word}.md)"
    rule, case = (shown.example.rule, shown.example.case) if shown.example else ("", "")
    profiles = ", ".join(profile_link(url, "../") for url in shown.profiles)
    return f"| {link} | {meaning(shown)} | {profiles} | {rule} | `{case}` |"


def meaning(shown: Shown) -> str:
    """Return the codes of a concept, or the element that is its meaning."""
    codes = "; ".join(f"{one.display} ({one.code})" for one in shown.concepts)
    return codes or (f"`{shown.part.element}`" if shown.part else "")


def profile_link(url: str, home: str) -> str:
    """Return a profile's name, with a link to its page where it is ours; `home` is ``docs``."""
    name = url.rpartition("/")[2]
    return f"[{name}]({home}profiles/{name}.md)" if url.startswith(OWN_PROFILES) else name
