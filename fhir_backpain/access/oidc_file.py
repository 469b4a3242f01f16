"""The file that names an identity provider."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fhir_backpain.access import messages
from fhir_backpain.access.oidc import OidcSettings
from fhir_backpain.errors import SettingsError

_TEXTS = ("issuer", "client_id", "client_secret_file", "roles_claim", "scope")


def read_oidc(file: Path) -> OidcSettings:
    """Return what a TOML file says of an identity provider.

    The secret stands in a file of its own, `client_secret_file`, so that it is in no settings.
    Raises SettingsError where a file cannot be read or an entry cannot be used.
    """
    data = _read(file)
    wrong = sorted(set(data) - {*_TEXTS, "roles"})
    missing = sorted({"issuer", "client_id", "roles"} - set(data))
    unfit = [name for name in _TEXTS if not isinstance(data.get(name, ""), str)]
    roles = data.get("roles", {})
    if not isinstance(roles, dict) or not all(isinstance(one, str) for one in roles.values()):
        unfit.append("roles")
    if wrong or missing or unfit:
        told = {"not known": wrong, "missing": missing, "not of its kind": unfit}
        said = "; ".join(f"{what}: {', '.join(names)}" for what, names in told.items() if names)
        raise SettingsError(messages.OIDC_SETTING.issue(f"{file}: {said}."))
    secret_file = data.pop("client_secret_file", None)
    secret = _secret(file.parent / secret_file) if secret_file else None
    return OidcSettings(**data, client_secret=secret)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        text = f"{file} cannot be read as TOML."
        raise SettingsError(messages.OIDC_SETTING.issue(text)) from None


def _secret(file: Path) -> str:
    try:
        found = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        found = ""
    if not found:
        text = "client_secret_file cannot be read, or is empty."
        raise SettingsError(messages.OIDC_SETTING.issue(text))
    return found
