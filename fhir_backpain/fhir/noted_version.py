"""A version as we keep it: where a server gives ids of its own, with that id before it.

That is ``17/_history/3``, as in the URL of a version; no version id can look like it.
FHIR: http://hl7.org/fhir/R4/http.html#vread
"""

from __future__ import annotations

_BETWEEN = "/_history/"


def noted_version(version_id: str | None, server_id: str | None) -> str | None:
    """Return what is kept of a version; `server_id` is None where the resource has our id.

    >>> noted_version("3", "17")
    '17/_history/3'
    """
    return version_id if server_id is None else f"{server_id}{_BETWEEN}{version_id or ''}"


def version_in(noted: str | None) -> str | None:
    """Return the version that is kept, None where there is none.

    >>> version_in("17/_history/3"), version_in("3")
    ('3', '3')
    """
    return (noted or "").rpartition(_BETWEEN)[2] or None


def server_id_in(noted: str | None) -> str | None:
    """Return the id that the server gave; None where the resource has ours.

    >>> server_id_in("17/_history/3"), server_id_in("3")
    ('17', None)
    """
    server_id, between, _ = (noted or "").partition(_BETWEEN)
    return server_id if between else None
