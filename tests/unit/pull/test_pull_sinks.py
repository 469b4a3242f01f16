"""Destinations: what they are given twice they hold once, and nothing half."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pull_world import World, observation

from fhir_backpain.errors import PermanentRemoteError, SettingsError, TransientRemoteError
from fhir_backpain.outbox.retry import RetryPolicy
from fhir_backpain.pull.delivery import Delivery
from fhir_backpain.pull.sinks.csv_tables import tables_of
from fhir_backpain.pull.sinks.sink import Sink
from fhir_backpain.pull.sinks.sink_address import sink_of
from fhir_backpain.pull.sinks.webhook_sink import WebhookOptions, WebhookSink
from fhir_backpain.pull.state import PullState
from fhir_backpain.record import RECORD_TYPES
from tests.http_server import Answer, HttpServer, Request

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
IDENTIFIER = {"system": "https://clinic.example/mrn", "value": "P-1"}


def delivery(seq: int, name: str = "", **extra: Any) -> Delivery:
    record = {
        "record": "assessment",
        "id": name or f"A-{seq}",
        "source": "https://clinic.example/app",
        "patient": {"identifier": IDENTIFIER},
        **extra,
    }
    body = {"delivery": f"k{seq}", "revision": seq, "change": "changed", "record": record}
    return Delivery(seq, f"k{seq}", {**body, "versions": [], "unmapped": []})


class Settled:
    """The lengths that a state would keep."""

    def __init__(self) -> None:
        self.lengths: dict[str, int] = {}

    def __call__(self, path: str) -> int:
        return self.lengths.get(path, 0)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def deliveries() -> list[Delivery]:
    return [
        delivery(1, scores=[{"measure": "odi", "score": 4}, {"measure": "rmdq", "score": 2}]),
        delivery(2, work_status={"status": "fit"}),
        delivery(3, "A-1", scores=[{"measure": "odi", "score": 5}]),
    ]


@pytest.mark.parametrize("address", ["ndjson:out.ndjson", "csv:out", "directory:out"])
def test_a_batch_that_was_not_settled_is_given_again_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    settled = Settled()
    sink = sink_of(address, settled)
    first, *rest = deliveries()
    settled.lengths.update(sink.deliver([first]).lengths)
    sink.deliver(rest)
    whole = files(tmp_path)
    taken = sink_of(address, settled).deliver(rest)
    assert files(tmp_path) == whole
    assert taken.done == [2, 3]
    # More may be waiting by now than when the crash came.
    settled.lengths.clear()
    sink_of(address, settled).deliver([first, *rest])
    assert files(tmp_path) == whole


@pytest.mark.parametrize("address", ["ndjson:out.ndjson", "csv:out"])
@pytest.mark.parametrize("left", [1, 7, 60])
def test_a_batch_that_a_crash_cut_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, left: int
) -> None:
    monkeypatch.chdir(tmp_path)
    settled = Settled()
    sink = sink_of(address, settled)
    first, *rest = deliveries()
    settled.lengths.update(sink.deliver([first]).lengths)
    before = files(tmp_path)
    sink.deliver(rest)
    whole = files(tmp_path)
    for name, content in whole.items():
        cut = len(before.get(name, b"")) + left
        (tmp_path / name).write_bytes(content[:cut])
    sink.deliver(rest)
    assert files(tmp_path) == whole


@pytest.mark.parametrize("address", ["ndjson:out.ndjson", "csv:out"])
def test_a_file_that_others_wrote_to_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    settled = Settled()
    sink = sink_of(address, settled)
    settled.lengths.update(sink.deliver([delivery(1)]).lengths)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    before = path.read_bytes()
    for content in (before + b"mine\n", before[:-5]):
        path.write_bytes(content)
        with pytest.raises(SettingsError, match="FBP-6110"):
            sink.deliver([delivery(2)])
        assert path.read_bytes() == content


@pytest.mark.parametrize("address", ["ndjson:out.ndjson", "csv:out"])
def test_a_file_that_was_moved_away_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    settled = Settled()
    sink = sink_of(address, settled)
    settled.lengths.update(sink.deliver([delivery(1)]).lengths)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    first = path.read_bytes()
    path.rename(tmp_path / "moved")
    settled.lengths.update(sink.deliver([delivery(1)]).lengths)
    assert path.read_bytes() == first


@pytest.mark.parametrize("address", ["ndjson:file/x", "csv:file", "directory:file"])
def test_a_path_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SettingsError, match="FBP-6111"):
        sink_of(address, Settled()).deliver([delivery(1)])


@pytest.mark.parametrize("address", ["", "ndjson:", "xml:x", "ftp://x.example", "http://u:p@x/"])
def test_other_destinations_are_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="FBP-6112") as error:
        sink_of(address, Settled())
    assert "u:p" not in str(error.value)


def test_each_file_of_a_folder_is_the_latest_of_its_record(tmp_path: Path) -> None:
    sink = sink_of(f"directory:{tmp_path}", Settled())
    sink.deliver(deliveries())
    found = [json.loads(path.read_text("utf-8")) for path in tmp_path.glob("*.json")]
    assert sorted((one["record"]["id"], one["revision"]) for one in found) == [
        ("A-1", 3),
        ("A-2", 2),
    ]
    assert all("P-1" not in path.name for path in tmp_path.iterdir())


def test_tables_hold_one_row_for_a_record_and_one_for_each_item(tmp_path: Path) -> None:
    items = [{"id": "1", "value": 2}, {"id": "2", "value": 0}]
    record = delivery(
        1,
        patient={"identifier": IDENTIFIER, "name": {"family": "Example", "given": ["A", "B"]}},
        scores=[{"measure": "odi", "score": -4}],
        questionnaires=[{"instrument": "odi", "items": items}],
        test_data=True,
    )
    sink_of(f"csv:{tmp_path}", Settled()).deliver([record])
    tables = {
        path.name: list(csv.DictReader(path.read_text("utf-8").splitlines()))
        for path in tmp_path.iterdir()
    }
    (main,) = tables["assessment.csv"]
    assert main["delivery"] == "k1"
    assert main["patient.name.given"] == '["A","B"]'
    assert (main["test_data"], main["pain.onset"]) == ("true", "")
    (score,) = tables["assessment.scores.csv"]
    names = ("id", "scores[]", "scores[].measure", "scores[].score")
    assert [score[name] for name in names] == ["A-1", "1", "odi", "-4"]
    found = tables["assessment.questionnaires.items.csv"]
    place, value = "questionnaires[].items[]", "questionnaires[].items[].value"
    assert [(one["questionnaires[]"], one[place], one[value]) for one in found] == [
        ("1", "1", "2"),
        ("1", "2", "0"),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(tmp_path: Path, text: str) -> None:
    record = delivery(1, text, red_flags=[{"flag": text, "present": True, "note": f'",{text}'}])
    sink_of(f"csv:{tmp_path}", Settled()).deliver([record])
    for path in tmp_path.iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                assert not any(
                    cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row
                )
    with (tmp_path / "assessment.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["id"] == f"'{text}"


@pytest.mark.parametrize("record_type", RECORD_TYPES)
def test_the_tables_of_a_type_have_each_leaf_once(record_type: str) -> None:
    tables = tables_of(record_type)
    assert tables[0].name == record_type
    for table in tables:
        assert len(set(table.columns)) == len(table.columns)
    assert len({table.name for table in tables}) == len(tables)


class Receiver(HttpServer):
    """A webhook that answers as it is told and remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer | None] = []
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"{self.root}/hook?team=back"

    def respond(self, request: Request) -> Answer | None:
        """Give the next answer, or say that all is well."""
        self.requests.append((request.headers, json.loads(request.body)))
        return self.answers.pop(0) if self.answers else Answer(204)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def hook(receiver: Receiver, **options: Any) -> Sink:
    retry = RetryPolicy(base=0.01, cap=0.02, retry_after_cap=0.05)
    return WebhookSink(receiver.url, WebhookOptions(retry=retry, **options))


@pytest.mark.parametrize(
    "answer", [None, Answer(500), Answer(503, {"Retry-After": "9"}), Answer(429)]
)
def test_a_webhook_is_tried_again_with_the_same_key(
    receiver: Receiver, answer: Answer | None
) -> None:
    receiver.answers = [answer, answer]
    sink = hook(receiver, headers={"Authorization": "Bearer t"})
    assert sink.deliver([delivery(1)]).done == [1]
    sink.close()
    keys = [headers["idempotency-key"] for headers, _ in receiver.requests]
    assert keys == ["k1", "k1", "k1"]
    headers, body = receiver.requests[-1]
    assert headers["authorization"] == "Bearer t"
    assert body == delivery(1).body


def test_a_webhook_gives_up_when_patience_ends(receiver: Receiver) -> None:
    receiver.answers = [Answer(503)] * 1000
    sink = hook(receiver, patience=0)
    with pytest.raises(TransientRemoteError, match="FBP-6109"):
        sink.deliver([delivery(1)])
    sink.close()
    assert len(receiver.requests) == 1


def test_a_webhook_that_is_told_to_stop_gives_up(receiver: Receiver) -> None:
    receiver.answers = [Answer(503)] * 1000
    sink = hook(receiver)
    sink.stop()
    with pytest.raises(TransientRemoteError):
        sink.deliver([delivery(1)])
    sink.close()
    assert len(receiver.requests) == 1


def test_a_delivery_that_is_refused_is_set_aside(receiver: Receiver) -> None:
    receiver.answers = [Answer(422)]
    sink = hook(receiver)
    first, second = sink.deliver([delivery(1)]), sink.deliver([delivery(2)])
    sink.close()
    assert (first.done, list(first.refused), second.done) == ([], [1], [2])
    assert first.refused[1].number == 6108


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 405])
def test_a_closed_door_keeps_everything(receiver: Receiver, status: int) -> None:
    receiver.answers = [Answer(status, {"Location": "http://127.0.0.1:9/"})]
    sink = hook(receiver)
    with pytest.raises(PermanentRemoteError, match="FBP-6109"):
        sink.deliver([delivery(1)])
    sink.close()
    assert len(receiver.requests) == 1


def test_the_name_of_a_webhook_tells_no_secret(receiver: Receiver) -> None:
    sink = hook(receiver)
    sink.close()
    assert "team" not in sink.name


def test_a_refused_delivery_waits_for_a_person_and_the_others_go_on(
    world: World, receiver: Receiver
) -> None:
    world.push(observation("R-1"), observation("R-2", "P-2"))
    world.score("R-1", 1)
    world.score("R-2", 2)
    receiver.answers = [Answer(422)]
    result = world.pull(receiver.url)
    assert (result.deliveries["refused"], result.deliveries["delivered"]) == (1, 1)
    assert result.waiting["refused"] == 1
    assert not result.is_complete
    with PullState(world.state) as state:
        assert state.retry_refused() == 1
    assert world.pull(receiver.url).is_complete
    told = [(sent["idempotency-key"], body["record"]["id"]) for sent, body in receiver.requests]
    assert sorted({name for _, name in told}) == ["R-1", "R-2"]
    assert len(told) == 3
    assert told[0] == told[2]


def test_a_closed_receiver_ends_the_run_and_nothing_is_lost(
    world: World, receiver: Receiver
) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 1)
    receiver.answers = [Answer(401)]
    result = world.pull(receiver.url)
    assert result.reason == "sink-unavailable"
    assert result.waiting["deliveries"] == 1
    assert world.pull(receiver.url).is_complete
