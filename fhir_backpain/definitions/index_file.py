"""The shipped index of one release, as read: JSON objects by what they describe.

`python -m servers.definitions build` writes the files; the first line says from which sources.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any

from fhir_backpain.definitions.messages import INDEX_UNREADABLE
from fhir_backpain.errors import ArtifactError

FORMAT = 1

Line = dict[str, Any]


@dataclass(slots=True)
class IndexFile:
    """The lines of an index.

    `members` are element lines by the path of their parent, in FHIR's order; `invariants` are by
    the name of their type; `value_sets` give system -> code -> display by URL.
    """

    head: Line
    types: dict[str, Line] = field(default_factory=dict)
    elements: dict[str, Line] = field(default_factory=dict)
    members: dict[str, list[Line]] = field(default_factory=dict)
    invariants: dict[str, list[Line]] = field(default_factory=dict)
    value_sets: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Keep one line after the head."""
        if "path" in line:
            self.elements[line["path"]] = line
            self.members.setdefault(line["path"].rpartition(".")[0], []).append(line)
        elif "type" in line:
            self.types[line["type"]] = line
        elif "invariant" in line:
            self.invariants.setdefault(line["at"].partition(".")[0], []).append(line)
        else:
            self.value_sets[line["valueSet"]] = line["codes"]


def read_index(file: Traversable) -> IndexFile:
    """Return an index; raises ArtifactError where the file is missing, cut short or another form.

    The file holds one JSON object a line.
    """
    try:
        text = file.read_text(encoding="utf-8")
        # One call for the whole file is much faster than one for each line.
        head, *lines = json.loads("[" + ",".join(text.removesuffix("\n").split("\n")) + "]")
        index = IndexFile(head)
        if head["format"] != FORMAT:
            raise ValueError(head["format"])
        for line in lines:
            index.add(line)
    except (OSError, ValueError, KeyError, TypeError):
        raise ArtifactError(INDEX_UNREADABLE.issue(f"{file.name} cannot be read.")) from None
    return index
