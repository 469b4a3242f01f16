"""Signing in and out: for people, by a password or by an identity provider."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, request

from fhir_backpain.access.messages import OIDC_FORGED
from fhir_backpain.access.oidc import Attempt, Provider, Refused
from fhir_backpain.gateway.gate import COOKIE, SIGN_IN, for_anyone, needs
from fhir_backpain.gateway.guard import ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.messages import UNKNOWN_PATH
from fhir_backpain.gateway.problem import STATUS, ProblemError, request_id
from fhir_backpain.gateway.services import own_address, services
from fhir_backpain.telemetry.event import log

blueprint = Blueprint("sign_in", __name__)

_SECONDS = 12 * 3600
_ATTEMPT_SECONDS = 600
_logger = logging.getLogger("fhir_backpain.gateway")


@blueprint.get(SIGN_IN)
@for_anyone
def show() -> Response:
    """Show the form."""
    ensure_parameters()
    return _form()


@blueprint.post(SIGN_IN)
@for_anyone
def sign_in() -> Response:
    """Begin a session, or show the form again without a word about which part was wrong."""
    ensure_parameters()
    name, password = (request.form.get(field, "") for field in ("name", "password"))
    key = services().keyring.sign_in(name, password)
    if key is None:
        return _form(status=401, failed=True)
    answer: Any = redirect("/", 303)
    return _with_session(answer, key)


@blueprint.get(f"{SIGN_IN}/provider")
@for_anyone
def leave() -> Response:
    """Send the browser to the identity provider, with an attempt in a cookie for the way back."""
    ensure_parameters()
    attempt = Attempt.new()
    try:
        address = _provider().address(attempt, _redirect_uri())
    except Refused as refusal:
        return _refused(refusal)
    answer: Any = redirect(address, 303)
    # Lax: it comes back on the way from another site, which a strict one does not.
    answer.set_cookie(
        _attempt_cookie(), attempt.to_text(), max_age=_ATTEMPT_SECONDS, httponly=True,
        samesite="Lax", secure=services().settings.has_tls, path="/",
    )  # fmt: skip
    return answer  # type: ignore[no-any-return]


@blueprint.get(f"{SIGN_IN}/provider/back")
@for_anyone
def come_back() -> Response:
    """Begin a session for whom the provider has proven who it is."""
    answer: Mapping[str, str] = {name: text for name, text in request.args.items() if text}
    attempt = Attempt.read(request.cookies.get(_attempt_cookie(), ""))
    try:
        if attempt is None:
            raise Refused(OIDC_FORGED, "no attempt")
        person = _provider().person(attempt, answer, _redirect_uri())
        key = services().keyring.sign_in_known(person.name, person.role)
    except Refused as refusal:
        return _refused(refusal)
    # A page and no redirect: the way from another site would not bring a strict cookie along.
    shown = page("signed_in.html")
    _end_attempt(shown)
    return _with_session(shown, key)


@blueprint.post("/sign-out")
@needs("track")
def sign_out() -> Response:
    """End the session."""
    ensure_parameters()
    services().keyring.sign_out(request.cookies.get(COOKIE, ""))
    answer: Any = redirect(SIGN_IN, 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return answer  # type: ignore[no-any-return]


def _form(*, status: int = 200, **context: Any) -> Response:
    return page("sign_in.html", status=status, provider=services().provider, **context)


def _with_session(answer: Response, key: str) -> Response:
    answer.set_cookie(
        COOKIE,
        key,
        max_age=_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=services().settings.has_tls,
        path="/",
    )
    return answer


def _provider() -> Provider:
    provider = services().provider
    if provider is None:
        raise ProblemError(UNKNOWN_PATH.issue("The gateway has no such path."), status=404)
    return provider


def _redirect_uri() -> str:
    return f"{own_address()}{SIGN_IN}/provider/back"


def _attempt_cookie() -> str:
    """Return the cookie's name; with TLS one that no other host may set."""
    return (
        "__Host-fhir_backpain_attempt" if services().settings.has_tls else "fhir_backpain_attempt"
    )


def _refused(refusal: Refused) -> Response:
    log(_logger, logging.WARNING, "provider-refused", message=f"FBP-{refusal.message.number}",
        reason=refusal.reason, request=request_id())  # fmt: skip
    shown = refusal.message.issue(f"{refusal.message.title}.")
    answer = _form(status=STATUS[shown.code], refused=shown)
    _end_attempt(answer)
    return answer


def _end_attempt(answer: Response) -> None:
    secure = services().settings.has_tls
    answer.delete_cookie(_attempt_cookie(), path="/", httponly=True, samesite="Lax", secure=secure)
