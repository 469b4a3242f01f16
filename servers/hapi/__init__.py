"""The HAPI FHIR JPA server, the engine of the best-known public test server, on 127.0.0.1."""

from servers.hapi.installation import download, is_available, is_downloaded
from servers.hapi.server import HapiServer, HapiSettings, RunningServer, running, start, stop

__all__ = [
    "HapiServer",
    "HapiSettings",
    "RunningServer",
    "download",
    "is_available",
    "is_downloaded",
    "running",
    "start",
    "stop",
]
