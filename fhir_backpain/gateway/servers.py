"""The servers that the outbox has records for, and what a look at the gateway's own one shows."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from flask import Blueprint, Response

from fhir_backpain.client.capabilities import Capabilities
from fhir_backpain.errors import RemoteError
from fhir_backpain.fhir.json_text import FHIR_JSON
from fhir_backpain.gateway.answer import json_answer, tagged_answer
from fhir_backpain.gateway.description import Answer, described
from fhir_backpain.gateway.gate import needs
from fhir_backpain.gateway.guard import JSON, ensure_accepts, ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.messages import UNKNOWN_SERVER
from fhir_backpain.gateway.problem import ProblemError
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.sync.server_findings import ServerFinding, look_at

blueprint = Blueprint("servers", __name__)

SERVERS = "/api/v1/servers"


@dataclass(frozen=True, slots=True)
class KnownServer:
    """A server by its name in the outbox; `is_own` where this gateway sends to it."""

    server: str
    is_own: bool
    counts: dict[str, int]

    @property
    def id(self) -> str:
        """A short name for paths."""
        return blake2b(self.server.encode(), digest_size=6).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the server as JSON data."""
        return {
            "id": self.id,
            "url": f"{SERVERS}/{self.id}",
            "server": self.server,
            "is_own": self.is_own,
            "counts": self.counts,
        }


@blueprint.get(SERVERS)
@needs("read")
@described({200: Answer("The servers.", "Servers")})
def index() -> Response:
    """List the servers that there are records for, with their counts by state."""
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    return tagged_answer({"servers": [one.to_json() for one in known_servers(services())]})


@blueprint.get(f"{SERVERS}/<server_id>")
@needs("read")
@described({200: Answer("The server, and what a look at it shows.", "Server")}, problems=(404,))
def show(server_id: str) -> Response:
    """Show one server; the gateway's own is asked now for what it can do.

    Nothing is written to it. The other servers are not asked: this gateway has no way to them.
    """
    ensure_accepts(JSON, FHIR_JSON)
    ensure_parameters()
    shared = services()
    found = next((one for one in known_servers(shared) if one.id == server_id), None)
    if found is None:
        raise ProblemError(UNKNOWN_SERVER.issue("No server has this id."))
    findings = findings_of(shared) if found.is_own else []
    gateway = shared.gateway
    return json_answer(
        found.to_json()
        | {
            "reachable": gateway.contact.reachable if gateway and found.is_own else None,
            "findings": [
                {"name": one.name, "good": one.is_good, "text": one.text} for one in findings
            ],
            "capability_statement": _statement(shared) if found.is_own else None,
        }
    )


@blueprint.get("/servers")
@needs("read")
def show_page() -> Response:
    """Show the servers; the gateway's own is asked unless its last request was not answered."""
    ensure_accepts("text/html")
    ensure_parameters()
    gateway = services().gateway
    return _page(asked=gateway is not None and gateway.contact.reachable is not False)


@blueprint.post("/servers")
@needs("read")
def ask() -> Response:
    """Ask the gateway's server now, and show the servers."""
    ensure_parameters()
    return _page(asked=True)


def _page(*, asked: bool) -> Response:
    shared = services()
    findings = findings_of(shared) if asked else []
    statement = _statement(shared) if asked else None
    return page(
        "servers.html",
        servers=known_servers(shared),
        contact=shared.gateway.contact.to_json() if shared.gateway else None,
        findings=findings,
        offers=_offers(Capabilities(statement), shared) if statement else [],
    )


def _offers(found: Capabilities, shared: Services) -> list[dict[str, Any]]:
    """Return what a server says of each type that our mappings make."""
    ids = {True: "accepted", False: "refused", None: "not said"}
    profiles = _profile_counts(found.statement)
    return [
        {
            "type": kind,
            "update": found.offers(kind, "update"),
            "read": found.offers(kind, "read"),
            "search": found.offers(kind, "search-type"),
            "ids": ids[found.client_ids(kind)],
            "versions": found.versioning(kind) or "not said",
            "profiles": profiles.get(kind, 0),
        }
        for kind in shared.mapper.types
    ]


def _profile_counts(statement: Any) -> dict[str, int]:
    """Return how many profiles a statement names for each type; strangers' data may be of any form.

    FHIR: CapabilityStatement.rest.resource.supportedProfile
    """
    rests = statement.get("rest") if isinstance(statement, dict) else None
    resources = [
        one
        for rest in (rests if isinstance(rests, list) else [])
        for one in (rest.get("resource") or [] if isinstance(rest, dict) else [])
        if isinstance(one, dict)
    ]
    return {
        str(one.get("type")): len(one["supportedProfile"])
        for one in resources
        if isinstance(one.get("supportedProfile"), list)
    }


def known_servers(shared: Services) -> list[KnownServer]:
    """Return the gateway's own server first, then the others of the outbox."""
    own = shared.settings.server
    others = [one for one in shared.store.servers() if one != own]
    return [
        KnownServer(one, one == own, dict(shared.store.counts(one).items()))
        for one in (own, *others)
    ]


def findings_of(shared: Services) -> list[ServerFinding]:
    """Return what a look at the gateway's server shows; none where nothing is sent."""
    return list(look_at(shared.gateway.client)) if shared.gateway is not None else []


def _statement(shared: Services) -> dict[str, Any] | None:
    if shared.gateway is None:
        return None
    try:
        return shared.gateway.client.capabilities().statement
    except RemoteError:
        return None
