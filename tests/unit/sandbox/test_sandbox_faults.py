from __future__ import annotations

import json
import socket

import pytest
import requests

from fhir_backpain.fhir.json_text import LIMITS
from fhir_backpain.sandbox import FaultRule, SandboxServer
from fhir_backpain.sandbox.faults import ACTIONS, FaultPlan, parse_rule
from fhir_backpain.sandbox.interaction_error import InteractionError

JSON = {"Content-Type": "application/fhir+json"}
PATIENT = {"resourceType": "Patient", "id": "a"}


def put(server, **more):
    url = f"{server.base_url}/Patient/a"
    return requests.put(url, json={**PATIENT, **more}, headers=JSON, timeout=30)


def status_of(server):
    return requests.get(f"{server.base_url}/Patient/a", timeout=30).status_code


def raw_put(server, timeout=10.0):
    """Send a PUT over a bare socket and return all bytes until the server closes."""
    body = json.dumps(PATIENT).encode()
    head = (
        "PUT /fhir/Patient/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as raw:
        raw.sendall(head.encode() + body)
        return raw.makefile("rb").read()


def test_drop_before_closes_without_applying(server):
    server.faults.add(FaultRule("drop-before", method="PUT", times=1))
    assert raw_put(server) == b""
    assert status_of(server) == 404


def test_drop_after_applies_and_closes_without_a_byte(server):
    server.faults.add(FaultRule("drop-after", method="PUT", times=1))
    assert raw_put(server) == b""
    assert status_of(server) == 200
    assert put(server).headers["ETag"] == 'W/"1"'


def test_truncate_announces_more_than_it_sends(server):
    server.faults.add(FaultRule("truncate", {"bytes": 9}, method="PUT", times=1))
    head, _, body = raw_put(server).partition(b"\r\n\r\n")
    assert body == b'{"resourc'
    assert int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]) > 9
    assert status_of(server) == 200


def test_drip_sends_all_in_small_pieces(server):
    rule = FaultRule("drip", {"bytes": 8, "seconds": 0.005}, method="PUT", times=1)
    server.faults.add(rule)
    answer = put(server)
    assert answer.status_code == 201
    assert answer.json()["id"] == "a"


def test_drip_outlasts_a_short_deadline_and_does_not_hold_up_the_stop():
    with SandboxServer() as server:
        server.faults.add(FaultRule("drip", {"seconds": 30}, method="PUT"))
        with pytest.raises(TimeoutError):
            raw_put(server, timeout=0.2)


def test_delay_comes_before_the_request_is_applied():
    with SandboxServer() as server:
        server.faults.add(FaultRule("delay", {"seconds": 30}, method="PUT", times=1))
        with pytest.raises(TimeoutError):
            raw_put(server, timeout=0.2)
        assert status_of(server) == 404


@pytest.mark.parametrize(
    ("settings", "content_type"),
    [
        ({"status": 429, "headers": {"Retry-After": "3"}}, "text/html; charset=utf-8"),
        (
            {"status": 503, "headers": {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}},
            "text/html; charset=utf-8",
        ),
        ({"status": 500, "body": "<h1>Oops</h1>"}, "text/html; charset=utf-8"),
        ({"status": 200}, "text/html; charset=utf-8"),
        (
            {"status": 200, "body": "{", "headers": {"Content-Type": "application/fhir+json"}},
            "application/fhir+json",
        ),
    ],
)
def test_status_answers_instead(server, settings, content_type):
    server.faults.add(FaultRule("status", settings, method="PUT", times=1))
    answer = put(server)
    assert answer.status_code == settings["status"]
    assert answer.text == settings.get("body", "")
    assert answer.headers["Content-Type"] == content_type
    for name, value in settings.get("headers", {}).items():
        assert answer.headers[name] == value
    assert status_of(server) == 404
    assert put(server).status_code == 201


def test_status_can_answer_after_applying(server):
    rule = FaultRule("status", {"status": 502, "apply": True}, method="PUT", times=1)
    server.faults.add(rule)
    assert put(server).status_code == 502
    assert status_of(server) == 200


def entries(*ids):
    return [
        {
            "resource": {"resourceType": "Patient", "id": name},
            "request": {"method": "PUT", "url": f"Patient/{name}"},
        }
        for name in ids
    ]


def test_one_entry_of_a_batch_is_throttled(api, faults):
    settings = {"index": 1, "status": 429, "headers": {"Retry-After": "7"}}
    faults.add(FaultRule("entry", settings, times=1))
    answer = api.bundle("batch", *entries("a", "b", "c"))
    statuses = [entry["response"]["status"] for entry in answer.get_json()["entry"]]
    assert statuses == ["201 Created", "429 Too Many Requests", "201 Created"]
    assert answer.headers["Retry-After"] == "7"
    assert api.ids("Patient") == ["a", "c"]


def test_an_entry_fault_fails_a_transaction_whole(api, faults):
    faults.add(FaultRule("entry", {"index": 1, "status": 503}, times=1))
    answer = api.bundle("transaction", *entries("a", "b"))
    assert answer.status_code == 503
    assert answer.get_json()["issue"][0]["expression"] == ["Bundle.entry[1]"]
    assert api.ids("Patient") == []


def test_batch_response_short_and_reversed(api, faults):
    faults.add(FaultRule("omit-entries", {"indexes": [0]}, times=1))
    faults.add(FaultRule("reverse-entries", times=1))
    answer = api.bundle("batch", *entries("a", "b", "c")).get_json()
    places = [entry["response"]["location"] for entry in answer["entry"]]
    assert places == ["Patient/c/_history/1", "Patient/b/_history/1"]
    assert api.ids("Patient") == ["a", "b", "c"]


def test_bundle_limit(api, faults):
    faults.add(FaultRule("bundle-limit", {"entries": 2}))
    assert api.bundle("transaction", *entries("a", "b", "c")).status_code == 413
    assert api.bundle("transaction", *entries("a", "b")).status_code == 200
    faults.clear()
    faults.add(FaultRule("bundle-limit", {"entries": 2, "status": 400}))
    assert api.bundle("batch", *entries("a", "b", "c")).status_code == 400


def test_ignored_search_parameters_return_everything_in_silence(api, faults):
    api.put(PATIENT)
    faults.add(FaultRule("ignore-search-parameters", {"names": ["identifier"]}))
    body = api.get("Patient?identifier=urn:example:mrn|1").get_json()
    assert [entry["search"]["mode"] for entry in body["entry"]] == ["match"]
    assert api.ids("Patient?_id=b&identifier=x|1") == []


def test_a_stale_search_sees_the_past_and_a_read_the_present(api, faults, clock):
    api.put({**PATIENT, "gender": "male"})
    clock.advance(60)
    api.put({**PATIENT, "gender": "female"})
    api.put({"resourceType": "Patient", "id": "b"})
    clock.advance(5)
    faults.add(FaultRule("stale-search", {"seconds": 30}))
    assert api.ids("Patient?gender=male") == ["a"]
    assert api.ids("Patient") == ["a"]
    assert api.get("Patient/a").get_json()["gender"] == "female"
    clock.advance(30)
    assert api.ids("Patient?gender=female") == ["a"]
    assert api.ids("Patient") == ["a", "b"]


def test_conflicts_can_be_409(api, faults):
    faults.add(FaultRule("conflict-status"))
    api.put(PATIENT)
    assert api.put(PATIENT, If_Match='W/"9"').status_code == 409


def test_next_links_can_lead_anywhere(api, faults):
    api.bundle("batch", *entries("a", "b"))
    faults.add(FaultRule("next-link", {"url": "http://evil.example/fhir"}))
    for path in ("Patient?_count=1", "_history?_count=1"):
        links = api.get(path).get_json()["link"]
        assert links[1] == {"relation": "next", "url": "http://evil.example/fhir"}
    assert len(api.get("Patient").get_json()["link"]) == 1


def test_matching_by_method_path_turn_and_number_of_times():
    def acts(rule, *requests_):
        return [
            bool(FaultPlan.choose(plan, *one)) for plan in [FaultPlan([rule])] for one in requests_
        ]

    get, post = ("GET", "/fhir/Patient?code=a"), ("POST", "/fhir/")
    rule = FaultRule("drop-before", method="GET")
    assert acts(rule, get, post, get) == [True, False, True]
    rule = FaultRule("drop-before", path=r"^/fhir/?$")
    assert acts(rule, get, post) == [False, True]
    rule = FaultRule("drop-before", path=r"code=a")
    assert acts(rule, get, post) == [True, False]
    rule = FaultRule("drop-before", method="GET", nth=2)
    assert acts(rule, get, post, get, get) == [False, False, True, False]
    rule = FaultRule("drop-before", times=2)
    assert acts(rule, get, get, get) == [True, True, False]


def test_probability_repeats_with_its_seed():
    def pattern(seed):
        plan = FaultPlan([FaultRule("drop-before", probability=0.3, seed=seed)])
        return [bool(plan.choose("GET", "/")) for _ in range(200)]

    assert pattern(1) == pattern(1)
    assert pattern(1) != pattern(2)
    assert 30 < sum(pattern(1)) < 90


def test_settings_with_a_fraction_work_by_the_control_endpoint(server):
    control = server.base_url.removesuffix("/fhir") + "/_sandbox/faults"
    rule = {"match": {"probability": 0.999999}, "action": {"kind": "delay", "seconds": 0.125}}
    assert requests.post(control, json=rule, timeout=30).status_code == 200
    assert put(server).status_code == 201
    shown = requests.get(control, timeout=30).json()["rules"][0]
    assert shown["fired"] == 1
    assert (shown["match"]["probability"], shown["action"]["seconds"]) == (0.999999, 0.125)


def test_control_endpoint(server):
    control = server.base_url.removesuffix("/fhir") + "/_sandbox/faults"
    rule = {"match": {"method": "PUT", "path": "Patient"}, "times": 1,
            "action": {"kind": "status", "status": 503}}  # fmt: skip
    assert requests.post(control, json=rule, timeout=30).status_code == 200
    assert put(server).status_code == 503
    shown = requests.get(control, timeout=30).json()["rules"]
    assert [(one["seen"], one["fired"], one["action"]["kind"]) for one in shown] == [
        (1, 1, "status")
    ]
    both = {"rules": [rule, {"action": {"kind": "drop-before"}}]}
    requests.post(control, json=both, timeout=30)
    assert len(requests.get(control, timeout=30).json()["rules"]) == 3
    assert requests.delete(control, timeout=30).json() == {"rules": []}
    assert put(server).status_code == 201
    bad = requests.post(control, json={"action": {"kind": "explode"}}, timeout=30)
    assert (bad.status_code, bad.json()["resourceType"]) == (400, "OperationOutcome")
    assert requests.post(control, json={"rules": 1}, timeout=30).status_code == 400
    headers = {"Content-Type": "application/json"}
    for body, status in ((b"[]", 400), (b"{", 400), (b" " * (LIMITS.max_bytes + 1), 413)):
        assert requests.post(control, body, headers=headers, timeout=30).status_code == status
    plain = requests.post(control, data="{}", headers={"Content-Type": "text/plain"}, timeout=30)
    assert plain.status_code == 415


@pytest.mark.parametrize(
    "rule",
    [
        None, [], {}, {"action": {}}, {"action": {"kind": "explode"}}, {"action": {"kind": 1}},
        {"action": {"kind": "status"}}, {"action": {"kind": "status", "status": "503"}},
        {"action": {"kind": "status", "status": 42}},
        {"action": {"kind": "status", "status": True}},
        {"action": {"kind": "drop-before", "bytes": 1}},
        {"action": {"kind": "drop-before"}, "times": "1"},
        {"action": {"kind": "drop-before"}, "match": []},
        {"action": {"kind": "drop-before"}, "match": {"url": "x"}},
        {"action": {"kind": "drop-before"}, "match": {"path": "("}},
        {"action": {"kind": "drop-before"}, "other": 1},
    ],
)  # fmt: skip
def test_wrong_rules_are_refused(rule):
    with pytest.raises(InteractionError, match="FBP-9024"):
        parse_rule(rule)


def test_every_kind_of_action_can_be_parsed_and_shown():
    samples = {int: 200, str: "x", list: [], dict: {}, bool: True, float: 1.0}
    for kind, settings in ACTIONS.items():
        values = {name: samples[types[0]] for name, (types, _) in settings.items()}
        rule = parse_rule({"action": {"kind": kind, **values}})
        assert rule.to_json()["action"] == {"kind": kind, **values}
