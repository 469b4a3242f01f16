"""Reads a protocol's file: stepped care for a cause, each action with its condition and source.

A file of the protocols folder reads::

    protocol: muscle-strain
    title: Strain of the lower back
    causes: [low-back-strain]            # those that the drafted plan addresses
    for: [cause is low-back-strain]      # all of these must hold, or nothing is drafted
    goals: [pain-nrs, odi]               # measures for which a goal is proposed
    due weeks: 12
    stop when:                           # beside any red flag: nothing but a referral is drafted
      - {when: finding foot-drop is present, says: ..., sources: [nice-ng59]}
    steps:
      - step: self-care
        title: Education and staying active
        actions:
          - action: stay-active
            title: How to stay active
            treatment: self-care-education   # or medication: ..., or neither: words alone
            when: [always]
            says: what the source recommends, in our own words
            sources: [nice-ng59]
            check: what a clinician has to see to before accepting it
          - action: gabapentinoid
            title: Gabapentin
            never: why it is not proposed, whatever the assessment says
            sources: [nice-ng59]

``sources.yaml`` beside it has the citation of each source by key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fhir_backpain.artifacts import messages
from fhir_backpain.artifacts.located_yaml import (
    YamlList,
    YamlMap,
    YamlScalar,
    fail,
    read_yaml,
    refuse_unknown,
    want_map,
    want_text,
)
from fhir_backpain.errors import ArtifactError
from fhir_backpain.mapping.library import Library
from fhir_backpain.protocols.condition import Condition, read_condition
from fhir_backpain.protocols.messages import PROTOCOL_UNKNOWN, SOURCE_UNKNOWN, WORD_UNKNOWN

_FILES = Path(__file__).parent / "files"
_SOURCES = "sources.yaml"
_TOP = {"protocol", "title", "causes", "for", "goals", "due weeks", "stop when", "steps"}
_ACTION = {
    "action", "title", "treatment", "medication", "when", "says", "sources", "check", "never",
    "performer", "instructions",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """A guideline or study: a short name, the citation, and where it can be read."""

    key: str
    name: str
    citation: str
    url: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A sign that stops a draft beside the red flags, and why."""

    condition: Condition
    says: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to propose: a treatment, a medication, or words; or never, and why not.

    `says` is what the sources recommend, `check` what a clinician has to see to first.
    """

    key: str
    title: str
    conditions: tuple[Condition, ...]
    says: str
    sources: tuple[Source, ...]
    treatment: str | None = None
    medication: str | None = None
    check: str | None = None
    never: str | None = None
    performer: str | None = None
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of care; steps come in the order in which they are to be tried."""

    key: str
    title: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Protocol:
    """Stepped care for a cause of back pain."""

    key: str
    title: str
    causes: tuple[str, ...]
    suits: tuple[Condition, ...]
    goals: tuple[str, ...]
    due_weeks: int
    stops: tuple[Stop, ...]
    steps: tuple[Step, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source that an action or a stop cites, once, by key."""
        found = [one for step in self.steps for action in step.actions for one in action.sources]
        found += [one for stop in self.stops for one in stop.sources]
        return tuple(sorted(set(found), key=lambda source: source.key))


def load_protocols(library: Library, folder: Path | None = None) -> dict[str, Protocol]:
    """Return the protocols of a folder (by default the shipped one) by key.

    Raises ArtifactError at the line where a file is wrong.
    """
    place = folder or _FILES
    sources = _read_sources(place / _SOURCES)
    reader = _Reader(library, sources)
    files = sorted(path for path in place.glob("*.yaml") if path.name != _SOURCES)
    found = [reader.read(path) for path in files]
    return {protocol.key: protocol for protocol in found}


def want_protocol(protocols: Mapping[str, Protocol], key: str) -> Protocol:
    """Return a protocol by key; raises ArtifactError where there is none."""
    if key not in protocols:
        raise ArtifactError(PROTOCOL_UNKNOWN.issue(f"There is no protocol '{key}'."))
    return protocols[key]


def _read_sources(path: Path) -> dict[str, Source]:
    tree = want_map(read_yaml(path), "sources")
    found = {}
    for key in tree.entries:
        entry = want_map(tree, key)
        refuse_unknown(entry, {"name", "citation", "url"})
        parts = (want_text(entry, part) for part in ("name", "citation", "url"))
        found[key] = Source(key, *parts)
    return found


class _Reader:
    """Reads files; every word is looked up in the vocabulary of records."""

    def __init__(self, library: Library, sources: Mapping[str, Source]) -> None:
        self._library = library
        self._sources = sources

    def read(self, path: Path) -> Protocol:
        """Return the protocol of a file."""
        tree = read_yaml(path)
        refuse_unknown(tree, _TOP)
        return Protocol(
            key=want_text(tree, "protocol"),
            title=want_text(tree, "title"),
            causes=self._words(tree, "causes", "cause"),
            suits=self._conditions(tree, "for"),
            goals=self._words(tree, "goals", "scored measure"),
            due_weeks=self._weeks(tree),
            stops=tuple(self._stop(one) for one in _maps(tree, "stop when")),
            steps=tuple(self._step(one) for one in _maps(tree, "steps")),
        )

    def _weeks(self, tree: YamlMap) -> int:
        text = want_text(tree, "due weeks")
        if not text.isdecimal():
            raise fail(messages.WRONG_KIND, "Weeks are a whole number.", tree.location)
        return int(text)

    def _stop(self, tree: YamlMap) -> Stop:
        refuse_unknown(tree, {"when", "says", "sources"})
        condition = read_condition(want_text(tree, "when"), tree.location, self._library)
        return Stop(condition, want_text(tree, "says"), self._cited(tree, may_be_none=True))

    def _step(self, tree: YamlMap) -> Step:
        refuse_unknown(tree, {"step", "title", "actions"})
        actions = tuple(self._action(one) for one in _maps(tree, "actions"))
        return Step(want_text(tree, "step"), want_text(tree, "title"), actions)

    def _action(self, tree: YamlMap) -> Action:
        refuse_unknown(tree, _ACTION)
        never = _text(tree, "never")
        return Action(
            key=want_text(tree, "action"),
            title=want_text(tree, "title"),
            conditions=() if never else self._conditions(tree, "when"),
            says="" if never else want_text(tree, "says"),
            sources=self._cited(tree),
            treatment=self._word(tree, "treatment"),
            medication=self._word(tree, "medication"),
            check=_text(tree, "check"),
            never=never,
            performer=_text(tree, "performer"),
            instructions=_text(tree, "instructions"),
        )

    def _conditions(self, tree: YamlMap, key: str) -> tuple[Condition, ...]:
        return tuple(
            read_condition(one.text, one.location, self._library) for one in _scalars(tree, key)
        )

    def _cited(self, tree: YamlMap, *, may_be_none: bool = False) -> tuple[Source, ...]:
        cited = []
        for one in _scalars(tree, "sources", may_be_none=may_be_none):
            if one.text not in self._sources:
                raise fail(SOURCE_UNKNOWN, f"There is no source '{one.text}'.", one.location)
            cited.append(self._sources[one.text])
        return tuple(cited)

    def _words(self, tree: YamlMap, key: str, kind: str) -> tuple[str, ...]:
        return tuple(self._known(one, kind) for one in _scalars(tree, key, may_be_none=True))

    def _word(self, tree: YamlMap, kind: str) -> str | None:
        node = tree.get(kind)
        return self._known(node, kind) if isinstance(node, YamlScalar) else None

    def _known(self, node: YamlScalar, kind: str) -> str:
        if node.text not in self._library.vocabulary.get(kind, ()):
            raise fail(WORD_UNKNOWN, f"There is no {kind} '{node.text}'.", node.location)
        return node.text


def _text(tree: YamlMap, key: str) -> str | None:
    return want_text(tree, key) if key in tree else None


def _scalars(tree: YamlMap, key: str, *, may_be_none: bool = False) -> Iterable[YamlScalar]:
    found = [one for one in _list(tree, key) if isinstance(one, YamlScalar)]
    if not found and not may_be_none:
        raise fail(messages.ENTRY_MISSING, f"The list '{key}' is empty.", tree.location)
    return found


def _maps(tree: YamlMap, key: str) -> Iterable[YamlMap]:
    return [one for one in _list(tree, key) if isinstance(one, YamlMap)]


def _list(tree: YamlMap, key: str) -> YamlList:
    node = tree.get(key)
    if not isinstance(node, YamlList):
        raise fail(messages.WRONG_KIND, f"The entry '{key}' must be a list.", tree.location)
    return node
