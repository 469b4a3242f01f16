"""The files of a mappings folder, by kind, and files that are laid over them for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, get_args

from fhir_backpain.artifacts.finder import mappings_folder
from fhir_backpain.artifacts.located_yaml import fail, read_yaml
from fhir_backpain.errors import ArtifactError
from fhir_backpain.mapping import messages
from fhir_backpain.outcome import Issue

# Each kind is named by the entry that every file of it has.
Kind = Literal["feed", "mapping", "instrument", "concept map", "fragments", "release"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PLACES: Mapping[Kind, str] = {
    "feed": "feeds/*.feed.yaml",
    "mapping": "*/*.map.yaml",
    "instrument": "instruments/*.yaml",
    "concept map": "concept-maps/*.yaml",
    "fragments": "shared/*.yaml",
    "release": "releases/*.delta.yaml",
}
"""Where a mappings folder keeps the files of each kind, as a glob pattern."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MappingFiles:
    """The files of the mappings folder `root`; what `overlay` declares replaces what they declare.

    A file of the folder that is in the overlay too is not read twice.
    """

    root: Path
    overlay: Mapping[Kind, tuple[Path, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path | None = None, overlay: Iterable[Path] = ()) -> MappingFiles:
        """Return the files of a folder (by default the shipped one) below an overlay.

        Raises MappingSyntaxError where a file of the overlay cannot be read or is of no kind.
        """
        found: dict[Kind, tuple[Path, ...]] = {}
        for path in overlay:
            kind = kind_of(path)
            found[kind] = (*found.get(kind, ()), path)
        return cls(folder or mappings_folder(), found)

    def base(self, kind: Kind) -> list[Path]:
        """Return the folder's own files of a kind, sorted."""
        laid_over = {path.resolve() for path in self.overlay.get(kind, ())}
        found = sorted(self.root.glob(PLACES[kind]))
        return [path for path in found if path.resolve() not in laid_over]

    def read(
        self,
        kind: Kind,
        read: Callable[[Path], Iterable[T]],
        key: Callable[[T], str],
        problems: list[Issue],
    ) -> list[T]:
        """Return everything that the files of a kind declare, the overlay's in place of the base's.

        `read` gives what one file declares, `key` its name. What is wrong with a file is added to
        `problems`.
        """
        over = _read_each(self.overlay.get(kind, ()), read, problems)
        replaced = {key(item) for item in over}
        base = _read_each(self.base(kind), read, problems)
        return [item for item in base if key(item) not in replaced] + over


def _read_each(
    paths: Iterable[Path], read: Callable[[Path], Iterable[T]], problems: list[Issue]
) -> list[T]:
    found: list[T] = []
    for path in paths:
        try:
            found += read(path)
        except ArtifactError as error:
            problems += error.issues
    return found


def kind_of(path: Path) -> Kind:
    """Return the kind of a file; raises MappingSyntaxError where it is unreadable or of none."""
    tree = read_yaml(path)
    for kind in KINDS:
        if kind in tree:
            return kind
    listed = ", ".join(KINDS)
    raise fail(messages.FILE_KIND, f"The file has none of the entries: {listed}.", tree.location)


def is_mappings_folder(folder: Path) -> bool:
    """True where a folder looks like one of mappings: it has shared fragments and concept maps."""
    return (folder / "shared").is_dir() and (folder / "concept-maps").is_dir()
