"""Everything that mappings share: fragments, concept maps, instruments; read once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from fhir_backpain.artifacts.finder import profiles_folder
from fhir_backpain.definitions.profile_folder import ProfileFolders
from fhir_backpain.errors import ArtifactError
from fhir_backpain.fhir.canonical import PROFILES, US_CORE_PROFILES
from fhir_backpain.instruments.instrument import Instrument, Measure, read_instrument
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.declaration import Fragment, read_fragments
from fhir_backpain.mapping.files import MappingFiles
from fhir_backpain.mapping.word_set import WordSets
from fhir_backpain.outcome import Issue, MappingLocation
from fhir_backpain.terminology import messages as terminology_messages
from fhir_backpain.terminology.concept import Concept, ConceptTable
from fhir_backpain.terminology.concept_file import load_concepts_of
from fhir_backpain.terminology.concept_map import ConceptMap, ConceptRow, read_concept_map

_FUNCTIONAL = "obs.category.uscore.functional-status"
# FHIR categories of an Observation, by the domain of its instrument.
_CATEGORIES: dict[str, tuple[str, ...]] = {
    "pain": ("obs.category.survey",),
    "function": ("obs.category.survey",),
    "quality-of-life": ("obs.category.survey",),
    "psychosocial": ("obs.category.survey",),
    "activity": ("obs.category.activity",),
    "vital-signs": ("obs.category.vital-signs",),
}
_SURVEYED = f"{US_CORE_PROFILES}/us-core-observation-screening-assessment"
# The profiles that an Observation claims, by the domain of its instrument; ours comes first.
_PROFILES: dict[str, tuple[str, ...]] = {
    "pain": (f"{PROFILES}/backpain-pain-intensity", _SURVEYED),
    "function": (f"{PROFILES}/backpain-score", _SURVEYED),
    "quality-of-life": (f"{PROFILES}/backpain-score", _SURVEYED),
    "psychosocial": (f"{PROFILES}/backpain-score", _SURVEYED),
    "activity": (f"{US_CORE_PROFILES}/us-core-simple-observation",),
    "vital-signs": (f"{US_CORE_PROFILES}/us-core-vital-signs",),
}


@dataclass(frozen=True)
class Library:
    """The shared parts of a folder of mappings."""

    fragments: dict[str, Fragment]
    concept_maps: dict[str, ConceptMap]
    instruments: dict[str, Instrument]
    concepts: ConceptTable
    version: str
    profiles: ProfileFolders = field(default_factory=lambda: ProfileFolders(()))

    def concept_map(self, name: str, where: MappingLocation) -> ConceptMap:
        """Return a concept map by name; raises ArtifactError at `where` where unknown."""
        found = self.concept_maps.get(name)
        if found is None:
            raise ArtifactError(
                terminology_messages.MAP_UNKNOWN.issue(
                    f"There is no concept map '{name}'.", mapping=where
                )
            )
        return found

    @cached_property
    def vocabulary(self) -> dict[str, frozenset[str]]:
        """The words that a record may use, by kind: what has a code."""
        words: dict[str, set[str]] = {"instrument": set(self.instruments)}
        for concept_map in self.concept_maps.values():
            if concept_map.kind:
                words.setdefault(concept_map.kind, set()).update(concept_map.rows)
        for instrument in self.instruments.values():
            needed = {name for name, one in instrument.measures.items() if one.needs_value}
            words.setdefault("valued measure", set()).update(needed)
        return {kind: frozenset(found) for kind, found in words.items()}

    @cached_property
    def ranges(self) -> dict[str, tuple[Decimal, Decimal]]:
        """The inclusive range of each measure that has one."""
        return {
            measure.key: measure.value_range
            for instrument in self.instruments.values()
            for measure in instrument.measures.values()
            if measure.value_range
        }


def load_library(folder: Path | None = None) -> Library:
    """Return the library of a folder of mappings (by default the shipped one).

    Raises ArtifactError with the place of each shared file that is wrong.
    """
    return library_of(MappingFiles.of(folder))


def library_of(files: MappingFiles) -> Library:
    """Return the library that some files declare; raises ArtifactError as `load_library` does."""
    problems: list[Issue] = []
    concepts = load_concepts_of(files.root)
    found = files.read("instrument", lambda path: [read_instrument(path)], _key, problems)
    maps = files.read(
        "concept map", lambda path: [read_concept_map(path, concepts)], _name, problems
    )
    fragments = files.read("fragments", read_fragments, _name, problems)
    if problems:
        raise ArtifactError(problems)
    instruments = _by_key(found)
    concept_maps = _by_name([*_derived(instruments, concepts), *maps], files.root)
    return Library(
        fragments=_fragments(fragments, WordSets(concept_maps)),
        concept_maps=concept_maps,
        instruments=instruments,
        concepts=concepts,
        version=_version(files, concepts),
        profiles=ProfileFolders((files.root / "profiles", profiles_folder() / "package")),
    )


def _key(instrument: Instrument) -> str:
    return instrument.key


def _name(item: ConceptMap | Fragment) -> str:
    return item.name


def _fragments(found: Iterable[Fragment], word_sets: WordSets) -> dict[str, Fragment]:
    fragments: dict[str, Fragment] = {}
    for fragment in found:
        if fragment.name in fragments:
            raise ArtifactError(
                messages.NAME_TWICE.issue(
                    f"The fragment '{fragment.name}' is declared twice.",
                    mapping=fragment.location,
                )
            )
        fragments[fragment.name] = replace(fragment, template=word_sets.template(fragment.template))
    return fragments


def _by_name(maps: Iterable[ConceptMap], root: Path) -> dict[str, ConceptMap]:
    found: dict[str, ConceptMap] = {}
    for item in maps:
        if item.name in found:
            place = MappingLocation(f"{root.name}/concept-maps", 1)
            text = f"The concept map '{item.name}' is declared twice, or made from the instruments."
            raise ArtifactError(messages.NAME_TWICE.issue(text, mapping=place))
        found[item.name] = item
    return found


def _by_key(instruments: Iterable[Instrument]) -> dict[str, Instrument]:
    found: dict[str, Instrument] = {}
    owners: dict[str, str] = {}
    for instrument in instruments:
        if instrument.key in found:
            text = f"The instrument '{instrument.key}' is declared twice."
            raise ArtifactError(messages.NAME_TWICE.issue(text, mapping=instrument.location))
        for key, measure in instrument.measures.items():
            if owners.setdefault(key, instrument.key) != instrument.key:
                raise ArtifactError(
                    messages.NAME_TWICE.issue(
                        f"Two instruments declare the measure '{key}'.", mapping=measure.location
                    )
                )
        found[instrument.key] = instrument
    return found


def _derived(instruments: dict[str, Instrument], concepts: ConceptTable) -> list[ConceptMap]:
    """Return the concept maps that instruments imply.

    They give code, unit, categories, claimed profiles and level by measure, and name the measures
    that a clinician reports.
    """
    codes: dict[str, ConceptRow] = {}
    scales: dict[str, ConceptRow] = {}
    units: dict[str, ConceptRow] = {}
    levels: dict[str, ConceptRow] = {}
    categories: dict[str, ConceptRow] = {}
    of_fhir: dict[str, ConceptRow] = {}
    profiles: dict[str, ConceptRow] = {}
    assessed: dict[str, ConceptRow] = {}
    for instrument in instruments.values():
        for key, measure in instrument.measures.items():
            code = ConceptRow((concepts.want(measure.code, measure.location),))
            (scales if instrument.domain == "pain" else codes)[key] = code
            of_fhir[key] = ConceptRow(_concepts(_CATEGORIES[instrument.domain], concepts))
            more = (_FUNCTIONAL,) if measure.is_functional else ()
            categories[key] = ConceptRow((*of_fhir[key].concepts, *_concepts(more, concepts)))
            profiles[key] = _profiles(instrument, measure)
            if measure.reporter == "clinician":
                assessed[key] = code
            if measure.unit:
                units[key] = ConceptRow((concepts.want(measure.unit, measure.location),))
            levels.update(_levels(measure, concepts))
    return [
        ConceptMap("measure", {**codes, **scales}, "measure"),
        ConceptMap("scale", scales, "scale"),
        ConceptMap("measure-unit", units, "scored measure"),
        ConceptMap("measure-level", levels, "level"),
        ConceptMap("measure-category", categories),
        ConceptMap("measure-fhir-category", of_fhir),
        ConceptMap("measure-profile", profiles),
        ConceptMap("clinician-measure", assessed),
    ]


def _concepts(keys: Iterable[str], concepts: ConceptTable) -> tuple[Concept, ...]:
    return tuple(concepts[key] for key in keys)


def _profiles(instrument: Instrument, measure: Measure) -> ConceptRow:
    """Return the claims of a measure: canonical URLs, each as a code of its own.

    Our profiles of scores are for what the patient reports.
    """
    urls = measure.profiles or _PROFILES[instrument.domain]
    if measure.reporter == "clinician" and not measure.profiles:
        urls = tuple(url for url in urls if not url.startswith(PROFILES))
    return ConceptRow(tuple(Concept(url, "", url, url) for url in urls))


def _levels(measure: Measure, concepts: ConceptTable) -> dict[str, ConceptRow]:
    return {
        f"{measure.key} {word}": ConceptRow((concepts.want(key, measure.location),))
        for word, key in measure.levels.items()
    }


def _version(files: MappingFiles, concepts: ConceptTable) -> str:
    """Return a hash of every file and concept that can change what is made."""
    digest = blake2b(digest_size=8)
    for path in sorted(files.root.rglob("*.yaml")):
        digest.update(path.relative_to(files.root).as_posix().encode())
        digest.update(path.read_bytes())
    for laid_over in files.overlay.values():
        for path in laid_over:
            digest.update(path.read_bytes())
    for concept in concepts.values():
        digest.update("\n".join((concept.key, *concept.to_coding().values(), "")).encode())
    return digest.hexdigest()
