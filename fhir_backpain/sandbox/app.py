"""The Flask application of the sandbox: a FHIR R4 server below ``/fhir`` and a page for people."""

from __future__ import annotations

import logging
import sqlite3
import traceback
from datetime import UTC
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from fhir_backpain.fhir.json_text import dump
from fhir_backpain.sandbox.batch import process_batch, run
from fhir_backpain.sandbox.bundle_entry import entry_elements
from fhir_backpain.sandbox.capability import WHAT_IT_IS_NOT, capability_statement
from fhir_backpain.sandbox.exchange import Answer, Interaction
from fhir_backpain.sandbox.fault_gate import FaultGate
from fhir_backpain.sandbox.faults import FaultPlan, parse_rule
from fhir_backpain.sandbox.http_message import (
    error_answer,
    read_interaction,
    read_json,
    read_path,
    write_response,
)
from fhir_backpain.sandbox.interaction_error import InteractionError
from fhir_backpain.sandbox.messages import (
    BUSY,
    FULL,
    INTERNAL,
    INVALID_FAULT,
    TOO_LARGE,
    UNKNOWN_INTERACTION,
    UNSUPPORTED_MEDIA,
    WRONG_BODY,
)
from fhir_backpain.sandbox.routing import find_route
from fhir_backpain.sandbox.search_parameters import RESOURCE_TYPES
from fhir_backpain.sandbox.store import Clock, Store, format_instant, to_instant, utc_now
from fhir_backpain.sandbox.transaction import process_transaction

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_METADATA = ("metadata",)
_EXTENSION = "fhir_backpain.sandbox"
_logger = logging.getLogger("fhir_backpain.sandbox")


def create_app(
    database: str | Path | None = None,
    *,
    faults: FaultPlan | None = None,
    fault_endpoint: bool = False,
    check_references: bool = True,
    clock: Clock = utc_now,
) -> Flask:
    """Return the application; without `database` it works on a temporary file.

    `fault_endpoint` opens ``/_sandbox/faults``, by which anyone who reaches the server can make
    it fail. `clock` gives the aware time for meta.lastUpdated. Raises SettingsError where the
    database cannot be used. `close_app` closes the database.
    """
    app = Flask("fhir_backpain.sandbox")
    sandbox = Sandbox(Store(database, clock), faults or FaultPlan(), check_references, clock)
    app.extensions[_EXTENSION] = sandbox
    app.url_map.merge_slashes = False
    for rule in ("/fhir", "/fhir/", "/fhir/<path:path>"):
        app.add_url_rule(rule, "fhir", sandbox.answer, methods=_METHODS)
    app.add_url_rule("/", "landing", sandbox.landing)
    if fault_endpoint:
        methods = ["GET", "POST", "DELETE"]
        app.add_url_rule("/_sandbox/faults", "faults", sandbox.control, methods=methods)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.wsgi_app = FaultGate(app.wsgi_app, sandbox.faults)  # type: ignore[method-assign]
    return app


def close_app(app: Flask) -> None:
    """Close the database of an application of `create_app`; no request may follow."""
    sandbox: Sandbox = app.extensions[_EXTENSION]
    sandbox.faults.closing.set()
    sandbox.store.close()


def fault_plan(app: Flask) -> FaultPlan:
    """Return the fault plan that an application of `create_app` works by."""
    sandbox: Sandbox = app.extensions[_EXTENSION]
    return sandbox.faults


class Sandbox:
    """The views of the application and what they share."""

    def __init__(
        self, store: Store, faults: FaultPlan, check_references: bool, clock: Clock
    ) -> None:
        self.store = store
        self.faults = faults
        self._check_references = check_references
        self._clock = clock
        self._started = format_instant(to_instant(clock().astimezone(UTC)))

    def answer(self, path: str = "") -> Response:
        """Answer any request below ``/fhir``."""
        base = request.root_url.rstrip("/") + "/fhir"
        try:
            _check_path(request.method, read_path(request))  # before its body is looked at
            answer = self._perform(read_interaction(request, base, self._check_references))
        except InteractionError as error:
            answer = error_answer(error)
        except sqlite3.Error as error:
            answer = error_answer(_database_error(error))
        except Exception as error:
            answer = error_answer(_internal_error(error))
        return write_response(request, answer, base)

    def _perform(self, interaction: Interaction) -> Answer:
        if interaction.path == _METADATA:
            statement = capability_statement(interaction.base, self._started)
            return Answer(200, dump(statement))
        if interaction.path:
            return run(self.store, interaction)
        return self._process_bundle(interaction)

    def _process_bundle(self, interaction: Interaction) -> Answer:
        bundle = interaction.body or {}
        if bundle.get("resourceType") != "Bundle":
            raise InteractionError.of(400, WRONG_BODY, "The body is not a Bundle.")
        _check_limit(bundle, interaction)
        if bundle.get("type") == "batch":
            return process_batch(self.store, bundle, interaction)
        if bundle.get("type") == "transaction":
            return process_transaction(self.store, bundle, interaction)
        text = "Bundle.type is neither batch nor transaction."
        raise InteractionError.of(400, WRONG_BODY, text, expression="Bundle.type")

    def control(self) -> Response:
        """Show, add or clear fault rules."""
        try:
            if request.method == "POST":
                self._add_rules()
            elif request.method == "DELETE":
                self.faults.clear()
        except InteractionError as error:
            return write_response(request, error_answer(error), "")
        rules = dump({"rules": self.faults.to_json()})
        return Response(rules, 200, mimetype="application/json")

    def _add_rules(self) -> None:
        if request.mimetype != "application/json":  # a form of a foreign web page cannot send it
            text = "A fault rule is application/json."
            raise InteractionError.of(415, UNSUPPORTED_MEDIA, text)
        data = read_json(request.get_data())
        rules = data.get("rules", [data]) if isinstance(data, dict) else [data]
        if not isinstance(rules, list):
            raise InteractionError.of(400, INVALID_FAULT, "The member rules is not an array.")
        for rule in [parse_rule(one) for one in rules]:
            self.faults.add(rule)

    def landing(self) -> Response:
        """Show people what the server is and what it holds."""
        with self.store.reading() as session:
            counts = session.counts()
        page = render_template(
            "landing.html",
            counts=[(name, counts.get(name, 0)) for name in RESOURCE_TYPES],
            total=sum(counts.values()),
            not_for=WHAT_IT_IS_NOT,
        )
        response = Response(page, 200, mimetype="text/html")
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def _check_path(method: str, path: tuple[str, ...]) -> None:
    """Raise InteractionError 404 or 405 unless the path has the method."""
    if path and path != _METADATA:
        find_route(method, path)
        return
    allow = "GET" if path else "POST"
    if method != allow and (method, allow) != ("HEAD", "GET"):
        text = f"{method} is not supported here; {allow} is."
        raise InteractionError.of(405, UNKNOWN_INTERACTION, text, headers={"Allow": allow})


def _check_limit(bundle: dict[str, Any], interaction: Interaction) -> None:
    limit = interaction.quirks.bundle_limit
    if limit is not None and len(entry_elements(bundle)) > limit:
        text = f"The Bundle has more than {limit} entries."
        raise InteractionError.of(interaction.quirks.bundle_limit_status, TOO_LARGE, text)


def _database_error(error: sqlite3.Error) -> InteractionError:
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        text = "The database is busy."
        return InteractionError.of(503, BUSY, text, headers={"Retry-After": "1"})
    if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR")):
        return InteractionError.of(507, FULL, f"The database cannot be written ({name}).")
    return _internal_error(error)


def _internal_error(error: Exception) -> InteractionError:
    """Log the kind of error and its place, never its text: that could hold a patient's value."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    _logger.error("%s at %s:%s", type(error).__name__, place.filename, place.lineno)
    text = f"The server failed with {type(error).__name__}."
    return InteractionError.of(500, INTERNAL, text)


def _answer_http_error(error: HTTPException) -> Response:
    """Answer what Flask itself refuses, outside ``/fhir``, with an OperationOutcome as well."""
    status = error.code or 500
    refused = InteractionError.of(status, UNKNOWN_INTERACTION, "This server has no such path.")
    return write_response(request, error_answer(refused), "")
