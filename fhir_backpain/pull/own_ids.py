"""Our ids in place of a server's: some servers give every resource an id of their own.

All of the mapping knows ids of ours alone. A resource tells its own by its business identifier, or
by the tag that sync gives to what has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir_backpain.fhir import identity
from fhir_backpain.fhir.meta import tagged_id
from fhir_backpain.mapping.reverse.address import read_address
from fhir_backpain.pull.change import Resource, relative
from fhir_backpain.pull.ownership import elements, identifiers


def own_url(resource: Resource) -> str | None:
    """Return the relative URL that we give a resource, None where it tells none."""
    kind, tagged = resource.get("resourceType"), tagged_id(resource)
    if tagged is not None:
        return f"{kind}/{tagged}"
    if kind == "Patient":
        return next((f"Patient/{identity.patient_id(*one)}" for one in identifiers(resource)), None)
    return _addressed(resource, str(kind))


class OwnIds:
    """What the resources of a patient are called by us and by the server."""

    def __init__(self, chart: Mapping[str, Resource]) -> None:
        found = {url: own_url(resource) for url, resource in chart.items()}
        self._own = {url: own for url, own in found.items() if own and own != url}
        self._there = {own: url for url, own in self._own.items()}

    def own(self, url: str) -> str:
        """Return our relative URL of what the server has at one of its own."""
        return self._own.get(url, url)

    def there(self, url: str) -> str:
        """Return the server's relative URL of what we have at one of ours."""
        return self._there.get(url, url)

    def of(self, url: str, resource: Resource) -> Resource:
        """Return a resource as it would be if all ids were ours."""
        if not self._own:
            return resource
        copy: Resource = self._renamed(resource)
        return {**copy, "id": self.own(url).partition("/")[2]}

    def chart(self, chart: Mapping[str, Resource]) -> dict[str, Resource]:
        """Return the resources by our relative URLs, with our ids."""
        return {self.own(url): self.of(url, resource) for url, resource in chart.items()}

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._renamed(item) for item in value]
        if not isinstance(value, dict):
            return value
        copy = {name: self._renamed(item) for name, item in value.items()}
        url = relative(value.get("reference"))
        if url in self._own:
            copy["reference"] = self._own[url]
        return copy


def _addressed(resource: Resource, kind: str) -> str | None:
    """Return the URL by the identifier, where the resource names its patient's number too."""
    subject = resource.get("subject")
    about = subject.get("identifier") if isinstance(subject, dict) else None
    people = list(identifiers({"identifier": [about]}))
    given = resource.get("identifier")
    for one in elements(given if isinstance(given, list) else [given]):
        address = read_address(one)
        if address is None:
            continue
        for system, value in people:
            owner = identity.patient_in_source(address.source, system, value)
            if owner.path != address.patient:
                continue
            if address.record is not None and address.record_id is not None:
                owner = identity.record_of_patient(
                    owner, address.source, address.record, address.record_id
                )
            key = str(one["value"]).removeprefix(f"{owner.path}/")
            return f"{kind}/{owner.logical_id(kind, key)}"
    return None
