"""The gate that every request passes: it makes the faults that a fault plan asks for.

It stands outside the application, where a connection can be closed without a response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from waitress.channel import ClientDisconnected

from fhir_backpain.sandbox.exchange import EXTRA_HEADERS, QUIRKS, EntryFault, Quirks
from fhir_backpain.sandbox.faults import WIRE_KINDS, FaultPlan, FaultRule

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ConnectionDropped(ClientDisconnected):  # type: ignore[misc]
    """Makes waitress close the connection without a (further) byte."""


class FaultGate:
    """WSGI middleware that applies a fault plan to the requests of `application`."""

    def __init__(self, application: Application, plan: FaultPlan) -> None:
        self._application = application
        self._plan = plan

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_sandbox/"):
            return self._application(environ, start_response)
        query = environ.get("QUERY_STRING", "")
        rules = self._plan.choose(environ["REQUEST_METHOD"], f"{path}?{query}" if query else path)
        environ[QUIRKS] = quirks_of(rules)
        environ[EXTRA_HEADERS] = [header for rule in rules for header in _entry_headers(rule)]
        for rule in rules:
            if rule.kind == "delay":
                self._plan.pause(rule.settings["seconds"])
        wire = [rule for rule in rules if rule.kind in WIRE_KINDS and rule.kind != "delay"]
        if not wire:
            return self._application(environ, start_response)
        return self._break(wire[0], environ, start_response)

    def _break(
        self, rule: FaultRule, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if rule.kind == "drop-before":
            raise ConnectionDropped
        if rule.kind == "status":
            return self._answer(rule, environ, start_response)
        status, headers, body = self._run(environ)
        if rule.kind == "drop-after":
            raise ConnectionDropped
        start_response(status, headers)
        if rule.kind == "truncate":
            return _truncated(body, rule.settings["bytes"])
        return self._dripped(body, rule)

    def _answer(
        self, rule: FaultRule, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        settings = rule.settings
        if settings["apply"]:
            self._run(environ)
        body = settings["body"].encode()
        headers = {"Content-Type": "text/html; charset=utf-8", **settings["headers"]}
        headers["Content-Length"] = str(len(body))
        start_response(_status_line(settings["status"]), list(headers.items()))
        return [body]

    def _dripped(self, body: bytes, rule: FaultRule) -> Iterator[bytes]:
        size = max(rule.settings["bytes"], 1)
        for start in range(0, len(body), size):
            self._plan.pause(rule.settings["seconds"])
            yield body[start : start + size]

    def _run(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        """Carry the request out and return its response, which nobody has seen yet."""
        started: list[Any] = []

        def keep(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started[:] = [status, headers]

        response = self._application(environ, keep)
        try:
            body = b"".join(response)
        finally:
            close = getattr(response, "close", None)
            if close is not None:
                close()
        return started[0], started[1], body


def quirks_of(rules: list[FaultRule]) -> Quirks:
    """Return how the application itself is to go wrong, as the rules ask."""
    values: dict[str, Any] = {}
    for rule in rules:
        if rule.kind == "entry":
            fault = EntryFault(rule.settings["status"], "the entry was not processed.")
            values.setdefault("entry_faults", {})[rule.settings["index"]] = fault
        elif rule.kind not in WIRE_KINDS:
            values |= _quirk(rule)
    return Quirks(**values)


def _quirk(rule: FaultRule) -> dict[str, Any]:
    settings = rule.settings
    table: dict[str, Callable[[], dict[str, Any]]] = {
        "omit-entries": lambda: {"omitted_entries": frozenset(settings["indexes"])},
        "reverse-entries": lambda: {"reversed_entries": True},
        "ignore-search-parameters": lambda: {"ignored_parameters": frozenset(settings["names"])},
        "stale-search": lambda: {"stale_seconds": float(settings["seconds"])},
        "conflict-status": lambda: {"conflict_status": settings["status"]},
        "bundle-limit": lambda: {
            "bundle_limit": settings["entries"],
            "bundle_limit_status": settings["status"],
        },
        "next-link": lambda: {"next_link": settings["url"]},
    }
    return table[rule.kind]()


def _entry_headers(rule: FaultRule) -> list[tuple[str, str]]:
    return list(rule.settings["headers"].items()) if rule.kind == "entry" else []


def _truncated(body: bytes, size: int) -> Iterator[bytes]:
    yield body[:size]
    raise ConnectionDropped


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
