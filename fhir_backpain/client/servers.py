"""Well-known public test servers, and the guard that keeps patients' data away from them.

Whoever asks a public server sees what others sent to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from fhir_backpain.client.base_url import origin, parse_base_url
from fhir_backpain.client.messages import PUBLIC_SERVER
from fhir_backpain.errors import SettingsError


@dataclass(frozen=True, slots=True)
class KnownServer:
    """A FHIR server that is known by name. `release` is R4 or R5."""

    name: str
    base_url: str
    release: str
    is_public: bool = True


PUBLIC_SERVERS: tuple[KnownServer, ...] = (
    KnownServer("hapi", "https://hapi.fhir.org/baseR4", "R4"),
    KnownServer("hapi-r5", "https://hapi.fhir.org/baseR5", "R5"),
    KnownServer("firely", "https://server.fire.ly/r4", "R4"),
    KnownServer("smart", "https://r4.smarthealthit.org", "R4"),
    KnownServer("wildfhir", "https://wildfhir4.aegis.net/fhir4-0-1", "R4"),
)

_PUBLIC_DOMAINS = ("fhir.org", "fire.ly", "smarthealthit.org", "aegis.net")


def find_server(name: str) -> KnownServer | None:
    """Return the server of a name, or None."""
    return next((server for server in PUBLIC_SERVERS if server.name == name), None)


@lru_cache(maxsize=64)  # asked of every record
def is_public(base_url: str) -> bool:
    """True where the host belongs to a public test server, whatever its port or path.

    >>> is_public("https://HAPI.fhir.org:443/baseR4")
    True
    """
    _, host, _ = origin(parse_base_url(base_url))
    return any(host == domain or host.endswith(f".{domain}") for domain in _PUBLIC_DOMAINS)


def ensure_may_receive(base_url: str, all_test_data: bool, insist: bool) -> None:
    """Pass where nobody's data gets public: test data, a server of one's own, or on insistence.

    Raises SettingsError otherwise.
    """
    if is_public(base_url) and not all_test_data and not insist:
        _, host, _ = origin(base_url)
        text = f"{host} is a public test server, and not every record says that it is made up."
        raise SettingsError(PUBLIC_SERVER.issue(text))
