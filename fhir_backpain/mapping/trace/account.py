"""The account of the way there: what became of each leaf of a record, and of all of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.trace import messages
from fhir_backpain.mapping.trace.scope import escape
from fhir_backpain.mapping.trace.trace import Origin, Trace
from fhir_backpain.outcome import Issue

State = Literal["mapped", "identity", "condition", "ignored", "unmapped"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class LeafAccount:
    """What became of one leaf of a record, at a JSON pointer; `path` is its schema path.

    ``mapped``: its value is in the elements of `destinations`. ``identity``: it is in their
    addresses, as part of a key. ``condition``: it only decided what is made. ``ignored``: left out
    on purpose. ``unmapped``: lost. `reason` says which condition, or why it is ignored.
    """

    pointer: str
    path: str
    state: State
    destinations: tuple[Origin, ...] = ()
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the account as JSON data; it holds places, never a value."""
        found: dict[str, Any] = {"pointer": self.pointer, "path": self.path, "state": self.state}
        if self.reason is not None:
            found["reason"] = self.reason
        if self.destinations:
            found["destinations"] = [
                {"resource": origin.url, "path": origin.path} for origin in self.destinations
            ]
        return found


@dataclass(frozen=True, slots=True)
class RecordAccount:
    """What became of every leaf of one record, in the record's order."""

    record_type: str
    leaves: tuple[LeafAccount, ...]

    @classmethod
    def of(
        cls, data: Mapping[str, Any], trace: Trace, declarations: Iterable[Declaration]
    ) -> RecordAccount:
        """Return the account of a record, by its trace and the mappings of its type."""
        reasons = {
            ignored.path: ignored.because
            for declaration in declarations
            for ignored in declaration.ignored
        }
        decisions = {decision.pointer: decision.condition for decision in trace.decisions}
        leaves = tuple(
            _leaf(pointer, path, trace.destinations(pointer), decisions, reasons)
            for pointer, path in _leaves(data)
        )
        return cls(data["record"], leaves)

    @property
    def totals(self) -> dict[State, int]:
        """How many leaves came to each state."""
        counted = Counter(leaf.state for leaf in self.leaves)
        return {state: counted[state] for state in STATES}

    @property
    def has_unmapped(self) -> bool:
        """True where a value of the record is lost."""
        return any(leaf.state == "unmapped" for leaf in self.leaves)

    def to_json(self) -> dict[str, Any]:
        """Return the account as JSON data with stable keys."""
        return {
            "record": self.record_type,
            "totals": dict(self.totals),
            "leaves": [leaf.to_json() for leaf in self.leaves],
        }


def _leaf(
    pointer: str,
    path: str,
    destinations: list[Origin],
    decisions: Mapping[str, str],
    reasons: Mapping[str, str],
) -> LeafAccount:
    if destinations:
        is_value = any(origin.role == "value" for origin in destinations)
        state: State = "mapped" if is_value else "identity"
        return LeafAccount(pointer, path, state, tuple(destinations))
    if pointer in decisions:
        return LeafAccount(pointer, path, "condition", reason=decisions[pointer])
    if path in reasons:
        return LeafAccount(pointer, path, "ignored", reason=reasons[path])
    return LeafAccount(pointer, path, "unmapped")


def _leaves(value: Any, pointer: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """Yield JSON pointer and schema path (``pain.ratings[].score``) of each leaf."""
    if isinstance(value, dict):
        for name, item in value.items():
            below = f"{path}.{name}" if path else name
            yield from _leaves(item, f"{pointer}/{escape(name)}", below)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{pointer}/{index}", f"{path}[]")
    else:
        yield pointer, path


@dataclass(slots=True)
class RunAccount:
    """The sum of the accounts of many checked records, by record type and schema path.

    Memory does not grow with the records: a schema has a bounded number of paths.
    """

    records: int = 0
    _counts: dict[tuple[str, str], Counter[State]] = field(default_factory=dict)

    def add(self, account: RecordAccount) -> None:
        """Count the leaves of one record."""
        self.records += 1
        for leaf in account.leaves:
            place = (account.record_type, leaf.path)
            self._counts.setdefault(place, Counter())[leaf.state] += 1

    @property
    def totals(self) -> dict[State, int]:
        """How many leaves came to each state."""
        return {state: sum(found[state] for found in self._counts.values()) for state in STATES}

    @property
    def has_unmapped(self) -> bool:
        """True where a value of a record was lost."""
        return bool(self.unmapped)

    @property
    def unmapped(self) -> dict[tuple[str, str], int]:
        """How many values were lost, by record type and schema path, sorted."""
        return {
            place: found["unmapped"]
            for place, found in sorted(self._counts.items())
            if found["unmapped"]
        }

    def issues(self) -> list[Issue]:
        """Return an error for each path at which values were lost."""
        return [
            messages.VALUE_LOST.issue(
                f"'{path}' of '{record_type}': {count} of {self._at(record_type, path)} values "
                f"are in no resource."
            )
            for (record_type, path), count in self.unmapped.items()
        ]

    def _at(self, record_type: str, path: str) -> int:
        return sum(self._counts[record_type, path].values())

    def to_json(self) -> dict[str, Any]:
        """Return the account as JSON data with stable keys; states without a leaf are left out."""
        return {
            "records": self.records,
            "totals": dict(self.totals),
            "paths": [
                {
                    "record": record_type,
                    "path": path,
                    **{state: found[state] for state in STATES if found[state]},
                }
                for (record_type, path), found in sorted(self._counts.items())
            ],
            "unmapped": [
                {"record": record_type, "path": path, "count": count}
                for (record_type, path), count in self.unmapped.items()
            ],
        }
