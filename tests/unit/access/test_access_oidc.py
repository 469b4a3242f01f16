"""What an identity provider says is believed only where all of it is proven."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import ECKey, RSAKey

from fhir_backpain.access import messages
from fhir_backpain.access.keyring import Keyring
from fhir_backpain.access.oidc import Attempt, KnownPerson, OidcSettings, Provider, Refused
from fhir_backpain.access.oidc_file import read_oidc
from fhir_backpain.errors import SettingsError
from fhir_backpain.outbox.sqlite import SqliteStore
from tests.identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    query_of,
    with_shared_secret,
)

BACK = "http://localhost/sign-in/provider/back"
ROLES = {"ward": "reader", "informatics": "operator", "root": "administrator"}


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as server:
        yield server


@pytest.fixture
def settings(idp: IdentityProvider) -> OidcSettings:
    return OidcSettings(idp.root, CLIENT, ROLES, client_secret=SECRET)


@pytest.fixture
def provider(settings: OidcSettings) -> Provider:
    return Provider(settings)


def answer_to(provider: Provider, attempt: Attempt) -> dict[str, str]:
    """Return what the provider sends the browser back with."""
    leaving = requests.get(provider.address(attempt, BACK), allow_redirects=False, timeout=10)
    assert leaving.headers["Location"].startswith(BACK)
    return query_of(leaving.headers["Location"])


def sign_in(provider: Provider) -> KnownPerson:
    attempt = Attempt.new()
    return provider.person(attempt, answer_to(provider, attempt), BACK)


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"]])
def test_whoever_is_proven_has_a_name_and_a_role(
    idp: IdentityProvider, provider: Provider, methods: list[str]
) -> None:
    idp.auth_methods = methods
    person = sign_in(provider)
    assert person.name.startswith("oidc.ada.")
    assert person.role == "reader"
    assert sign_in(provider) == person
    assert idp.asked.count("/keys") == 1  # kept


def test_the_secret_goes_to_the_token_endpoint_alone(
    idp: IdentityProvider, provider: Provider
) -> None:
    seen: list[tuple[str, bool]] = []
    real = idp.respond

    def spy(request: Any) -> Any:
        told = SECRET in f"{request.target} {request.headers} {request.body!r}" or (
            "authorization" in request.headers
        )
        seen.append((request.target.partition("?")[0], told))
        return real(request)

    idp.respond = spy  # type: ignore[method-assign]
    sign_in(provider)
    assert {path for path, told in seen if told} == {"/token"}


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["ward"], "reader"), (["ward", "root"], "administrator"), ("informatics", "operator"),
        (["x", "ward"], "reader"), (["informatics", 7], "operator"),
    ],
)  # fmt: skip
def test_the_strongest_group_counts(
    idp: IdentityProvider, provider: Provider, groups: Any, role: str
) -> None:
    idp.person["groups"] = groups
    assert sign_in(provider).role == role


@pytest.mark.parametrize("groups", [[], ["x"], None, {}, 7, ["administrator"], [["root"]]])
def test_without_a_group_that_is_known_nobody_is_let_in(
    idp: IdentityProvider, provider: Provider, groups: Any
) -> None:
    idp.person["groups"] = groups
    with pytest.raises(Refused) as caught:
        sign_in(provider)
    assert caught.value.message is messages.OIDC_NO_ROLE


def test_names_are_apart_by_subject_and_issuer(idp: IdentityProvider, provider: Provider) -> None:
    first = sign_in(provider)
    idp.person["sub"] = "u-2"
    second = sign_in(provider)
    idp.person |= {"preferred_username": "../<script>ädä", "sub": "u-1"}
    third = sign_in(provider)
    assert len({first.name, second.name, third.name}) == 3
    assert third.name.rpartition(".")[2] == first.name.rpartition(".")[2]
    assert "<" not in third.name
    assert "/" not in third.name


NOW = int(time.time())
FORGED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "another audience": lambda claims: {**claims, "aud": "other"},
    "other audiences": lambda claims: {**claims, "aud": ["other", "another"]},
    "another party": lambda claims: {**claims, "azp": "other"},
    "several audiences without a party": lambda claims: {**claims, "aud": [CLIENT, "other"]},
    "no audience": lambda claims: {name: one for name, one in claims.items() if name != "aud"},
    "expired": lambda claims: {**claims, "exp": NOW - 3600},
    "no end": lambda claims: {name: one for name, one in claims.items() if name != "exp"},
    "an end that is no number": lambda claims: {**claims, "exp": "tomorrow"},
    "not yet": lambda claims: {**claims, "iat": NOW + 3600},
    "another nonce": lambda claims: {**claims, "nonce": "x" * 43},
    "no nonce": lambda claims: {name: one for name, one in claims.items() if name != "nonce"},
    "no subject": lambda claims: {name: one for name, one in claims.items() if name != "sub"},
    "an empty subject": lambda claims: {**claims, "sub": ""},
}


@pytest.mark.parametrize("what", FORGED)
def test_a_token_for_others_is_refused(
    idp: IdentityProvider, provider: Provider, what: str
) -> None:
    idp.change = FORGED[what]
    with pytest.raises(Refused) as caught:
        sign_in(provider)
    assert caught.value.message is messages.OIDC_FORGED


def test_several_audiences_with_this_party_are_fine(
    idp: IdentityProvider, provider: Provider
) -> None:
    idp.change = lambda claims: {**claims, "aud": [CLIENT, "other"], "azp": CLIENT}
    assert sign_in(provider).role == "reader"


def test_a_signature_by_another_key_is_refused(idp: IdentityProvider, provider: Provider) -> None:
    idp.sign_with = RSAKey.generate_key(2048, {"kid": "one"})
    with pytest.raises(Refused) as caught:
        sign_in(provider)
    assert caught.value.message is messages.OIDC_FORGED


def unsigned(idp: IdentityProvider, claims: dict[str, Any], algorithm: str = "none") -> str:
    header = {"alg": algorithm, "kid": "one"}
    return ".".join([*(_base64(json.dumps(one).encode()) for one in (header, claims)), ""])


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256"])
def test_a_token_without_a_signature_is_refused(
    idp: IdentityProvider,
    provider: Provider,
    algorithm: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(idp, "signed", lambda claims: unsigned(idp, claims, algorithm))
    with pytest.raises(Refused):
        sign_in(provider)


def test_a_secret_that_both_sides_know_signs_nothing(
    idp: IdentityProvider, provider: Provider
) -> None:
    idp.header = {"alg": "HS256", "kid": "one"}
    idp.sign_with = with_shared_secret()
    with pytest.raises(Refused):
        sign_in(provider)


def test_the_public_key_is_no_secret(
    idp: IdentityProvider, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody has it: a token that it "signs" by HMAC is anybody's."""

    def signed(claims: dict[str, Any]) -> str:
        text = unsigned(idp, claims, "HS256").rstrip(".")
        public = idp.key.as_pem(private=False)
        return f"{text}.{_base64(hmac.digest(public, text.encode(), sha256))}"

    monkeypatch.setattr(idp, "signed", signed)
    with pytest.raises(Refused):
        sign_in(provider)


def test_a_new_key_is_found_and_looked_for_once_in_a_minute(
    idp: IdentityProvider, settings: OidcSettings
) -> None:
    ahead = [0.0]
    provider = Provider(settings, now=lambda: time.time() + ahead[0])
    sign_in(provider)
    new = ECKey.generate_key("P-256", {"kid": "two", "use": "sig", "alg": "ES256"})
    idp.published, idp.sign_with = [idp.key, new], new
    idp.header = {"alg": "ES256", "kid": "two"}
    with pytest.raises(Refused):
        sign_in(provider)  # asked for a moment ago
    ahead[0] = 61.0
    assert sign_in(provider).role == "reader"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"code": "code-0"},
        {"code": "code-0", "state": "x"},
        {"code": "code-0", "state": "ä"},
    ],
)
def test_an_answer_to_another_attempt_is_refused(
    idp: IdentityProvider, provider: Provider, answer: dict[str, str]
) -> None:
    attempt = Attempt.new()
    answer_to(provider, attempt)
    with pytest.raises(Refused) as caught:
        provider.person(attempt, answer, BACK)
    assert caught.value.message is messages.OIDC_FORGED
    assert "/token" not in idp.asked


def test_an_answer_of_another_issuer_is_refused(idp: IdentityProvider, provider: Provider) -> None:
    attempt = Attempt.new()
    answer = answer_to(provider, attempt) | {"iss": "https://evil.example"}
    with pytest.raises(Refused):
        provider.person(attempt, answer, BACK)
    assert "/token" not in idp.asked


def test_a_code_counts_once_and_with_its_verifier(provider: Provider) -> None:
    attempt = Attempt.new()
    answer = answer_to(provider, attempt)
    assert provider.person(attempt, answer, BACK)
    with pytest.raises(Refused):
        provider.person(attempt, answer, BACK)
    other = Attempt.new()
    stolen = answer_to(provider, other)
    with pytest.raises(Refused):
        provider.person(replace(Attempt.new(), state=other.state, nonce=other.nonce), stolen, BACK)


def test_who_is_refused_there_is_refused_here(idp: IdentityProvider, provider: Provider) -> None:
    idp.error = "access_denied"
    with pytest.raises(Refused) as caught:
        sign_in(provider)
    assert caught.value.message is messages.OIDC_REFUSED


@pytest.mark.parametrize(
    "configuration",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
    ],
)
def test_a_provider_that_leads_elsewhere_is_not_followed(
    idp: IdentityProvider, provider: Provider, configuration: dict[str, Any]
) -> None:
    idp.configuration = configuration
    with pytest.raises(Refused) as caught:
        provider.address(Attempt.new(), BACK)
    assert caught.value.message is messages.OIDC_UNREACHABLE


def test_a_provider_that_is_not_there_is_told(settings: OidcSettings) -> None:
    with pytest.raises(Refused) as caught:
        Provider(replace(settings, issuer="http://127.0.0.1:9")).address(Attempt.new(), BACK)
    assert caught.value.message is messages.OIDC_UNREACHABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://login.example"}, {"issuer": "ftp://x"}, {"issuer": "https://u:p@x"},
        {"roles": {}}, {"roles": {"a": "king"}},
    ],
)  # fmt: skip
def test_settings_that_are_not_safe_are_refused(
    settings: OidcSettings, changes: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError):
        replace(settings, **changes)


def test_the_secret_is_not_shown(settings: OidcSettings) -> None:
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("text", ["", "a.b.c", "x" * 131, f"{'a' * 43}.{'b' * 43}", "..", "ä"])
def test_what_is_no_attempt_is_none(text: str) -> None:
    assert Attempt.read(text) is None
    attempt = Attempt.new()
    assert Attempt.read(attempt.to_text()) == attempt


FILE = """\
issuer = "https://login.clinic.example/realms/care"
client_id = "gateway"
client_secret_file = "secret"
[roles]
ward = "reader"
"""


def test_a_file_names_the_provider(tmp_path: Path) -> None:
    file = tmp_path / "oidc.toml"
    file.write_text(FILE)
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    found = read_oidc(file)
    assert (found.issuer, found.client_secret, found.roles) == (
        "https://login.clinic.example/realms/care", SECRET, {"ward": "reader"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("issuer", "isuer"), ('"gateway"', "7"), ("[roles]", "[more]"), ('"reader"', "1"),
        ('"secret"', '"nothing"'), ("[roles]", "["), ("https://login", "http://login"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "oidc.toml"
    file.write_text(FILE.replace(old, new))
    (tmp_path / "secret").write_text(SECRET)
    with pytest.raises(SettingsError) as caught:
        read_oidc(file)
    assert SECRET not in str(caught.value)


def test_a_known_person_has_sessions_and_no_password(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "o.sqlite") as store:
        keyring = Keyring(store.database)
        key = keyring.sign_in_known("oidc.ada.1", "reader")
        signed_in = keyring.by_session(key)
        assert signed_in is not None
        assert (signed_in.principal.name, signed_in.principal.role) == ("oidc.ada.1", "reader")
        assert keyring.sign_in("oidc.ada.1", "!") is None
        assert keyring.sign_in("oidc.ada.1", "") is None
        with pytest.raises(SettingsError):
            keyring.set_password("oidc.ada.1", "correct horse battery")
        keyring.sign_in_known("oidc.ada.1", "operator")
        again = keyring.by_session(key)
        assert again is not None
        assert again.principal.role == "operator"
        keyring.add_person("ada", "administrator", "correct horse battery")
        keyring.add_machine("lab", "sender")
        for taken in ("ada", "lab"):
            with pytest.raises(SettingsError):
                keyring.sign_in_known(taken, "administrator")
        keyring.remove("oidc.ada.1")
        assert keyring.by_session(key) is None
