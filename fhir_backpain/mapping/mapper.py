"""Maps a checked record to FHIR resources, by every mapping of its record type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from fhir_backpain.definitions.definitions import load_definitions
from fhir_backpain.errors import ArtifactError, MappingCheckError, MappingFailed
from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.check.clash import clashing_rules
from fhir_backpain.mapping.check.conformance import ConformanceCheck
from fhir_backpain.mapping.codegen import (
    FAULTS,
    CompiledRule,
    RecordProgram,
    compile_record,
)
from fhir_backpain.mapping.declaration import MADE_TYPES, Declaration, read_declaration
from fhir_backpain.mapping.files import MappingFiles
from fhir_backpain.mapping.functions.registry import resource_functions
from fhir_backpain.mapping.library import Library, library_of
from fhir_backpain.mapping.record_struct import UNREADABLE, WHITE_SPACE, record_classes
from fhir_backpain.mapping.release_delta import (
    BASE_RELEASE,
    ReleaseDelta,
    for_release,
    read_delta,
)
from fhir_backpain.mapping.reverse.unmapper import Unmapped, Unmapper
from fhir_backpain.mapping.source_shape import leaves, record_shape
from fhir_backpain.mapping.trace.trace import Trace
from fhir_backpain.mapping.trace.tracer import Tracer
from fhir_backpain.mapping.word_set import WordSets
from fhir_backpain.outcome import Issue, MappingLocation
from fhir_backpain.record import RECORD_TYPES


class Mapper:
    """Every mapping of a folder, compiled. Calling it maps one record.

    `version` changes whenever a file changes that can change what is made.
    """

    def __init__(
        self,
        library: Library,
        programs: Mapping[str, RecordProgram],
        declarations: Mapping[str, tuple[Declaration, ...]],
    ) -> None:
        self.library = library
        self.version = library.version
        self._programs = programs
        self._decode = record_classes().decode
        self._read = record_classes().read
        classes = record_classes().by_type
        self._by_class = {classes[name]: program for name, program in programs.items()}
        self._declarations = declarations
        self._tracer = Tracer(library, declarations)
        self._unmapper = Unmapper(library, declarations, self)

    def __call__(self, data: Mapping[str, Any]) -> list[MadeResource]:
        """Return the resources of a checked record, those that are referred to first.

        Raises MappingFailed where a value has no place in a mapping.
        """
        try:
            return self._programs[data["record"]].map(data)
        except (KeyError, msgspec.ValidationError) as problem:
            raise no_record(problem) from problem

    def bundle(self, record: bytes) -> str:
        """Return the JSON text of a transaction Bundle that puts what a record makes.

        `record` is the JSON text of a checked record, read strictly; the Bundle is the one that
        `put_bundle` gives for its resources. Raises SourceError where it is no strict JSON,
        MappingFailed where it is no record, or a value has no place in a mapping.
        """
        try:
            found = self._decode(record)
            shapes = self._by_class[type(found)].bundle.shapes
            made: str | None = shapes.make(found, len(record.strip(WHITE_SPACE)))
            if made is not None:
                return made
        except (*FAULTS, *UNREADABLE):
            pass  # what is wrong, if anything, the strict way tells
        try:
            found = self._read(record)
        except msgspec.ValidationError as problem:
            raise no_record(problem) from problem
        return self._by_class[type(found)].bundle.general(found)  # type: ignore[no-any-return]

    def from_fhir(self, resources: Iterable[dict[str, Any]]) -> Unmapped:
        """Return the records that some resources came from, in normal form, with every loss.

        Numbers of the resources must be int or Decimal, as `json_text.parse` gives them.
        """
        return self._unmapper.from_fhir(resources)

    def normal_form(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a record as it comes back: without what the mappings would fill in anyway."""
        return self._unmapper.normal_form(data)

    def trace(self, data: Mapping[str, Any]) -> Trace:
        """Return what the mappings make of a checked record, and where each leaf of it came from.

        Slower than calling the mapper. Raises MappingFailed as that does.
        """
        return self._tracer.trace(data)

    def declarations(self, record_type: str) -> tuple[Declaration, ...]:
        """Return the mappings of a record type as they were read, in running order."""
        return self._declarations[record_type]

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the resources that any mapping makes, sorted."""
        programs = self._programs.values()
        return tuple(sorted({rule.makes for program in programs for rule in program.rules}))

    def rules(self, record_type: str) -> tuple[CompiledRule, ...]:
        """Return the compiled mappings of a record type, in the order in which they run."""
        return self._programs[record_type].rules

    def program(self, record_type: str) -> RecordProgram:
        """Return what a record type's mappings were compiled to."""
        return self._programs[record_type]

    def code(self, record_type: str) -> str:
        """Return the Python text of that, the general one for records of every shape."""
        return self._programs[record_type].resources.program.text


def no_record(problem: Exception) -> MappingFailed:
    """Return (not raise) what to tell of data that are no record of a known type."""
    # What msgspec says names types and a place, never a value.
    text = "It has no known type." if isinstance(problem, KeyError) else str(problem)
    return MappingFailed(messages.RECORD_FORM.issue(text))


def load_mapper(folder: Path | None = None, release: str = BASE_RELEASE) -> Mapper:
    """Read, check and compile the mappings of a folder (by default the shipped ones).

    `release` is R4, R4B or R5: what is made is checked against its definitions. Raises
    MappingCheckError or another ArtifactError with every finding, each at its line.
    """
    return mapper_of(MappingFiles.of(folder), release)


def mapper_of(
    files: MappingFiles, release: str = BASE_RELEASE, *, is_draft: bool = False
) -> Mapper:
    """Read, check and compile some files, as `load_mapper` does.

    In a draft a field of a record that nothing maps is no error.
    """
    library = library_of(files)
    declarations, problems = _read_all(files)
    try:
        declarations = for_release(declarations, _deltas(files, release, problems))
        word_sets = WordSets(library.concept_maps)
        declarations = [word_sets.declaration(one) for one in declarations]
    except ArtifactError as error:
        # Where a mapping cannot be read, a delta misses it: what keeps it from being read is first.
        raise MappingCheckError([*problems, *error.issues]) from None
    by_type: dict[str, tuple[Declaration, ...]] = {
        name: tuple(item for item in declarations if name in item.sources) for name in RECORD_TYPES
    }
    programs = _compile_all(by_type, library, problems)
    check = ConformanceCheck(load_definitions(release), library)
    for record_type in programs:
        # What does not compile says nothing yet that could be held against the definitions.
        problems += _nonconformant(record_type, by_type[record_type], check, problems)
    for record_type, program in programs.items():
        problems += () if is_draft else _uncovered(record_type, program.rules, files.root)
    if problems:
        raise MappingCheckError(problems)
    return Mapper(library, programs, by_type)


def _deltas(files: MappingFiles, release: str, problems: list[Issue]) -> list[ReleaseDelta]:
    found = files.read(
        "release", lambda path: [read_delta(path)], lambda delta: delta.release, problems
    )
    return [delta for delta in found if delta.release == release]


def _read_all(files: MappingFiles) -> tuple[list[Declaration], list[Issue]]:
    problems: list[Issue] = []
    declarations = files.read(
        "mapping", lambda path: [read_declaration(path)], lambda one: one.name, problems
    )
    if not declarations and not problems:
        text = f"The folder {files.root} holds no mapping."
        raise ArtifactError(messages.FOLDER_EMPTY.issue(text))
    problems += _named_twice(declarations) + _of_no_record(declarations)
    declarations.sort(key=lambda declaration: MADE_TYPES.index(declaration.makes))
    return declarations, problems


def _named_twice(declarations: Iterable[Declaration]) -> list[Issue]:
    names: set[str] = set()
    problems = []
    for declaration in declarations:
        if declaration.name in names:
            text = f"The mapping '{declaration.name}' is declared twice."
            problems.append(messages.NAME_TWICE.issue(text, mapping=declaration.location))
        names.add(declaration.name)
    return problems


def _of_no_record(declarations: Iterable[Declaration]) -> list[Issue]:
    return [
        messages.PATH_UNKNOWN.issue(
            f"There is no record type '{source}'.", mapping=declaration.location
        )
        for declaration in declarations
        for source in declaration.sources
        if source not in RECORD_TYPES
    ]


def _compile_all(
    declarations: Mapping[str, tuple[Declaration, ...]], library: Library, problems: list[Issue]
) -> dict[str, RecordProgram]:
    programs = {}
    functions = resource_functions(library)
    for record_type, found in declarations.items():
        try:
            programs[record_type] = compile_record(record_type, found, functions, library.fragments)
        except MappingCheckError as error:
            problems += [issue for issue in error.issues if issue not in problems]
    return programs


def _nonconformant(
    record_type: str,
    declarations: tuple[Declaration, ...],
    check: ConformanceCheck,
    known: list[Issue],
) -> list[Issue]:
    """Return what FHIR's definitions say against the mappings of a record type, once each."""
    shape = record_shape(record_type)
    found = [issue for one in declarations for issue in check.findings(one, shape)]
    found += clashing_rules(declarations)
    return [issue for issue in found if issue not in known]


def _uncovered(record_type: str, rules: Iterable[CompiledRule], root: Path) -> list[Issue]:
    """Return an issue for each leaf of a record type that no mapping reads or ignores."""
    used = {path for rule in rules for path in rule.used}
    return [
        messages.LEAF_UNMAPPED.issue(
            f"No mapping of '{record_type}' reads or ignores '{path}'.",
            mapping=MappingLocation(f"{root.name}/{record_type}", 1),
        )
        for path in leaves(record_shape(record_type))
        if path not in used
    ]
