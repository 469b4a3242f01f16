"""How a gateway works: where it listens, what it takes, where it sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from fhir_backpain.access.oidc import OidcSettings
from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.errors import SettingsError
from fhir_backpain.fhir.json_text import JsonLimits
from fhir_backpain.gateway.messages import REMOTE_ADDRESS, WRONG_SETTING

MIB = 1024 * 1024
# The store keeps so many records in one transaction: only then is a list all or nothing.
MOST_RECORDS = 1000
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Settings of one gateway. Sizes are in bytes, times in seconds.

    `server` is the base URL of the FHIR server, `outbox` where accepted
    records are kept: a file, or the URL of a PostgreSQL database.
    `public_url` is the https address at which a proxy with TLS makes it known; without one it
    listens on loopback only. `allow_patient_data` lets records that are not marked as test data
    go to a public server. `trusted_hosts` are more names by which clients may call it.
    `oidc` is the identity provider where people may sign in as well.
    `deadline` is the longest request to the FHIR server; a stop takes `stop_seconds` at most.

    Raises SettingsError for a base URL that cannot be used and for numbers out of range.
    """

    server: str
    outbox: Path | str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8480
    public_url: str | None = None
    allow_patient_data: bool = False
    trusted_hosts: tuple[str, ...] = ()
    max_body: int = 8 * MIB
    max_records: int = MOST_RECORDS
    max_depth: int = 64
    threads: int = 8
    deadline: float = 25.0
    stop_seconds: float = 30.0
    oidc: OidcSettings | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "server", parse_base_url(self.server))
        if self.public_url is not None:
            object.__setattr__(self, "public_url", parse_base_url(self.public_url))
            if not self.has_tls:
                text = "A public URL begins with https: passwords and tokens go over it."
                raise SettingsError(REMOTE_ADDRESS.issue(text))
        _ensure_between("port", self.port, 0, 65535)
        _ensure_between("max_body", self.max_body, 1, 1024 * MIB)
        _ensure_between("max_records", self.max_records, 1, MOST_RECORDS)
        _ensure_between("max_depth", self.max_depth, 1, 64)
        _ensure_between("threads", self.threads, 1, 64)
        _ensure_between("deadline", self.deadline, 0.1, 600)
        _ensure_between("stop_seconds", self.stop_seconds, 0, 600)

    @property
    def json(self) -> JsonLimits:
        """The limits of a JSON body."""
        return JsonLimits(max_bytes=self.max_body, max_depth=self.max_depth)

    @property
    def is_local(self) -> bool:
        """True where only programs of the same machine can reach the gateway."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def has_tls(self) -> bool:
        """True where whoever calls from elsewhere does so over TLS."""
        return self.public_url is not None and self.public_url.startswith("https://")

    def ensure_may_listen(self, *, knows_principals: bool) -> None:
        """Raise SettingsError where strangers could reach a gateway, or listen to what it says.

        Whoever reaches it can send records and read what became of them.
        """
        if self.is_local and self.public_url is None:
            return
        if not self.has_tls:
            text = "The address is not a loopback address, and no proxy with TLS is named."
            raise SettingsError(REMOTE_ADDRESS.issue(text))
        if not knows_principals:
            text = "The gateway can be reached by others, and knows nobody: it would let all in."
            raise SettingsError(REMOTE_ADDRESS.issue(text))

    def trusts(self, host: str) -> bool:
        """True where a request's Host header (with or without port) names this gateway."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        own = f"[{self.host}]" if ":" in self.host else self.host
        public = (urlsplit(self.public_url).hostname or "",) if self.public_url else ()
        known = (own, *public, *self.trusted_hosts)
        return name.lower() in (*_LOOPBACK_NAMES, *map(str.lower, known))


def _ensure_between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SettingsError(WRONG_SETTING.issue(f"{name} must be from {least} to {most}."))
