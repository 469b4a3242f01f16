"""What the views of one application share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from flask import current_app, request

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.access.oidc import Provider
from fhir_backpain.gateway.mapping_book import MappingBook
from fhir_backpain.gateway.refusals import Refusals
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.gateway.submissions import Submissions
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.database import Database
from fhir_backpain.outbox.store import Store
from fhir_backpain.telemetry.request_count import RequestCount
from fhir_backpain.validation.record import RecordChecker

EXTENSION = "fhir_backpain.gateway"


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that an application was made with; `gateway` is None where nothing is sent."""

    settings: GatewaySettings
    store: Store
    database: Database
    mapper: Mapper
    mappings: MappingBook
    checker: RecordChecker
    submissions: Submissions
    refusals: Refusals
    keyring: Keyring
    provider: Provider | None
    gateway: Gateway | None
    now: Callable[[], datetime]
    started: datetime
    requests: RequestCount = field(default_factory=RequestCount)


def services() -> Services:
    """Return the services of the application that answers the current request."""
    return cast(Services, current_app.extensions[EXTENSION])


def own_address() -> str:
    """Return the address of the gateway as the client of the current request knows it."""
    return services().settings.public_url or request.host_url.rstrip("/")
