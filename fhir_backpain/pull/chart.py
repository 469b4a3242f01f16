"""Everything of ours that a server holds of one patient, as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import PermanentRemoteError
from fhir_backpain.fhir.meta import (
    OF_THE_SERVER,
    with_own_source,
    without_id_tag,
    without_meta,
)
from fhir_backpain.pull.change import Resource, relative, url_of
from fhir_backpain.pull.ownership import is_ours, patient_of

_GONE = (404, 410)


class Chart:
    """Reads a patient's resources. `types` are those that mappings make.

    `knows` tells of a URL whether it was ours, though the resource may not say so any more.
    """

    def __init__(
        self, client: FhirClient, types: Iterable[str], knows: Callable[[str], bool]
    ) -> None:
        self._client = client
        self._knows = knows
        self._types = [name for name in types if name != "Patient"]

    def of(self, patient: str) -> dict[str, Resource]:
        """Return the patient's resources by relative URL; those of other makers are left out.

        Raises RemoteError where not all of them can be had.
        """
        found = {}
        person = self.read(patient)
        if person is not None:
            found[patient] = person
        for name in self._types:
            for resource in self._search(name, patient):
                url = url_of(resource)
                # A server may pass over a parameter and tell of all patients.
                if url is None or patient_of(resource) != patient:
                    continue
                if is_ours(resource) or self._knows(url):
                    found[url] = resource
        return found

    def read(self, url: str) -> Resource | None:
        """Return a resource as it is now, never from an index; None where it is gone."""
        kind, _, name = url.partition("/")
        try:
            return self._client.read(kind, name).resource
        except PermanentRemoteError as error:
            if error.status in _GONE:
                return None
            raise

    def last_words(self, url: str) -> Resource | None:
        """Return the last version of a deleted resource, None where no history tells it."""
        try:
            for entry in self._client.history(url, parameters=[("_count", "10")]):
                resource = entry.get("resource")
                if isinstance(resource, dict) and url_of(resource) == url:
                    return resource
        except PermanentRemoteError:
            return None
        return None

    def _search(self, name: str, patient: str) -> Iterator[Resource]:
        for entry in self._client.search(name, [("patient", patient), ("_count", "200")]):
            resource = entry.get("resource")
            if isinstance(resource, dict) and resource.get("resourceType") == name:
                yield resource


def without_server_marks(resource: Resource) -> Resource:
    """Return a copy without what a server notes by itself, and with relative references.

    That is the version, its time, the tag of our id, the request that HAPI appends to
    meta.source, the order of meta.profile, and a narrative that was generated.
    """
    bare = without_id_tag(without_meta(_relative(resource), _SERVER_META))
    copy: Resource = with_own_source(bare)
    text = copy.get("text")
    if isinstance(text, dict) and text.get("status") == "generated":
        del copy["text"]
    return copy


_SERVER_META = (*OF_THE_SERVER, "profile")


def _relative(value: Resource) -> Resource:
    """Return a deep copy in which absolute references to the server's resources are relative."""
    copy: Resource = {}
    for name, item in value.items():
        if name == "reference" and isinstance(item, str) and "://" in item:
            copy[name] = relative(item) or item
        else:
            copy[name] = _copied(item)
    return copy


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return _relative(value)
    return [_copied(item) for item in value] if isinstance(value, list) else value
