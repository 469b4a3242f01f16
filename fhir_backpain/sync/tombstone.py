"""Records that their source no longer has: a last version that makes nothing.

What the record alone made is then taken back like anything that a new version no longer makes,
in order with the patient's other records. If the record comes back, it is a new version again.
"""

from __future__ import annotations

from typing import Any

from fhir_backpain.fhir.resource import MadeResource
from fhir_backpain.record import as_of, key_of
from fhir_backpain.sync.renderer import Renderer

_MARK = "removed_from_source"
_AS_OF = ("assessed_at", "written_at", "observed_at")


def tombstone(data: dict[str, Any]) -> dict[str, Any]:
    """Return the last version of a record: who and when it was, and nothing of its content."""
    key, moment = key_of(data), as_of(data)
    patient = {"identifier": {"system": key.patient_system, "value": key.patient_value}}
    header = {"record": key.record, "id": key.id, "source": key.source, "patient": patient}
    when = {name: moment for name in _AS_OF if name in data}
    made_up = {"test_data": data["test_data"]} if "test_data" in data else {}
    return {**header, **when, **made_up, _MARK: True}


def is_tombstone(data: dict[str, Any]) -> bool:
    """True where a version says that its source no longer has the record."""
    return data.get(_MARK) is True


class TombstoneRenderer:
    """Makes nothing of a tombstone, and of any other record what `renderer` makes."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    @property
    def version(self) -> str:
        """The content hash of the mapping."""
        return self._renderer.version

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        """Return the resources of one record."""
        return [] if is_tombstone(data) else self._renderer(data)
