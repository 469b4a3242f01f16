"""The Flask application of the gateway, made of parts that are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.gateway import (
    access_log,
    browser,
    decision,
    deliveries,
    flow,
    gate,
    guard,
    health,
    metadata,
    metrics,
    openapi,
    patients,
    playground,
    problem,
    records,
    sign_in,
)
from fhir_backpain.gateway.answer import secure
from fhir_backpain.gateway.html import PAGES
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.services import EXTENSION, Services
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.gateway.submissions import Submissions
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.validation.record import RecordChecker

_ROOMS = (
    records, deliveries, decision, health, metadata, metrics,
    flow, browser, patients, playground, openapi, sign_in,
)  # fmt: skip


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: GatewaySettings,
    *,
    store: SqlStore,
    mapper: Mapper,
    gateway: Gateway | None = None,
    now: Callable[[], datetime] = _utc_now,
) -> Flask:
    """Return the application; the caller starts and stops `gateway` and closes `store`.

    Without `gateway` records are taken and kept, and /ready says that nothing is sent.
    """
    app = Flask("fhir_backpain.gateway")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.extensions[EXTENSION] = _services(settings, store, mapper, gateway, now)
    access_log.register(app)
    app.before_request(guard.ensure_addressed)
    app.before_request(gate.ensure_admitted)
    app.after_request(secure)
    problem.register(app)
    app.view_functions["static"] = gate.for_anyone(app.view_functions["static"])
    app.context_processor(lambda: {"pages": PAGES})
    for room in _ROOMS:
        app.register_blueprint(room.blueprint)
    return app


def _services(
    settings: GatewaySettings,
    store: SqlStore,
    mapper: Mapper,
    gateway: Gateway | None,
    now: Callable[[], datetime],
) -> Services:
    submissions = Submissions(store)
    if isinstance(settings.outbox, Path):
        submissions.take_over(Path(f"{settings.outbox}.submissions"))
    library = mapper.library
    return Services(
        settings=settings,
        store=store,
        mapper=mapper,
        checker=RecordChecker(library.vocabulary, library.ranges, library.instruments),
        submissions=submissions,
        keyring=Keyring(store.database, now),
        gateway=gateway,
        now=now,
        started=now(),
    )
