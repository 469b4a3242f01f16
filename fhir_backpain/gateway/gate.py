"""Who asks, and may they? Settled before anything else of a request is looked at.

A machine shows a token (``Authorization: Bearer``), a person has a session (a cookie). Every view
says by `needs` what it takes to use it; one that says nothing is for nobody.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, redirect, request

from fhir_backpain.access.principal import LOCAL, Permission, Principal
from fhir_backpain.errors import OutboxError
from fhir_backpain.gateway.guard import is_page
from fhir_backpain.gateway.messages import (
    FORGED_FORM,
    NOT_ALLOWED,
    NOT_SIGNED_IN,
)
from fhir_backpain.gateway.problem import ProblemError, store_problem
from fhir_backpain.gateway.services import Services, services
from fhir_backpain.outbox.act import Actor

COOKIE = "fhir_backpain_session"
FORM_KEY = "form_key"
FORM_HEADER = "X-Form-Key"
SIGN_IN = "/sign-in"

View = TypeVar("View", bound=Callable[..., Any])
_NEED = "fhir_backpain_need"
_OPEN = "open"
_READS = ("GET", "HEAD")


def needs(permission: Permission) -> Callable[[View], View]:
    """Say what it takes to use a view."""
    return _marked(permission)


def for_anyone(view: View) -> View:
    """Say that a view is for whoever asks, known or not."""
    return _marked(_OPEN)(view)


def need_of(app: Flask, endpoint: str) -> Permission | str | None:
    """Return what a view takes, ``open`` for nothing, None where it was not said."""
    found: str | None = getattr(app.view_functions[endpoint], _NEED, None)
    return found


def ensure_admitted() -> Response | None:
    """Find out who asks and whether they may; ProblemError 401 or 403, or the sign-in page."""
    g.principal = g.form_key = None
    if request.endpoint is None:  # answered with 404 or 405, which tell nothing
        return None
    need = need_of(current_app, request.endpoint)
    if need == _OPEN:
        return None
    try:
        _identify()
    except OutboxError as error:
        raise store_problem(error, writing=request.method not in _READS) from error
    if g.principal is None:
        if is_page():
            return redirect(SIGN_IN, 303)  # type: ignore[return-value]
        raise ProblemError(
            NOT_SIGNED_IN.issue("The request shows no access that is known."),
            status=401,
            headers={"WWW-Authenticate": 'Bearer realm="fhir-backpain"'},
        )
    if need is None or not principal().may(need):  # type: ignore[arg-type]
        raise ProblemError(NOT_ALLOWED.issue("The role does not give this."), status=403)
    return None


def principal() -> Principal:
    """Return who made the current request."""
    found: Principal = g.principal
    return found


def actor() -> Actor:
    """Return who the audit trail names for the current request."""
    return Actor(principal().name, "gateway")


def form_key() -> str:
    """Return what a form of the current page has to bring along."""
    return str(g.form_key or "")


def ensure_own_form(expected: str) -> None:
    """Raise ProblemError 403 for a form that no page of the same session made."""
    given = request.headers.get(FORM_HEADER) or request.form.get(FORM_KEY, "")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise ProblemError(FORGED_FORM.issue("The form was not made by a page of this session."))


def _identify() -> None:
    shared = services()
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer":
            g.principal = shared.keyring.by_token(token.strip())
        return
    signed_in = shared.keyring.by_session(request.cookies.get(COOKIE, ""))
    if signed_in is not None:
        g.principal, g.form_key = signed_in.principal, signed_in.form_key
        if request.method not in _READS:
            ensure_own_form(signed_in.form_key)
    elif shared.settings.oidc is None and _is_alone(shared):
        # Nobody else reaches it, and nobody was told to prove anything. Other sites' pages are
        # kept out by the Host and Origin headers.
        g.principal = LOCAL


def _is_alone(shared: Services) -> bool:
    return shared.settings.is_local and shared.keyring.is_empty()


def _marked(need: str) -> Callable[[View], View]:
    def mark(view: View) -> View:
        setattr(view, _NEED, need)
        return view

    return mark
