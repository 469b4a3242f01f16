"""What a server says that it can do.

FHIR: CapabilityStatement, http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A CapabilityStatement as the server gave it, and what matters of it."""

    statement: dict[str, Any]

    @property
    def fhir_version(self) -> str:
        """Such as ``4.0.1``; empty where the server does not say."""
        return str(self.statement.get("fhirVersion", ""))

    @property
    def software(self) -> str:
        """Name and version of the server's software, as far as they are given."""
        software = self.statement.get("software")
        if not isinstance(software, dict):
            return ""
        return " ".join(str(software[key]) for key in ("name", "version") if key in software)

    @property
    def offers_transaction(self) -> bool:
        """True where the server processes transactions."""
        return "transaction" in _codes(self._rest())

    @property
    def offers_batch(self) -> bool:
        """True where the server processes batches."""
        return "batch" in _codes(self._rest())

    def offers(self, resource_type: str, interaction: str) -> bool:
        """True where the type has the interaction, such as ``update`` or ``search-type``."""
        return any(
            interaction in _codes(element)
            for element in _elements(self._rest().get("resource"))
            if element.get("type") == resource_type
        )

    def _rest(self) -> dict[str, Any]:
        servers = [
            rest for rest in _elements(self.statement.get("rest")) if rest.get("mode") == "server"
        ]
        return servers[0] if servers else {}


def _elements(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _codes(element: dict[str, Any]) -> set[Any]:
    return {item.get("code") for item in _elements(element.get("interaction"))}
