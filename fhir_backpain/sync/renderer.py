"""What sending needs of a mapping."""

from __future__ import annotations

from typing import Any, Protocol

from fhir_backpain.fhir.resource import MadeResource


class Renderer(Protocol):
    """Makes the resources of a record; called by one thread.

    The same data and `version` always give the same resources, text for text. Raises a
    BackpainError (MappingFailed, ValidationFailed) for a record that cannot be sent.
    """

    @property
    def version(self) -> str:
        """The content hash of the mapping."""

    def __call__(self, data: dict[str, Any]) -> list[MadeResource]:
        """Return the resources of one record."""
