from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from fhir_backpain.errors import SettingsError
from fhir_backpain.sandbox import SandboxServer

JSON = {"Content-Type": "application/fhir+json"}


def patient(pid=None, **more):
    return {"resourceType": "Patient", **({"id": pid} if pid else {}), **more}


def parallel(count, call):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, range(count)))


def test_parallel_puts_of_one_id_make_one_line_of_versions(server):
    def put(number):
        body = patient("a", extension=[{"url": "urn:example:n", "valueInteger": number}])
        return requests.put(f"{server.base_url}/Patient/a", json=body, headers=JSON, timeout=30)

    answers = parallel(40, put)
    assert Counter(answer.status_code for answer in answers) == {200: 39, 201: 1}
    assert {answer.headers["ETag"] for answer in answers} == {f'W/"{n}"' for n in range(1, 41)}
    history = requests.get(f"{server.base_url}/Patient/a/_history", timeout=30).json()
    etags = [entry["response"]["etag"] for entry in history["entry"]]
    assert etags == [f'W/"{n}"' for n in range(40, 0, -1)]


def test_parallel_conditional_creates_make_one_resource(server):
    identifier = {"system": "urn:example:mrn", "value": "1"}
    headers = {**JSON, "If-None-Exist": "identifier=urn:example:mrn|1"}

    def create(_):
        body = patient(identifier=[identifier])
        return requests.post(f"{server.base_url}/Patient", json=body, headers=headers, timeout=30)

    answers = parallel(24, create)
    assert Counter(answer.status_code for answer in answers) == {200: 23, 201: 1}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert requests.get(f"{server.base_url}/Patient", timeout=30).json()["total"] == 1


def test_of_parallel_updates_with_one_etag_one_wins(server):
    url = f"{server.base_url}/Patient/a"
    requests.put(url, json=patient("a"), headers=JSON, timeout=30)

    def put(number):
        body = patient("a", gender=f"g{number}")
        headers = {**JSON, "If-Match": 'W/"1"'}
        return requests.put(url, json=body, headers=headers, timeout=30).status_code

    assert Counter(parallel(16, put)) == {200: 1, 412: 15}


def test_readers_see_whole_transactions(server):
    def bundle(number):
        entries = [
            {
                "resource": patient(name, gender=f"g{number}"),
                "request": {"method": "PUT", "url": f"Patient/{name}"},
            }
            for name in ("a", "b")
        ]
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        requests.post(server.base_url, json=body, headers=JSON, timeout=30).raise_for_status()

    def read(number):
        found = requests.get(f"{server.base_url}/Patient?_sort=_id", timeout=30).json()
        return tuple(entry["resource"]["gender"] for entry in found.get("entry", []))

    def both(number):
        return bundle(number) if number % 2 else read(number)

    bundle(0)
    seen = {pair for pair in parallel(40, both) if pair is not None}
    assert seen
    assert all(len(pair) == 2 and pair[0] == pair[1] for pair in seen)


def test_a_client_that_speaks_no_http_gets_an_outcome(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(b"GET /fhir/metadata HTTP/1.1\r\nContent-Length: x\r\n\r\n")
        head, _, body = raw.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["resourceType"] == "OperationOutcome"


def test_a_chunked_body_is_read(server):
    chunks = (part for part in (b'{"resourceType"', b':"Patient"}'))
    answer = requests.post(f"{server.base_url}/Patient", data=chunks, headers=JSON, timeout=30)
    assert answer.status_code == 201


def test_links_carry_the_address_that_the_client_used(server):
    link = requests.get(f"{server.base_url}/Patient", timeout=30).json()["link"][0]["url"]
    assert link == f"{server.base_url}/Patient"


def test_a_taken_port_is_told(server):
    with pytest.raises(SettingsError, match="FBP-9029"):
        SandboxServer(port=server.port).start()


def test_a_stopped_server_answers_no_more_and_can_start_again(tmp_path):
    with SandboxServer(tmp_path / "s.sqlite") as first:
        url = first.base_url
        requests.put(f"{url}/Patient/a", json=patient("a"), headers=JSON, timeout=30)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/Patient/a", timeout=30)
    with SandboxServer(tmp_path / "s.sqlite", port=first.port) as second:
        assert requests.get(f"{second.base_url}/Patient/a", timeout=30).status_code == 200


SERVE = """
import sys
from fhir_backpain.sandbox import serve
serve(port=0, database=sys.argv[1], on_ready=lambda url: print(url, flush=True))
"""


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_cleanly_on_a_signal(tmp_path, name):
    path = str(tmp_path / "s.sqlite")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", "-c", SERVE, path]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        url = process.stdout.readline().strip()
        body = patient("a")
        answer = requests.put(f"{url}/Patient/a", json=body, headers=JSON, timeout=30)
        assert answer.status_code == 201
        process.send_signal(name)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    with SandboxServer(path) as again:
        assert requests.get(f"{again.base_url}/Patient/a", timeout=30).status_code == 200
