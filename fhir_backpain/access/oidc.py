"""Signing in with an identity provider: OpenID Connect, the code flow with PKCE.

What the provider says is proven before anything is believed: the issuer, the signature by one of
its keys, the audience, the time, and the nonce of this very attempt. Whoever has no role by the
provider's word is let in nowhere.

OpenID Connect Core 1.0, https://openid.net/specs/openid-connect-core-1_0.html
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from fhir_backpain.access import messages
from fhir_backpain.access.principal import ROLES, Role
from fhir_backpain.client.base_url import parse_base_url
from fhir_backpain.client.plain_exchange import PlainExchange
from fhir_backpain.client.transport import make_session
from fhir_backpain.errors import RemoteError, SettingsError
from fhir_backpain.outcome import Message

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a key pair: never ``none``, and never a secret that both sides know."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_KEPT_SECONDS = 3600
_RETRY_SECONDS = 60
_LEEWAY = 60
_DEADLINE = 10.0
_STRONGEST: tuple[Role, ...] = tuple(reversed(ROLES))
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An identity provider, this gateway's name there, and what its groups may do here.

    `roles` gives the role of each group in the claim `roles_claim`. `scope` is asked for. Without
    `client_secret` the gateway is a public client; PKCE is used either way. SettingsError for an
    issuer that is not https (but on loopback), and for unknown roles.
    """

    issuer: str
    client_id: str
    roles: Mapping[str, str]
    client_secret: str | None = field(default=None, repr=False)
    roles_claim: str = "groups"
    scope: str = "openid profile"

    def __post_init__(self) -> None:
        _ensure_private(self.issuer)
        wrong = sorted(set(self.roles.values()) - set(ROLES))
        if wrong or not self.roles:
            text = f"roles gives each group one of: {', '.join(ROLES)}."
            raise SettingsError(messages.OIDC_SETTING.issue(text))

    def role_of(self, claims: Mapping[str, Any]) -> Role | None:
        """Return the strongest role that the groups of a person give, None where none does."""
        groups = claims.get(self.roles_claim)
        listed = [groups] if isinstance(groups, str) else groups
        if not isinstance(listed, list):
            return None
        given = {self.roles.get(one) for one in listed if isinstance(one, str)}
        return next((role for role in _STRONGEST if role in given), None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a browser keeps between leaving for the provider and coming back; used once."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """Return an attempt of random texts, 256 bits each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @classmethod
    def read(cls, text: str) -> Attempt | None:
        """Return the attempt that `to_text` wrote, None for anything else."""
        parts = text.split(".")
        if len(parts) != 3 or not all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in parts):
            return None
        return cls(*parts)

    def to_text(self) -> str:
        """Return the attempt as one text."""
        return f"{self.state}.{self.nonce}.{self.verifier}"


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Who the provider says it is: a name that nobody else has here, and the role."""

    name: str
    role: Role


class Refused(Exception):  # noqa: N818 - what is told is a message, not a fault of the program
    """The sign-in failed; `message` says why, in words that tell nothing of the person."""

    def __init__(self, message: Message, reason: str) -> None:
        super().__init__(reason)
        self.message, self.reason = message, reason


class Provider:
    """One identity provider; threads may share it. SettingsError without the package joserfc.

    Its configuration and keys are kept for an hour, and asked for anew where a key is not known.
    """

    def __init__(self, settings: OidcSettings, now: Callable[[], float] = time.time) -> None:
        try:
            import joserfc  # noqa: F401 - needed later on
        except ImportError as error:
            text = "The package joserfc is not installed."
            raise SettingsError(messages.OIDC_NO_JOSE.issue(text)) from error
        self.settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._asked = PlainExchange(deadline=_DEADLINE)
        self._configuration: dict[str, Any] | None = None
        self._keys: dict[str, Any] | None = None
        self._kept_until = self._next_look = 0.0

    def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Return where a browser is sent to sign in; Refused where the provider is not there."""
        challenge = urlsafe_b64encode(sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.settings.scope,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def person(self, attempt: Attempt, answer: Mapping[str, str], redirect_uri: str) -> KnownPerson:
        """Return who came back with the provider's answer; Refused where anything is not proven."""
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise Refused(messages.OIDC_FORGED, "state")
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise Refused(messages.OIDC_FORGED, "iss")
        if "error" in answer or not answer.get("code"):
            raise Refused(messages.OIDC_REFUSED, "no code")
        claims = self._claims(self._id_token(answer["code"], attempt, redirect_uri))
        self._ensure_meant(claims, attempt)
        role = self.settings.role_of(claims)
        if role is None:
            raise Refused(messages.OIDC_NO_ROLE, "no role")
        return KnownPerson(_name(claims), role)

    def _id_token(self, code: str, attempt: Attempt, redirect_uri: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.settings.client_id,
            "code_verifier": attempt.verifier,
        }
        endpoint, secret = self._endpoint("token_endpoint"), self.settings.client_secret
        asked = self._asked
        if secret is not None:
            methods = self._known().get("token_endpoint_auth_methods_supported")
            if isinstance(methods, list) and "client_secret_post" in methods:
                form["client_secret"] = secret
            else:
                session = make_session(trust_env=False, ca_bundle=None, client_certificate=None)
                session.auth = (self.settings.client_id, secret)
                asked = PlainExchange(deadline=_DEADLINE, session=session)
        try:
            token = asked.post_form(endpoint, form).get("id_token")
        except RemoteError as error:
            raise Refused(messages.OIDC_REFUSED, "token endpoint") from error
        if not isinstance(token, str):
            raise Refused(messages.OIDC_REFUSED, "no id_token")
        return token

    def _claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that one of the provider's keys has signed."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        for again in (False, True):
            try:
                keys = KeySet.import_key_set(self._key_set(again=again))  # type: ignore[arg-type]
                return dict(jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims)
            except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
                if again:
                    raise Refused(messages.OIDC_FORGED, type(error).__name__) from error
        raise AssertionError("the loop has ended already")

    def _ensure_meant(self, claims: Mapping[str, Any], attempt: Attempt) -> None:
        """Refuse a token that is not for this gateway, not now, or not for this attempt."""
        own, now = self.settings.client_id, self._now()
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        expires: Any = claims.get("exp")
        begins: Any = claims.get("nbf", claims.get("iat"))
        nonce, party = claims.get("nonce"), claims.get("azp")
        is_proven = {
            "iss": claims.get("iss") == self.settings.issuer,
            "aud": isinstance(audiences, list) and own in audiences,
            "azp": party == own if isinstance(audiences, list) and len(audiences) > 1 else (
                party in (None, own)
            ),
            "exp": _is_number(expires) and now < expires + _LEEWAY,
            "iat": _is_number(begins) and begins <= now + _LEEWAY,
            "nonce": isinstance(nonce, str)
            and hmac.compare_digest(nonce.encode(), attempt.nonce.encode()),
            "sub": isinstance(claims.get("sub"), str) and bool(claims["sub"]),
        }  # fmt: skip
        wrong = [name for name, holds in is_proven.items() if not holds]
        if wrong:
            raise Refused(messages.OIDC_FORGED, ", ".join(wrong))

    def _endpoint(self, name: str) -> str:
        endpoint = self._known().get(name)
        try:
            if isinstance(endpoint, str):
                _ensure_private(endpoint.partition("?")[0])
                return endpoint
        except SettingsError:
            pass
        raise Refused(messages.OIDC_UNREACHABLE, name)

    def _known(self) -> dict[str, Any]:
        """Return the provider's configuration, which must be of the issuer that is trusted."""
        with self._lock:
            if self._configuration is None or self._now() >= self._kept_until:
                found = self._get(f"{self.settings.issuer}/.well-known/openid-configuration")
                if found.get("issuer") != self.settings.issuer:
                    raise Refused(messages.OIDC_UNREACHABLE, "another issuer")
                self._configuration, self._keys = found, None
                self._kept_until = self._now() + _KEPT_SECONDS
            return self._configuration

    def _key_set(self, *, again: bool) -> dict[str, Any]:
        """Return the provider's keys; `again` asks for new ones, once in a minute at most."""
        address = self._endpoint("jwks_uri")
        with self._lock:
            is_due = again and self._now() >= self._next_look
            if self._keys is None or is_due:
                self._keys = self._get(address)
                self._next_look = self._now() + _RETRY_SECONDS
            return self._keys

    def _get(self, address: str) -> dict[str, Any]:
        try:
            return self._asked.get(address)
        except RemoteError as error:
            raise Refused(messages.OIDC_UNREACHABLE, "no answer") from error


def _name(claims: Mapping[str, Any]) -> str:
    """Return a name that is readable, and that no other person or issuer can come to.

    The hash is of issuer and subject: a preferred name alone may be given to another one later.
    """
    told = claims.get("preferred_username") or claims.get("email") or ""
    plain = _UNFIT.sub("-", told.partition("@")[0])[:32].strip("-") if isinstance(told, str) else ""
    number = sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()[:16]
    return f"oidc.{plain or 'person'}.{number}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ensure_private(url: str) -> None:
    """Raise SettingsError for a URL over which secrets would go in the open."""
    parts = urlsplit(parse_base_url(url))
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        text = "The identity provider is not asked over https."
        raise SettingsError(messages.OIDC_SETTING.issue(text))
