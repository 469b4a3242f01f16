"""The counterparts themselves: HAPI stores and reads, the validator tells good from bad."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path

import pytest
import requests

from fhir_backpain.hl7 import validator as hl7
from fhir_backpain.hl7.validator import Validator
from fhir_backpain.toolchain.problem import CounterpartError
from fhir_backpain.toolchain.programs import find_program
from servers.hapi import HapiServer

ROOT = Path(__file__).parents[2]
GOOD_PATIENT = {
    "resourceType": "Patient",
    "active": True,
    "gender": "female",
    "birthDate": "1970-01-31",
    "name": [{"family": "Example"}],
}


def patient(**changes: object) -> bytes:
    return json.dumps({**GOOD_PATIENT, **changes}, indent=1).encode()


@pytest.fixture
def only_java(tmp_path, monkeypatch) -> None:
    """A PATH with Java's runtime alone: whatever is not in the cache cannot be had."""
    java = find_program("java")
    assert java is not None
    (tmp_path / "java").symlink_to(java)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)


def test_hapi_tells_its_fhir_version(hapi):
    statement = requests.get(f"{hapi}/metadata", timeout=60).json()

    assert statement["resourceType"] == "CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"


def test_hapi_stores_and_reads_a_patient_by_a_client_assigned_id(hapi):
    url = f"{hapi}/Patient/{uuid.uuid4()}"
    resource = {**GOOD_PATIENT, "id": url.rsplit("/", 1)[1]}
    headers = {"Content-Type": "application/fhir+json"}

    stored = requests.put(url, json=resource, headers=headers, timeout=60)
    read = requests.get(url, timeout=60)

    assert stored.status_code == 201
    assert read.status_code == 200
    assert {key: read.json()[key] for key in resource} == resource


def test_a_second_server_starts_from_the_cache_and_leaves_nothing_behind(
    hapi_installation, only_java
):
    with HapiServer(release="R5") as second:
        base_url = second.base_url
        statement = requests.get(f"{base_url}/metadata", timeout=60).json()

    assert statement["fhirVersion"] == "5.0.0"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{base_url}/metadata", timeout=5)


def test_a_server_ends_when_its_parent_is_killed(hapi_installation):
    """A test run that is killed must not leave a server behind."""
    script = (
        "import time; from servers.hapi import HapiServer\n"
        "server = HapiServer(); server.start(); print(server.base_url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        base_url = run.stdout.readline().decode().strip()
        assert requests.get(f"{base_url}/metadata", timeout=60).status_code == 200
        run.send_signal(signal.SIGKILL)

    port = int(base_url.split(":")[2].split("/")[0])
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.1)
    pytest.fail("the server still listens 20 s after its parent was killed")


def test_the_start_stop_and_status_commands(hapi_installation):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "servers", "hapi", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    started = run("start", "--port", "0")
    base_url = started.stdout.strip()
    port = base_url.split(":")[2].split("/")[0]
    try:
        status = run("status")
        again = run("start", "--port", port)
    finally:
        stopped = run("stop", "--port", port)

    assert started.returncode == 0, started.stderr
    assert base_url in status.stdout
    assert again.returncode == 2
    assert "FBP-9905" in again.stderr
    assert stopped.stdout == f"stopped {base_url}\n"
    assert base_url not in run("status").stdout


def test_a_taken_port_is_told_with_the_log(hapi_installation):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CounterpartError, match="did not start") as caught:
            HapiServer(port=taken.getsockname()[1]).start()
    assert caught.value.issues[0].number == 9904
    assert "Address already in use" in str(caught.value)


def test_the_validator_finds_no_error_in_a_good_patient(hl7_validator):
    assert not [issue for issue in hl7_validator.validate(patient()) if issue.is_error]


def test_the_validator_names_an_unknown_element(hl7_validator):
    issues = hl7_validator.validate(patient(birthDatum="1970-01-31"))

    (error,) = [issue for issue in issues if issue.is_error]
    assert error.expression == "Patient"
    assert "birthDatum" in error.message


def test_the_validator_names_a_code_outside_a_required_value_set(hl7_validator):
    content = patient(gender="woman")

    (error,) = [issue for issue in hl7_validator.validate(content) if issue.is_error]

    assert error.expression == "Patient.gender"
    assert error.code == "code-invalid"
    assert error.line == 1 + content.splitlines().index(b' "gender": "woman",')


def test_the_validator_checks_what_a_reference_may_point_to(hl7_validator):
    content = patient(generalPractitioner=[{"reference": "Encounter/1"}])

    (error,) = [issue for issue in hl7_validator.validate(content) if issue.is_error]

    assert error.expression == "Patient.generalPractitioner[0]"


@pytest.mark.parametrize("broken", [b"", b"{", b'{"a":' * 20_000, b"\xff\xfe", b"[]"])
def test_the_validator_survives_what_is_no_resource(hl7_validator, broken):
    assert any(issue.is_error for issue in hl7_validator.validate(broken))
    assert not any(issue.is_error for issue in hl7_validator.validate(patient()))


def test_an_unknown_profile_is_an_issue(hl7_validator):
    (issue,) = hl7_validator.validate(patient(), profiles=["http://example.org/no-such-profile"])

    assert issue.severity == "fatal"
    assert "no-such-profile" in issue.message


def test_xml_files_are_validated_too(hl7_validator, tmp_path):
    file = tmp_path / "patient.xml"
    file.write_text('<Patient xmlns="http://hl7.org/fhir"><gender value="woman"/></Patient>')

    (error,) = [issue for issue in hl7_validator.validate(file) if issue.is_error]

    assert error.expression == "Patient.gender"


def test_a_code_system_given_as_a_folder_is_enforced(validator_installation, tmp_path, only_java):
    """Also: a second validator is served from the cache."""
    code_system = {
        "resourceType": "CodeSystem",
        "url": "http://snomed.info/sct",
        "status": "draft",
        "content": "complete",
        "concept": [{"code": "22253000"}],
    }
    folder = tmp_path / "systems"
    folder.mkdir()
    (folder / "snomed.json").write_text(json.dumps(code_system))
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/1"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "22253000"}]},
    }
    known = json.dumps(condition).encode()
    with Validator(igs=[folder]) as validator:
        errors_of_known, errors_of_unknown = (
            [issue for issue in issues if issue.is_error]
            for issues in validator.validate_many([known, known.replace(b"22253000", b"0")])
        )

    assert errors_of_known == []
    assert [error.expression for error in errors_of_unknown] == ["Condition.code.coding[0].code"]


def test_a_package_file_is_loaded_without_its_dependencies(
    validator_installation, tmp_path, only_java
):
    profile = {
        "resourceType": "StructureDefinition",
        "id": "named",
        "url": "http://example.org/StructureDefinition/named",
        "name": "Named",
        "status": "draft",
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {
            "element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}],
        },
    }
    manifest = {
        "name": "example.named",
        "version": "1.0.0",
        "type": "IG",
        "fhirVersions": ["4.0.1"],
        "dependencies": {"hl7.fhir.r4.core": "4.0.1", "example.absent": "9.9.9"},
    }
    archive = package_file(tmp_path, {"package.json": manifest, "named.json": profile})
    with Validator(igs=[archive]) as validator:
        named, unnamed = (
            validator.validate(content, profiles=[profile["url"]])
            for content in (patient(), patient(name=[]))
        )

    assert not any(issue.is_error for issue in named)
    assert any("Patient.name" in issue.message for issue in unnamed if issue.is_error)


def package_file(folder: Path, files: dict[str, dict]) -> Path:
    archive = folder / "package.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return archive


def test_any_program_can_drive_the_warm_validator(validator_installation, tmp_path):
    """File names and resources as lines go in, one JSON line each comes out."""
    installation = hl7.download()
    file = tmp_path / "bad.json"
    file.write_bytes(patient(gender="woman"))
    line = json.dumps(GOOD_PATIENT)
    java = find_program("java")
    assert java is not None
    options = [f"-Duser.home={installation.home}", f"-Djava.io.tmpdir={tmp_path}"]

    run = subprocess.run(
        [java, *options, "-cp", installation.class_path, "WarmValidator"],
        input=f"{file}\n{line}\nno-such-file.json\n{{broken\n",
        capture_output=True,
        text=True,
        check=True,
    )

    ready, *answers = [json.loads(answer) for answer in run.stdout.splitlines()]
    assert ready == {"ready": True, "fhirVersion": "4.0.1"}
    assert [answer["name"] for answer in answers] == [
        str(file),
        "(input)",
        "no-such-file.json",
        "(input)",
    ]
    severities = [{issue["severity"] for issue in answer["issues"]} for answer in answers]
    assert "error" in severities[0]
    assert not {"fatal", "error"} & severities[1]
    assert severities[2:] == [{"fatal"}, {"fatal"}]


def test_the_check_command_exits_by_what_it_finds(validator_installation, tmp_path):
    (tmp_path / "good.json").write_bytes(patient())
    (tmp_path / "bad.json").write_bytes(patient(gender="woman"))

    def check(*names: str) -> subprocess.CompletedProcess[str]:
        files = [str(tmp_path / name) for name in names]
        command = [sys.executable, "-m", "servers", "validator", "check", *files]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    good, both, absent = check("good.json"), check("good.json", "bad.json"), check("absent.json")

    assert good.returncode == 0, good.stderr
    assert "good.json: 0 errors" in good.stdout
    assert both.returncode == 1
    assert "bad.json: 1 errors" in both.stdout
    assert "error Patient.gender" in both.stdout
    assert absent.returncode == 2
    assert "FBP-9907" in absent.stderr
    assert "Traceback" not in absent.stderr
