"""The Flask application of the gateway, made of parts that are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from fhir_backpain.access.keyring import Keyring
from fhir_backpain.access.oidc import Provider
from fhir_backpain.gateway import (
    access_log,
    browser,
    decision,
    deliveries,
    fhir_operations,
    fhir_search,
    flow,
    gate,
    guard,
    health,
    mappings,
    metadata,
    metrics,
    openapi,
    patients,
    playground,
    problem,
    quality,
    records,
    servers,
    sign_in,
    tables,
)
from fhir_backpain.gateway.answer import secure
from fhir_backpain.gateway.html import PAGES
from fhir_backpain.gateway.mapping_book import MappingBook
from fhir_backpain.gateway.refusals import Refusals
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.services import EXTENSION, Services
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.gateway.submissions import Submissions
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.sql_store import SqlStore
from fhir_backpain.validation.record import RecordChecker

_ROOMS = (
    records, deliveries, decision, health, metadata, metrics,
    fhir_operations, fhir_search, mappings, servers,
    flow, browser, tables, patients, quality, playground, openapi, sign_in,
)  # fmt: skip


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: GatewaySettings,
    *,
    store: SqlStore,
    mapper: Mapper,
    gateway: Gateway | None = None,
    mapping_folder: Path | None = None,
    now: Callable[[], datetime] = _utc_now,
) -> Flask:
    """Return the application; the caller starts and stops `gateway` and closes `store`.

    Without `gateway` records are taken and kept, and /ready says that nothing is sent.
    `mapping_folder` is the folder that `mapper` was made of, where that is not the shipped one.
    Raises ArtifactError where a feed mapping of it cannot be used.
    """
    app = Flask("fhir_backpain.gateway")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    # What is typed into a page may be as large as what a program sends.
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.extensions[EXTENSION] = _services(
        settings, store, mapper, MappingBook(mapper, mapping_folder), gateway, now
    )
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
    book: MappingBook,
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
        database=store.database,
        mapper=mapper,
        mappings=book,
        checker=RecordChecker(library.vocabulary, library.ranges, library.instruments),
        submissions=submissions,
        refusals=Refusals(store.database, now),
        keyring=Keyring(store.database, now),
        provider=Provider(settings.oidc) if settings.oidc is not None else None,
        gateway=gateway,
        now=now,
        started=now(),
    )
