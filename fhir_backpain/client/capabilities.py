"""What a server says that it can do.

FHIR: CapabilityStatement, http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Versioning = Literal["no-version", "versioned", "versioned-update"]

# No element says how many entries a Bundle may have; some servers say it in words.
_LIMIT = re.compile(
    r"(?:at most|maximum(?: of)?|max\.?|limit(?:ed to| of| is)?|up to)\W{0,3}([0-9]{1,6})\W{0,3}"
    r"(?:bundle )?(?:entries|resources)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A CapabilityStatement as the server gave it, and what matters of it."""

    statement: dict[str, Any]

    @property
    def fhir_version(self) -> str:
        """Such as ``4.0.1``; empty where the server does not say."""
        return str(self.statement.get("fhirVersion", ""))

    @property
    def release(self) -> str:
        """The FHIR release as people call it, such as ``R4``; empty where it is none of these."""
        for start, name in (("4.0.", "R4"), ("4.3.", "R4B"), ("5.0.", "R5")):
            if self.fhir_version.startswith(start):
                return name
        return ""

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

    @property
    def offers_history(self) -> bool:
        """True where the server gives the history of all that it holds, or of each type."""
        return "history-system" in _codes(self._rest()) or any(
            "history-type" in _codes(element) for element in self._resources()
        )

    @property
    def bundle_limit(self) -> int | None:
        """The most entries of a Bundle, where the words about transactions or batches name it."""
        told = [
            str(item.get("documentation", ""))
            for item in _elements(self._rest().get("interaction"))
            if item.get("code") in ("transaction", "batch")
        ]
        found = [int(match[1]) for text in told for match in _LIMIT.finditer(text)]
        return min((number for number in found if number > 0), default=None)

    def offers(self, resource_type: str, interaction: str) -> bool:
        """True where the type has the interaction, such as ``update`` or ``search-type``."""
        return interaction in _codes(self._resource(resource_type))

    def lists(self, resource_type: str) -> bool:
        """True where the statement speaks of the type at all."""
        return bool(self._resource(resource_type))

    def client_ids(self, resource_type: str) -> bool | None:
        """Whether the type's ids may be assigned by clients; None where it is not said.

        FHIR: CapabilityStatement.rest.resource.updateCreate
        """
        return self._flag(resource_type, "updateCreate")

    def conditional_create(self, resource_type: str) -> bool:
        """True where the type is created only if nothing matches (If-None-Exist)."""
        return self._flag(resource_type, "conditionalCreate") is True

    def conditional_update(self, resource_type: str) -> bool:
        """True where the type can be updated by search criteria."""
        return self._flag(resource_type, "conditionalUpdate") is True

    def conditional_delete(self, resource_type: str) -> bool:
        """True where the type can be deleted by search criteria."""
        value = self._resource(resource_type).get("conditionalDelete")
        return value in ("single", "multiple")

    def versioning(self, resource_type: str) -> Versioning | None:
        """How the type keeps versions; None where it is not said.

        ``versioned-update`` means that updates may have to name the version (If-Match).
        """
        value = self._resource(resource_type).get("versioning")
        return value if value in ("no-version", "versioned", "versioned-update") else None

    def _flag(self, resource_type: str, name: str) -> bool | None:
        value = self._resource(resource_type).get(name)
        return value if isinstance(value, bool) else None

    def _resource(self, resource_type: str) -> dict[str, Any]:
        found = (one for one in self._resources() if one.get("type") == resource_type)
        return next(found, {})

    def _resources(self) -> list[dict[str, Any]]:
        return _elements(self._rest().get("resource"))

    def _rest(self) -> dict[str, Any]:
        servers = [
            rest for rest in _elements(self.statement.get("rest")) if rest.get("mode") == "server"
        ]
        return servers[0] if servers else {}


def _elements(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _codes(element: dict[str, Any]) -> set[Any]:
    return {item.get("code") for item in _elements(element.get("interaction"))}
