"""How a gateway works: where it listens, what it takes, where it sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

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
    `allow_remote` lets it listen on other addresses than loopback, `allow_patient_data` lets
    records that are not marked as test data go to a public server. `trusted_hosts` are more
    names by which clients may call it; with `allow_remote` and none given, any name will do.
    `deadline` is the longest request to the FHIR server; a stop takes `stop_seconds` at most.

    Raises SettingsError for a base URL that cannot be used and for numbers out of range.
    """

    server: str
    outbox: Path | str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8480
    allow_remote: bool = False
    allow_patient_data: bool = False
    trusted_hosts: tuple[str, ...] = ()
    max_body: int = 8 * MIB
    max_records: int = MOST_RECORDS
    max_depth: int = 64
    threads: int = 8
    deadline: float = 25.0
    stop_seconds: float = 30.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "server", parse_base_url(self.server))
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

    def ensure_may_listen(self) -> None:
        """Raise SettingsError where strangers could reach a gateway that asks for no credentials.

        Whoever reaches it can send records and read what became of them.
        """
        if not self.is_local and not self.allow_remote:
            text = (
                "The address is not a loopback address, and the gateway has no authentication yet:"
                " anyone who reaches it could send and read."
            )
            raise SettingsError(REMOTE_ADDRESS.issue(text))

    def trusts(self, host: str) -> bool:
        """True where a request's Host header (with or without port) names this gateway."""
        if self.allow_remote and not self.trusted_hosts:
            return True
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        own = f"[{self.host}]" if ":" in self.host else self.host
        return name.lower() in (*_LOOPBACK_NAMES, own.lower(), *map(str.lower, self.trusted_hosts))


def _ensure_between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SettingsError(WRONG_SETTING.issue(f"{name} must be from {least} to {most}."))
