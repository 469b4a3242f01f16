"""The Flask application of the gateway, made of parts that are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from fhir_backpain.gateway import (
    access_log,
    deliveries,
    guard,
    health,
    metadata,
    page,
    problem,
    records,
)
from fhir_backpain.gateway.answer import secure
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.services import EXTENSION, Services
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.gateway.submissions import Submissions
from fhir_backpain.mapping.mapper import Mapper
from fhir_backpain.outbox.store import Store
from fhir_backpain.validation.record import RecordChecker


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: GatewaySettings,
    *,
    store: Store,
    mapper: Mapper,
    gateway: Gateway | None = None,
    now: Callable[[], datetime] = _utc_now,
) -> Flask:
    """Return the application; the caller starts and stops `gateway` and closes `store`.

    Without `gateway` records are taken and kept, and /ready says that nothing is sent.
    """
    submissions = Submissions(store)
    if isinstance(settings.outbox, Path):
        submissions.take_over(Path(f"{settings.outbox}.submissions"))
    app = Flask("fhir_backpain.gateway")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    app.extensions[EXTENSION] = Services(
        settings=settings,
        store=store,
        mapper=mapper,
        checker=RecordChecker(mapper.library.vocabulary, mapper.library.ranges),
        submissions=submissions,
        gateway=gateway,
        now=now,
        started=now(),
    )
    access_log.register(app)
    app.before_request(guard.ensure_addressed)
    app.after_request(secure)
    problem.register(app)
    for room in (records, deliveries, health, metadata, page):
        app.register_blueprint(room.blueprint)
    return app
