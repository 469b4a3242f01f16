"""The gateway against payloads, row by row of what is asked of software in its place.

Where a row needs a real browser it is in tests/browser, and where it needs a token or TLS server
in tests/unit/client.
"""

from __future__ import annotations

import ast
import gzip
import io
import json
import logging
import os
import re
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fhir_backpain.access import secret
from fhir_backpain.access.keyring import Keyring
from fhir_backpain.clinic.clinic import Clinic
from fhir_backpain.errors import BackpainError
from fhir_backpain.gateway import app as app_module
from fhir_backpain.gateway.app import create_app
from fhir_backpain.gateway.contact import Contact, watched_client
from fhir_backpain.gateway.gate import COOKIE, need_of
from fhir_backpain.gateway.openapi import document_of
from fhir_backpain.gateway.runner import Gateway
from fhir_backpain.gateway.settings import GatewaySettings
from fhir_backpain.mapping.mapper import Mapper, load_mapper
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.telemetry.log_output import LogSettings, logging_to
from tests.http_server import Answer, HttpServer, Request
from tests.weekly_feed import FEED

PASSWORD = "correct horse battery"
CANARY = "Kanarie4711x"
GATEWAY = Path(app_module.__file__).parent
TABLE = "mrn;visit;pain\nP-1;02/03/2026;7\n"
JSON_PATHS = (
    "/api/v1/records",
    "/api/v1/records/$dry-run",
    "/api/v1/mappings/$try",
    "/api/v1/patients/$trajectories",
    "/fhir/$validate",
    "/fhir/Patient/$validate",
    "/fhir/QuestionnaireResponse/$extract",
    "/fhir/StructureMap/observation-measure/$transform",
)


@dataclass
class World:
    """A gateway that knows a person and a machine, its outbox, and a record to send."""

    app: Flask
    store: SqliteStore
    keyring: Keyring
    token: str
    record: dict[str, Any]

    @property
    def anyone(self) -> FlaskClient:
        return self.app.test_client()

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request as the machine, an administrator."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.anyone.open(path, method=method, headers=headers, **options)

    def post(self, path: str, data: bytes, kind: str = "application/json", **more: Any) -> Any:
        return self.send("POST", path, data=data, content_type=kind, **more)

    def signed_in(self) -> FlaskClient:
        browser = self.app.test_client()
        browser.post("/sign-in", data={"name": "ada", "password": PASSWORD})
        return browser


@pytest.fixture(scope="module")
def mapper() -> Mapper:
    return load_mapper()


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    records = Clinic(seed=7, patients=1, start=date(2024, 1, 8)).records()
    found = next(one for one in records if one["record"] == "observation")
    copied: dict[str, Any] = json.loads(json.dumps(found, default=float))
    return copied


@pytest.fixture
def world(tmp_path: Path, mapper: Mapper, record: dict[str, Any]) -> Iterator[World]:
    settings = GatewaySettings("http://127.0.0.1:9/fhir", tmp_path / "o.sqlite")
    with SqliteStore(tmp_path / "o.sqlite") as store:
        keyring = Keyring(store.database)
        keyring.add_person("ada", "administrator", PASSWORD)
        token = keyring.add_machine("lab", "administrator")
        app = create_app(settings, store=store, mapper=mapper)
        yield World(app, store, keyring, token, record)


def unsafe_routes(app: Flask) -> list[tuple[str, str]]:
    """Return method and path of every route that is not for reading; its arguments are filled."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        methods = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        found += [(method, path) for method in sorted(methods)]
    assert len(found) > 15
    return found


def number_of(answer: Any) -> str:
    return str(json.loads(answer.data)["issue"][0]["extension"][0]["valueString"])


# --- SSRF: URLs in what is sent -----------------------------------------------------------------

_HOSTS = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "localhost",
    "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "169.254.169.254", "[fe80::1]", "10.0.0.1",
    "192.168.0.1", "172.16.0.1", "localtest.me", "127.0.0.1.nip.io", "metadata.google.internal",
)  # fmt: skip
URLS = (
    *(f"http://{host}/x" for host in _HOSTS),
    *(f"https://{host}:8443/x" for host in _HOSTS),
    *(f"http://user:pass@{host}/x" for host in _HOSTS),
    "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:70/_x", "dict://127.0.0.1:1/x",
    "jar:http://127.0.0.1!/x", "data:text/plain,x", "//127.0.0.1/x", "http:127.0.0.1",
    "javascript:alert(1)", "ldap://127.0.0.1/x", "netdoc:///etc/passwd", "\\\\127.0.0.1\\x",
)  # fmt: skip


def test_ssrf_no_url_that_is_sent_is_ever_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, place: asked.append(place))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *place, **_: asked.append(place))
    assert len(URLS) >= 60
    for url in URLS:
        resource = {
            "resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": url,
            "meta": {"profile": [url], "source": url}, "implicitRules": url,
            "subject": {"reference": url, "identifier": {"system": url, "value": "x"}},
            "identifier": {"system": url, "value": "x"}, "authored": "2026-03-02",
            "item": [{"linkId": "1", "answer": [{"valueAttachment": {"url": url}}]}],
        }  # fmt: skip
        body = json.dumps(resource).encode()
        bundle = {"resourceType": "Bundle", "type": "searchset",
                  "link": [{"relation": "next", "url": url}]}  # fmt: skip
        answers = [
            world.post("/fhir/$validate", body),
            world.send("POST", "/fhir/$validate", data=body, query_string={"profile": url},
                       content_type="application/json"),
            world.post("/fhir/QuestionnaireResponse/$extract", body),
            world.post("/fhir/Bundle/$validate", json.dumps(bundle).encode()),
            world.post("/api/v1/records", json.dumps({**world.record, "source": url}).encode()),
            world.send("GET", "/fhir/Observation", query_string={"patient": url}),
            world.send("GET", "/fhir/Patient", query_string={"identifier": f"{url}|x"}),
        ]  # fmt: skip
        assert all(answer.status_code < 500 for answer in answers)
    assert asked == []


class Elsewhere(HttpServer):
    """A server to which nobody should come."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Request] = []

    def respond(self, request: Request) -> Answer:
        self.seen.append(request)
        return Answer(200, body=b"{}")


class Leading(HttpServer):
    """A server that leads to another one."""

    def __init__(self, to: str, status: int) -> None:
        super().__init__()
        self._to, self._status = to, status

    def respond(self, request: Request) -> Answer:
        return Answer(self._status, {"Location": self._to + request.target})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_the_fhir_server_are_not_followed(
    tmp_path: Path, mapper: Mapper, status: int
) -> None:
    with Elsewhere() as other, Leading(other.root, status) as server:
        place, contact = tmp_path / "o.sqlite", Contact()
        with (
            SqliteStore(place) as store,
            watched_client(f"{server.root}/fhir", contact, deadline=5) as client,
        ):
            settings = GatewaySettings(f"{server.root}/fhir", place)
            gateway = Gateway(store, mapper, client, contact=contact)
            api = create_app(settings, store=store, mapper=mapper, gateway=gateway).test_client()
            (own,) = api.get("/api/v1/servers").json["servers"]
            findings = api.get(own["url"]).json["findings"]
            assert not findings[0]["good"]
            assert api.post("/servers").status_code == 200
        assert other.seen == []


@contextmanager
def dripping() -> Iterator[str]:
    """Give the URL of a server whose answers come a byte at a time, without end."""
    ended = threading.Event()

    def drip() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{")
                with suppress(OSError):
                    while not ended.wait(0.1):
                        connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
        finally:
            ended.set()
            thread.join()


@pytest.mark.timeout(60)
def test_a_total_deadline_ends_an_answer_that_drips(tmp_path: Path, mapper: Mapper) -> None:
    """Without one it would go on for 1000 seconds: each silence is short."""
    with dripping() as url:
        place, contact = tmp_path / "o.sqlite", Contact()
        with (
            SqliteStore(place) as store,
            watched_client(url, contact, deadline=1) as client,
        ):
            gateway = Gateway(store, mapper, client, contact=contact)
            settings = GatewaySettings(url, place)
            api = create_app(settings, store=store, mapper=mapper, gateway=gateway).test_client()
            (own,) = api.get("/api/v1/servers").json["servers"]
            (finding,) = api.get(own["url"]).json["findings"]
            assert not finding["good"]


# --- What is read -------------------------------------------------------------------------------

NOT_STRICT = (
    b'{"a": 1, "a": 2}', b'{"resourceType": "Patient", "resourceType": "Patient"}', b'{"a": NaN}',
    b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1e999999}', b'{"a": 01}', b'{"a": +1}',
    b'{"a": .5}', b'{"a": 0x1}', b'{"a": "\\u0000"}', b'{"a": "\x00"}', b'{"a": "\\ud800"}',
    b'{"a": "\\udc00\\ud800"}', b'{"a": "\xff"}', b'{"a": "\xc0\xaf"}', b"{'a': 1}", b"{a: 1}",
    b'{"a": 1,}', b"[1,]", b'{"a": 1} x', b"{}{}", b"", b"nul", b'"', b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"[" * 70 + b"]" * 70, b"\xff\xfe{\x00}\x00",
    b'{"a": "\\x41"}', b"/* no */ {}", b"{\"a\": 1 // no\n}", b"\xef\xbb\xbf\xef\xbb\xbf{}",
)  # fmt: skip


@pytest.mark.parametrize("path", JSON_PATHS)
def test_strict_json_what_is_not_is_refused_with_its_place(world: World, path: str) -> None:
    for body in NOT_STRICT:
        answer = world.post(path, body)
        assert answer.status_code == 400, (path, body[:40])
        (issue, *_) = json.loads(answer.data)["issue"]
        told = {one["url"].rpartition("-")[2] for one in issue["extension"]}
        assert {"line", "col"} <= told or not body.strip(), (path, body[:40], issue)
    assert sum(world.store.counts().values()) == 0


def test_decompression_nothing_compressed_is_unpacked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unpacks(*_: object, **__: object) -> Any:
        raise AssertionError("something was unpacked")

    bomb = gzip.compress(gzip.compress(b" " * 50_000_000))
    monkeypatch.setattr(zlib, "decompressobj", unpacks)
    monkeypatch.setattr(zlib, "decompress", unpacks)
    for encoding in ("gzip", "deflate", "br", "zstd", "x-gzip", "gzip, identity"):
        for path in JSON_PATHS:
            answer = world.post(path, bomb, headers={"Content-Encoding": encoding})
            assert answer.status_code == 415, (path, encoding)
    csv = "/api/v1/records?mapping=home-measurements"
    assert world.post(csv, bomb, "text/csv").status_code == 415
    form = {"table": (io.BytesIO(bomb), "t.csv.gz"), "mapping": "home-measurements"}
    assert world.send("POST", "/api/v1/records", data=form).status_code == 415
    page = {"file": (io.BytesIO(bomb), "t.csv"), "act": "begin", "makes": "observation"}
    assert world.send("POST", "/tables", data=page).status_code == 422


XML = (
    b"<Patient xmlns='http://hl7.org/fhir'/>",
    b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>",
    b"<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'><!ENTITY c '&b;&b;'>]><r>&c;</r>",
    b"<!DOCTYPE r SYSTEM 'http://127.0.0.1:9/x.dtd'><r/>",
    b"<r xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='file:///etc/passwd'/></r>",
)


def test_xml_is_refused(world: World) -> None:
    for body in XML:
        for path in (*JSON_PATHS, "/api/v1/mappings/$check"):
            for kind in ("application/xml", "application/fhir+xml", "text/xml", "image/svg+xml"):
                assert world.post(path, body, kind).status_code == 415
        for path in JSON_PATHS:
            assert world.post(path, body).status_code == 400
        assert world.send("GET", "/fhir/metadata?_format=xml").status_code == 406


def test_formula_cells_no_answer_is_a_table(world: World) -> None:
    """Where nothing is exported as CSV, no cell can begin with a formula."""
    media = {
        kind
        for operations in document_of(world.app)["paths"].values()
        for operation in operations.values()
        for answer in operation["responses"].values()
        for kind in answer.get("content", {})
    }
    assert media <= {"application/json", "application/fhir+json", "application/yaml", "text/plain"}


# --- Logs, labels, URLs -------------------------------------------------------------------------

INJECTED = ("\n", "\r\n", "%0a", "%0d%0aSet-Cookie: x=1", "\u2028", "\x1b[2J", "\x00")


def test_log_injection_each_request_is_one_line_and_names_no_patient(
    world: World, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    requests = 0
    with logging_to(LogSettings(str(log), "debug")):
        for one in INJECTED:
            evil = f'{CANARY}{one}{{"event": "forged"}}'
            header = evil.encode("ascii", "ignore").decode().replace("\n", " ").replace("\r", " ")
            header = header.replace("\x00", "")
            sent = {"X-Request-Id": header, "User-Agent": header, "Referer": header}
            record = {**world.record, "id": evil, "measure": evil, evil: 1}
            answers = [
                world.send("GET", f"/api/v1/deliveries/{evil}", headers=sent),
                world.send("GET", "/fhir/Patient", query_string={"identifier": f"x|{evil}"}),
                world.send("GET", f"/{evil}"),
                world.send("GET", "/messages", query_string={"after": evil}),
                world.post("/api/v1/records", json.dumps(record).encode(), headers=sent),
                world.post("/messages", f"key={CANARY}".encode(),
                           "application/x-www-form-urlencoded"),
                world.send("POST", "/fhir/Patient/_search", data={"identifier": f"x|{evil}"}),
                world.anyone.post("/sign-in", data={"name": evil, "password": evil}),
            ]  # fmt: skip
            requests += len(answers)
            for answer in answers:
                assert CANARY not in str(answer.headers)
                assert "\n" not in answer.headers["X-Request-Id"]
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    events = [line["event"] for line in lines]
    assert "forged" not in events
    assert events.count("request") == requests
    assert CANARY not in log.read_text("utf-8")
    assert CANARY not in world.send("GET", "/metrics").text
    assert CANARY not in world.send("GET", "/quality").text


def test_no_patient_is_in_a_url_or_a_label(world: World) -> None:
    value = world.record["patient"]["identifier"]["value"]
    answer = world.post("/api/v1/records", json.dumps(world.record).encode())
    assert value not in answer.headers["Location"].replace(answer.json["id"], "")
    for path in ("/metrics", "/api/v1/status", "/api/v1/servers", "/openapi.json", "/"):
        assert value not in world.send("GET", path).text, path
    links = re.findall(r'(?:href|src|action)="([^"]+)"', world.send("GET", "/messages").text)
    assert links
    assert not any(value in link for link in links)


# --- Who asks -----------------------------------------------------------------------------------


def test_authentication_comes_before_any_parsing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spied(*_: object, **__: object) -> Any:
        raise AssertionError("something was read")

    for place in ("gateway.intake", "gateway.decision", "gateway.mappings", "gateway.fhir_body",
                  "gateway.patients"):  # fmt: skip
        monkeypatch.setattr(f"fhir_backpain.{place}.parse", spied)
    monkeypatch.setattr("fhir_backpain.gateway.mapping_book.parse_yaml", spied)
    monkeypatch.setattr("werkzeug.formparser.FormDataParser.parse", spied)
    monkeypatch.setattr("werkzeug.wrappers.request.Request.get_data", spied)
    bodies = (b"{}", b"a=b", b"<x/>", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n')
    kinds = ("application/json", "application/x-www-form-urlencoded", "text/xml",
             "multipart/form-data; boundary=x")  # fmt: skip
    for method, path in unsafe_routes(world.app):
        if path == "/sign-in":
            continue  # who is nobody yet begins here
        for body, kind in zip(bodies, kinds, strict=True):
            for headers in ({}, {"Authorization": "Bearer no"}, {"Cookie": f"{COOKIE}=no"}):
                answer = world.anyone.open(
                    path, method=method, data=body, content_type=kind, headers=headers
                )
                assert answer.status_code == 401, (method, path)


def test_nothing_that_is_sent_is_executed(world: World, tmp_path: Path) -> None:
    """No eval, exec, pickle or unsafe YAML: neither in the gateway's code, nor by its payloads."""
    forbidden = {"eval", "exec", "compile", "__import__", "pickle", "marshal", "shelve", "dill"}
    for module in GATEWAY.rglob("*.py"):
        names = {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(ast.parse(module.read_text("utf-8")))
            if isinstance(node, ast.Name | ast.Attribute)
        }
        # re.compile is a method of another kind.
        assert names & (forbidden - {"compile"}) == set(), module
    mark = tmp_path / "executed"
    touch = f"touch {mark}"
    evil = [
        f"feed: !!python/object/apply:os.system ['{touch}']\nmakes: observation\n",
        f"!!python/object/new:os.system ['{touch}']",
        FEED.replace("=mrn", f"\"{{{{().__class__.__import__('os').system('{touch}')}}}}\""),
        FEED.replace("pain-nrs-week", f"\"'); __import__('os').system('{touch}'); ('\""),
        FEED.replace("weekly", f'"\\"; import os; os.system(\'{touch}\')\\n"'),
        FEED.replace("{mrn}", "{mrn.__class__.__mro__}"),
        FEED.replace("=mrn", "=mrn'+__import__('os').getcwd()+'"),
    ]
    for text in evil:
        body = json.dumps({"source": TABLE, "mapping": text}).encode()
        for answer in (
            world.post("/api/v1/mappings/$check", text.encode(), "application/yaml"),
            world.post("/api/v1/mappings/$try", body),
            world.send("POST", "/tables", data={"source": TABLE, "feed": text}),
        ):
            assert answer.status_code < 500
    assert not mark.exists()


def test_csrf_each_unsafe_route_refuses_what_another_site_sends(world: World) -> None:
    browser = world.signed_in()
    forged = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
        {"X-Form-Key": "guessed"},
    ]
    for method, path in unsafe_routes(world.app):
        for headers in forged:
            if path == "/sign-in" and not headers.keys() & {"Origin", "Sec-Fetch-Site"}:
                continue  # it has no session yet that could be ridden
            answer = browser.open(path, method=method, data={"a": "b"}, headers=headers)
            assert answer.status_code == 403, (method, path, headers)
    assert sum(world.store.counts().values()) == 0


def test_no_page_changes_anything_when_it_is_read(world: World) -> None:
    """What a GET cannot change, a link of another site cannot change."""
    before = [one.what for one in world.store.trail()]
    for rule in world.app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and not rule.arguments:
            world.send("GET", rule.rule, headers={"Accept": "*/*"})
    assert [one.what for one in world.store.trail()] == before


def test_tokens_are_compared_in_constant_time_and_stored_hashed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    real = secret.hmac.compare_digest

    def spy(one: Any, other: Any) -> bool:
        compared.append(one)
        return real(one, other)

    monkeypatch.setattr(secret.hmac, "compare_digest", spy)
    browser = world.signed_in()
    cookie = browser.get_cookie(COOKIE)
    assert cookie is not None
    assert world.send("GET", "/api/v1/status").status_code == 200
    assert world.token.rpartition("_")[2] not in compared
    assert secret.hash_of(world.token.split("_", 2)[2]) in compared
    world.store.database.write(lambda session: session.execute("SELECT 1"))
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("o.sqlite*") if path.is_file())
    for hidden in (world.token.split("_", 2)[2], PASSWORD, cookie.value):
        assert hidden.encode() not in kept


def test_every_route_says_what_it_takes(world: World) -> None:
    assert all(need_of(world.app, rule.endpoint) for rule in world.app.url_map.iter_rules())


# --- Names and patterns -------------------------------------------------------------------------

TRAVERSALS = (
    "../pyproject", "..%2f..%2fpyproject", "..%252f..%252fetc%252fpasswd", "%2e%2e%2f%2e%2e%2fx",
    "....//....//x", "..\\..\\x", "%5c..%5cx", "/etc/passwd", "file:///etc/passwd", "~/.ssh/id_rsa",
    "home-measurements%00.yaml", "home-measurements\x00", "home-measurements/../x", "feeds/x",
    ".", "..", "%c0%ae%c0%ae/x", "home-measurements.feed.yaml", "HOME-MEASUREMENTS", "con",
    "x" * 4000,
)  # fmt: skip


def test_path_traversal_a_name_of_a_mapping_is_no_path(world: World) -> None:
    table = TABLE.encode()
    for name in TRAVERSALS:
        answers = [
            world.send("GET", f"/api/v1/mappings/{name}"),
            world.post(f"/fhir/StructureMap/{name}/$transform", b"{}"),
            world.send("POST", "/api/v1/records", data=table, content_type="text/csv",
                       query_string={"mapping": name}),
            world.send("POST", "/playground", data={"act": "show", "name": name}),
            world.send("POST", "/tables", data={"act": "choose", "name": name}),
            world.send("GET", f"/static/{name}"),
        ]  # fmt: skip
        for answer in answers:
            assert answer.status_code in (400, 404, 405), (name, answer.request.path)
            assert "root:" not in answer.text
            assert "[project]" not in answer.text


def test_path_traversal_a_link_in_the_folder_is_no_mapping(
    tmp_path: Path, mapper: Mapper, world: World
) -> None:
    (tmp_path / "hidden.txt").write_text(f"{CANARY}: 1\n", "utf-8")
    feeds = tmp_path / "mine" / "feeds"
    feeds.mkdir(parents=True)
    (feeds / "weekly.feed.yaml").write_text(FEED, "utf-8")
    os.symlink(tmp_path / "hidden.txt", feeds / "hidden")
    os.symlink("/etc", feeds / "etc")
    settings = GatewaySettings("http://127.0.0.1:9/fhir", tmp_path / "o2.sqlite")
    app = create_app(settings, store=world.store, mapper=mapper, mapping_folder=tmp_path / "mine")
    api, headers = app.test_client(), {"Authorization": f"Bearer {world.token}"}
    assert api.get("/api/v1/mappings/weekly", headers=headers).text == FEED
    for name in ("hidden", "etc", "etc/passwd", "etc%2fpasswd"):
        answer = api.get(f"/api/v1/mappings/{name}", headers=headers)
        assert answer.status_code == 404
        assert CANARY not in answer.text


EVIL_PATTERNS = (
    FEED.replace("dd/mm/yyyy", "d" * 5000),
    FEED.replace("dd/mm/yyyy", "(((((a+)+)+)+)+)$"),
    FEED.replace("{mrn}-{visit}", "{mrn}" * 2000),
    FEED.replace("{mrn}-{visit}", "{" * 5000),
    FEED.replace("=mrn", "=" + "m." * 2000 + "n"),
    "feed: " + "a" * 200_000,
    "a: " * 3000,
    "[" * 5000,
    "{" * 5000,
    "- " * 5000,
    "? " * 5000,
    "a: &a [*a]\n",
    "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
    "a: |\n" + " x\n" * 50_000,
    "\t" * 5000,
    "%YAML 9.9\n---\n",
    "'" * 5000,
    '"' + "\\" * 4999,
)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("text", EVIL_PATTERNS, ids=lambda text: text[:24])
def test_evil_patterns_cannot_hang_the_process(world: World, text: str) -> None:
    table = "mrn;visit;pain\n" + "a" * 30_000 + "!;02/03/2026;7\n"
    body = json.dumps({"source": table, "mapping": text}).encode()
    assert world.post("/api/v1/mappings/$try", body).status_code < 500
    check = world.post("/api/v1/mappings/$check", text.encode(), "application/yaml")
    assert check.status_code == 200


# --- What is told of it -------------------------------------------------------------------------


def test_each_access_to_a_patients_data_is_one_line_of_the_trail(world: World) -> None:
    taken = world.post("/api/v1/records", json.dumps(world.record).encode())
    entry, identifier = taken.json["id"], world.record["patient"]["identifier"]
    number = identifier["value"]
    accesses: list[Callable[[dict[str, str]], TestResponse]] = [
        lambda sent: world.send("GET", f"/messages/{entry}", headers=sent),
        lambda sent: world.send("POST", f"/messages/{entry}", data={"act": "compare"},
                                headers=sent),
        lambda sent: world.send("POST", "/patients", data={"number": number}, headers=sent),
        lambda sent: world.send("POST", "/api/v1/patients/$trajectories", headers=sent,
                                json={"identifier": identifier}),
    ]  # fmt: skip
    for index, access in enumerate(accesses):
        assert access({"X-Request-Id": f"request-{index}"}).status_code == 200
    shown = [one for one in world.store.trail() if one.what == "shown"]
    assert [one.detail["request"] for one in shown] == [f"request-{n}" for n in range(len(shown))]
    assert len(shown) == len(accesses)
    assert {(one.actor, one.via, one.entry) for one in shown} == {("lab", "gateway", entry)}
    world.send("GET", "/patients")
    world.send("GET", f"/api/v1/deliveries/{entry}")
    assert sum(one.what == "shown" for one in world.store.trail()) == len(accesses)


def test_an_unknown_modifier_extension_is_refused(world: World) -> None:
    modifier = [{"url": "https://x.example/not-really", "valueBoolean": True}]
    response = {
        "resourceType": "QuestionnaireResponse", "status": "completed",
        "questionnaire": "https://fhir-backpain.org/fhir/Questionnaire/backpain-odi",
        "identifier": {"system": "https://clinic.example/forms", "value": "F-1"},
        "subject": {"identifier": {"system": "https://clinic.example/mrn", "value": "P-1"}},
        "authored": "2026-03-02T09:30:00+01:00",
        "item": [{"linkId": str(n), "answer": [{"valueInteger": 2}]} for n in range(1, 11)],
    }  # fmt: skip
    path = "/fhir/QuestionnaireResponse/$extract"
    assert world.post(path, json.dumps(response).encode()).status_code == 200
    for changed in (
        {**response, "modifierExtension": modifier},
        {**response, "subject": {**response["subject"], "modifierExtension": modifier}},  # type: ignore[dict-item]
        {**response, "item": [{**response["item"][0], "modifierExtension": modifier}]},  # type: ignore[dict-item]
        {**response, "modifierExtension": "x"},
    ):
        answer = world.post(path, json.dumps(changed).encode())
        assert answer.status_code == 422
        assert "modifier" in answer.text


def test_secrets_are_never_printed(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = GatewaySettings(
        "http://127.0.0.1:9/fhir", f"postgresql://u:{CANARY}@127.0.0.1/outbox"
    )
    assert CANARY not in repr(settings)
    with pytest.raises(BackpainError) as caught:
        GatewaySettings(f"http://u:{CANARY}@127.0.0.1:9/fhir", tmp_path / "o")
    assert CANARY not in str(caught.value)
    hidden = [world.token.split("_", 2)[2], PASSWORD]
    world.signed_in()
    pages = [rule.rule for rule in world.app.url_map.iter_rules() if not rule.arguments
             and "GET" in (rule.methods or set())]  # fmt: skip
    told = [world.send("GET", path, headers={"Accept": "*/*"}).text for path in pages]
    told += [repr(world.keyring.principals()), caplog.text, repr(world.app.config)]
    assert not [text for text in told if any(one in text for one in hidden)]


@pytest.mark.parametrize("path", ["/", "/messages", "/tables", "/openapi.json", "/nothing"])
def test_the_headers_that_keep_a_browser_safe(world: World, path: str) -> None:
    answer = world.send("GET", path, headers={"Accept": "text/html, application/json"})
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers or "Python" not in answer.headers["Server"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Strict-Transport-Security" not in answer.headers


def test_behind_tls_browsers_are_told_to_stay_there(
    world: World, mapper: Mapper, tmp_path: Path
) -> None:
    settings = GatewaySettings(
        "http://127.0.0.1:9/fhir", tmp_path / "o", public_url="https://gw.example"
    )
    api = create_app(settings, store=world.store, mapper=mapper).test_client()
    answer = api.get("/health", base_url="https://gw.example")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
