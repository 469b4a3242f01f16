"""Signing in and out: for people, who have a password."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request

from fhir_backpain.gateway.gate import COOKIE, SIGN_IN, for_anyone, needs
from fhir_backpain.gateway.guard import ensure_parameters
from fhir_backpain.gateway.html import page
from fhir_backpain.gateway.services import services

blueprint = Blueprint("sign_in", __name__)

_SECONDS = 12 * 3600


@blueprint.get(SIGN_IN)
@for_anyone
def show() -> Response:
    """Show the form."""
    ensure_parameters()
    return page("sign_in.html")


@blueprint.post(SIGN_IN)
@for_anyone
def sign_in() -> Response:
    """Begin a session, or show the form again without a word about which part was wrong."""
    ensure_parameters()
    name, password = (request.form.get(field, "") for field in ("name", "password"))
    key = services().keyring.sign_in(name, password)
    if key is None:
        return page("sign_in.html", status=401, failed=True)
    answer: Any = redirect("/", 303)
    answer.set_cookie(
        COOKIE,
        key,
        max_age=_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=services().settings.has_tls,
        path="/",
    )
    return answer  # type: ignore[no-any-return]


@blueprint.post("/sign-out")
@needs("track")
def sign_out() -> Response:
    """End the session."""
    ensure_parameters()
    services().keyring.sign_out(request.cookies.get(COOKIE, ""))
    answer: Any = redirect(SIGN_IN, 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return answer  # type: ignore[no-any-return]
