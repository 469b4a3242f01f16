from __future__ import annotations

import sqlite3

import pytest

from fhir_backpain.errors import SettingsError
from fhir_backpain.sandbox import close_app, create_app
from fhir_backpain.sandbox.store import Store, utc_now

PATIENT = {"resourceType": "Patient", "id": "a"}


def test_a_file_survives_a_restart(tmp_path):
    path = tmp_path / "sandbox.sqlite"
    first = create_app(path)
    first.test_client().put("/fhir/Patient/a", json=PATIENT)
    close_app(first)
    second = create_app(path)
    client = second.test_client()
    client.put("/fhir/Patient/a", json={**PATIENT, "gender": "male"})
    assert client.get("/fhir/Patient/a/_history").get_json()["total"] == 2
    assert client.get("/fhir/Patient?gender=male").get_json()["total"] == 1
    close_app(second)


def test_two_servers_on_one_file_keep_one_order(tmp_path):
    apps = [create_app(tmp_path / "sandbox.sqlite") for _ in range(2)]
    for number in range(10):
        body = {**PATIENT, "x": number}
        apps[number % 2].test_client().put("/fhir/Patient/a", json=body)
    history = apps[0].test_client().get("/fhir/_history").get_json()
    times = [entry["response"]["lastModified"] for entry in history["entry"]]
    assert [entry["resource"]["x"] for entry in history["entry"]] == list(range(9, -1, -1))
    assert times == sorted(set(times), reverse=True)
    for app in apps:
        close_app(app)


def test_a_temporary_database_goes_with_the_store():
    store = Store(None, utc_now)
    assert store.path.exists()
    store.close()
    assert not store.path.parent.exists()


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look at" * 50, b"x", b"SQLite format 3\0"]
)
def test_a_broken_file_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "broken.sqlite"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="FBP-9023"):
        create_app(path)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="something else"):
        create_app(path)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingsError, match="FBP-9023"):
        create_app(tmp_path / "no" / "sandbox.sqlite")


def test_a_failing_write_leaves_nothing(tmp_path):
    store = Store(None, utc_now)

    def put_and_fail():
        with store.writing() as session:
            session.put(PATIENT, "a", "PUT", "")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put_and_fail()
    with store.reading() as session:
        assert session.latest() == 0
        assert session.rows("SELECT count(*) FROM token") == [(0,)]
    store.close()


def test_a_full_disk_is_507_and_leaves_the_server_working(tmp_path):
    app = create_app(tmp_path / "sandbox.sqlite")
    client = app.test_client()
    client.put("/fhir/Patient/a", json=PATIENT)
    store = app.extensions["fhir_backpain.sandbox"].store
    with store.reading() as session:
        pages = session.rows("PRAGMA page_count")[0][0]
        session.rows(f"PRAGMA max_page_count = {pages + 1}")
    body = {**PATIENT, "x": "y" * 100_000}
    full = client.put("/fhir/Patient/a", json=body)
    assert (full.status_code, full.get_json()["issue"][0]["code"]) == (507, "no-store")
    assert client.get("/fhir/Patient/a").headers["ETag"] == 'W/"1"'
    with store.reading() as session:
        session.rows("PRAGMA max_page_count = 1000000")
    assert client.put("/fhir/Patient/a", json=body).status_code == 200
    close_app(app)
