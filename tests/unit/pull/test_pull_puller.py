"""What comes back from a server, and what does not, end to end against the sandbox."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pull_world import World, assessment, observation

from fhir_backpain.errors import SettingsError
from fhir_backpain.outbox.sqlite import SqliteStore
from fhir_backpain.pull.delivery import key_from
from fhir_backpain.pull.resolution import Resolution
from fhir_backpain.pull.state import PullState
from fhir_backpain.sandbox.faults import FaultRule
from fhir_backpain.sandbox.server import SandboxServer

FEEDS = ("system-history", "type-history", "search")


@pytest.mark.parametrize("feed", FEEDS)
def test_what_the_outbox_sent_does_not_come_back(world: World, feed: str) -> None:
    world.push(observation("R-1"), assessment("A-1"))
    world.push(observation("R-1", score=5))
    result = world.pull(feed=feed)
    assert result.is_complete
    assert world.deliveries() == []
    assert result.versions["echo"] > 0
    assert set(result.versions) <= {"echo", "overtaken"}


@pytest.mark.parametrize("feed", FEEDS)
def test_an_edit_comes_back_once_as_its_record(world: World, feed: str) -> None:
    world.push(observation("R-1"), observation("R-2"))
    world.pull(feed=feed)
    edited = world.score("R-1", 3)
    result = world.pull(feed=feed)
    assert result.versions == {"delivered": 1}
    (delivery,) = world.deliveries()
    assert delivery["change"] == "changed"
    assert delivery["record"] == world.mapper.normal_form(observation("R-1", score=3))
    version = edited["meta"]["versionId"]
    assert delivery["versions"] == [f"Observation/{edited['id']}/_history/{version}"]
    assert not world.pull(feed=feed).versions
    assert len(world.deliveries()) == 1


def test_several_versions_between_two_looks_come_as_the_last_one(world: World) -> None:
    world.push(observation("R-1"))
    for value in (1, 2, 3):
        world.score("R-1", value)
    result = world.pull()
    assert result.versions["delivered"] == 1
    assert result.versions["overtaken"] >= 2
    assert [one["record"]["score"] for one in world.deliveries()] == [3]


def test_each_look_delivers_the_next_revision(world: World) -> None:
    world.push(observation("R-1"))
    for value in (1, 2, 1):
        world.score("R-1", value)
        world.pull()
    found = [(one["revision"], one["record"]["score"]) for one in world.deliveries()]
    assert found == [(1, 1), (2, 2), (3, 1)]
    assert len({one["delivery"] for one in world.deliveries()}) == 3


def test_a_record_comes_whole_although_one_resource_changed(world: World) -> None:
    record = assessment("A-1", causes=[{"cause": "disc-herniation", "certainty": "confirmed"}])
    world.push(record, assessment("A-2", "P-2"))
    world.edit("Observation", "P-1~c84fee70/assessment/A-1/score/odi", _set_score)
    world.pull()
    (delivery,) = world.deliveries()
    scores = [{"measure": "odi", "score": 30}, {"measure": "rmdq", "score": 11}]
    assert delivery["record"] == world.mapper.normal_form({**record, "scores": scores})


def _set_score(resource: dict) -> None:  # type: ignore[type-arg]
    resource["valueQuantity"]["value"] = 30


def test_a_patient_who_moves_brings_all_the_records_that_tell_of_them(world: World) -> None:
    name = {"name": {"family": "Example"}, "gender": "female"}
    one, two = observation("R-1"), observation("R-2")
    one["patient"].update(name)
    two["patient"].update(name)
    world.push(one, two, observation("R-3", "P-2"))
    world.edit("Patient", "P-1", lambda person: person["name"][0].update(family="Sample"))
    world.pull()
    assert [item["record"]["id"] for item in world.deliveries()] == ["R-1", "R-2"]
    assert {item["record"]["patient"]["name"]["family"] for item in world.deliveries()} == {
        "Sample"
    }


def test_without_an_outbox_everything_comes_once(world: World) -> None:
    world.push(observation("R-1"), assessment("A-1"))
    Path(world.outbox).unlink()
    world.pull()
    assert sorted(one["record"]["id"] for one in world.deliveries()) == ["A-1", "R-1"]
    world.pull()
    assert len(world.deliveries()) == 2


def test_a_deleted_resource_of_a_record_is_missing_in_it(world: World) -> None:
    world.push(assessment("A-1"))
    gone = world.find("Observation", "rmdq")
    world.client.delete("Observation", gone["id"])
    world.pull()
    (delivery,) = world.deliveries()
    assert delivery["change"] == "changed"
    assert delivery["record"]["scores"] == [{"measure": "odi", "score": 44}]


def test_a_deletion_is_known_by_its_history_where_there_is_no_outbox(world: World) -> None:
    world.push(observation("R-1"), observation("R-2"))
    Path(world.outbox).unlink()
    gone = world.find("Observation", "R-1/")
    world.client.delete("Observation", gone["id"])
    world.pull()
    assert sorted((one["change"], one["record"]["id"]) for one in world.deliveries()) == [
        ("changed", "R-2"),
        ("deleted", "R-1"),
    ]


def test_what_was_entered_in_error_is_as_good_as_deleted(world: World) -> None:
    world.push(assessment("A-1"))
    world.edit("Observation", "rmdq", lambda one: one.update(status="entered-in-error"))
    world.pull()
    (delivery,) = world.deliveries()
    assert delivery["record"]["scores"] == [{"measure": "odi", "score": 44}]


def test_a_status_that_the_record_has_a_word_for_is_told(world: World) -> None:
    world.push(observation("R-1"))
    world.edit("Observation", "R-1", lambda one: one.update(status="entered-in-error"))
    world.pull()
    (delivery,) = world.deliveries()
    assert delivery["change"] == "changed"
    assert delivery["record"]["status"] == "entered-in-error"


def test_an_element_without_a_place_is_reported_and_the_rest_comes(world: World) -> None:
    world.push(observation("R-1"))

    def edit(one: dict) -> None:  # type: ignore[type-arg]
        one["valueQuantity"]["value"] = 2
        one["interpretation"] = [{"text": "secret words"}]

    world.edit("Observation", "R-1", edit)
    result = world.pull()
    (delivery,) = world.deliveries()
    assert delivery["record"]["score"] == 2
    assert delivery["unmapped"] == ["Observation.interpretation[0].text"]
    assert result.elements_left_out == 1
    assert [issue.number for issue in result.issues] == [6105]
    assert "secret" not in str(result.to_json())


@pytest.mark.parametrize(
    ("change", "expression"),
    [
        ({"code": {"text": "something else"}}, "Observation"),
        ({"modifierExtension": [{"url": "https://x.example/not", "valueBoolean": True}]}, "Obse"),
        ({"status": "cancelled"}, "Observation"),
    ],
)
def test_what_turns_the_meaning_is_never_delivered(
    world: World,
    change: dict,
    expression: str,  # type: ignore[type-arg]
) -> None:
    world.push(assessment("A-1"))
    world.edit("Observation", "rmdq", lambda one: one.update(change))
    result = world.pull()
    assert world.deliveries() == []
    assert result.versions == {"echo": result.versions["echo"], "unreadable": 1}
    assert not result.is_complete
    assert {issue.number for issue in result.issues} == {6104}
    assert str(result.issues[0].expression).startswith(expression)


def test_resources_of_others_are_counted(world: World) -> None:
    world.push(observation("R-1"))
    text = '{"resourceType":"Observation","id":"x","status":"final","code":{"text":"a"}}'
    world.client.put("Observation", "x", text)
    result = world.pull()
    assert world.deliveries() == []
    assert result.foreign == {"Observation": 1}
    assert [issue.number for issue in result.issues] == [6103]


def test_both_sides_changed_and_a_person_decides_for_the_server(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.append(observation("R-1", score=9))
    result = world.pull()
    assert (result.versions["parked"], result.waiting["conflicts"]) == (1, 1)
    assert world.deliveries() == []
    with PullState(world.state) as state, SqliteStore(world.outbox) as store:
        (conflict,) = state.conflicts()
        assert conflict.differs == ("score",)
        assert key_from(conflict.record).id == "R-1"
        Resolution(state, store, world.mapper).take(conflict.id, "server")
        assert store.counts()["queued"] == 0
    assert world.pull().is_complete
    assert [one["record"]["score"] for one in world.deliveries()] == [3]
    world.push()
    assert world.find("Observation", "R-1")["valueQuantity"]["value"] == 3


def test_both_sides_changed_and_a_person_decides_for_the_source(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.append(observation("R-1", score=9))
    world.pull()
    with PullState(world.state) as state, SqliteStore(world.outbox) as store:
        Resolution(state, store, world.mapper).take(state.conflicts()[0].id, "source")
    _have_the_source_win(world)


def test_the_server_wins_by_policy(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.append(observation("R-1", score=9))
    assert world.pull(on_conflict="server").versions["delivered"] == 1
    assert [one["record"]["score"] for one in world.deliveries()] == [3]
    world.push()
    assert world.find("Observation", "R-1")["valueQuantity"]["value"] == 3


def test_the_source_wins_by_policy(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.append(observation("R-1", score=9))
    assert world.pull(on_conflict="source").versions["overruled"] == 1
    _have_the_source_win(world)


def _have_the_source_win(world: World) -> None:
    """Sync finds the conflict, pull rules for the source, sync sends it, pull has nothing left."""
    with SqliteStore(world.outbox) as store:
        world.dispatcher(store).run_until_idle()
    world.pull(on_conflict="source")
    world.push()
    assert world.find("Observation", "R-1")["valueQuantity"]["value"] == 9
    assert world.pull().is_complete
    assert world.deliveries() == []
    with PullState(world.state) as state:
        assert state.rulings() == []


def test_a_conflict_ends_by_itself_when_the_source_was_sent(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.append(observation("R-1", score=9))
    assert world.pull().waiting["conflicts"] == 1
    with SqliteStore(world.outbox) as store:
        world.dispatcher(store).run_until_idle()
        (entry,) = store.entries(state="conflict")
        store.replay(entry.id)
    world.push()
    result = world.pull()
    assert result.is_complete
    assert world.deliveries() == []


def test_the_same_change_on_both_sides_is_no_conflict(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.append(observation("R-1", score=3))
    result = world.pull()
    assert result.is_complete
    assert world.deliveries() == []


def test_back_to_what_was_delivered_long_ago_is_a_change_again(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.pull()
    world.append(observation("R-1", score=9))
    with SqliteStore(world.outbox) as store:
        world.dispatcher(store).run_until_idle()
        (entry,) = store.entries(state="conflict")
        store.replay(entry.id)
    world.push()
    world.pull()
    world.score("R-1", 3)
    world.pull()
    assert [one["record"]["score"] for one in world.deliveries()] == [3, 3]


def test_a_write_whose_answer_was_lost_is_an_echo_all_the_same(
    world: World, server: SandboxServer
) -> None:
    named = observation("R-1")
    named["patient"]["name"] = {"family": "Example"}
    world.push(named)
    world.append(observation("R-2"))
    rule = FaultRule("drop-after", method="POST", path="^/fhir/?$", times=1)
    server.faults.add(rule)
    with SqliteStore(world.outbox) as store:
        from fhir_backpain.sync.push import Dispatcher
        from fhir_backpain.sync.push_options import PushOptions

        Dispatcher(
            store, world.client, world.mapper, options=PushOptions(patience=0)
        ).run_until_idle()
        assert store.counts()["unclear"] == 1
    world.pull()
    assert world.deliveries() == []


def test_a_server_that_is_down_is_told_and_nothing_is_lost(
    world: World, server: SandboxServer
) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    server.faults.add(FaultRule("status", {"status": 503}, path="_history"))
    result = world.pull()
    assert result.reason == "unreachable"
    server.faults.clear()
    assert world.pull().is_complete
    assert len(world.deliveries()) == 1


def test_stop_ends_a_run_that_goes_on_for_ever(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    with world.puller() as puller:
        puller.run_forever(60, lambda _: puller.stop())
    assert len(world.deliveries()) == 1


def test_a_state_is_of_one_server_and_sink(world: World) -> None:
    world.pull()
    with pytest.raises(SettingsError, match="FBP-6114"):
        world.pull(f"directory:{world.folder / 'd'}")


def test_one_refused_patient_does_not_keep_the_others(world: World, server: SandboxServer) -> None:
    world.push(observation("R-1"), observation("R-2", "P-2"))
    first = world.score("R-1", 3)
    world.score("R-2", 4)
    patient = first["subject"]["reference"]
    server.faults.add(FaultRule("status", {"status": 403}, method="GET", path=f"{patient}$"))
    result = world.pull()
    assert result.reason == "incomplete"
    assert [one["record"]["id"] for one in world.deliveries()] == ["R-2"]
    server.faults.clear()
    assert world.pull().is_complete
    assert [one["record"]["id"] for one in world.deliveries()] == ["R-2", "R-1"]


def test_a_version_that_is_being_sent_just_now_is_waited_for(world: World) -> None:
    world.push(observation("R-1"))
    world.score("R-1", 3)
    world.append(observation("R-1", score=9))
    with SqliteStore(world.outbox) as store:
        (leased,) = store.lease(world.client.base_url, "push", 1, 60)
        result = world.pull(on_conflict="server")
        assert result.waiting["versions"] == 1
        assert [issue.number for issue in result.issues] == [6107]
        assert world.deliveries() == []
        store.release(world.client.base_url, [leased.token])
    assert world.pull(on_conflict="server").is_complete
    assert [one["record"]["score"] for one in world.deliveries()] == [3]


def test_the_figures_are_those_of_the_rows(world: World) -> None:
    world.push(assessment("A-1"), observation("R-1"), observation("R-2", "P-2"))
    seen: Counter[str] = Counter()
    seen += world.pull().versions
    world.score("R-1", 1)
    world.score("R-1", 2)
    world.edit("Observation", "rmdq", lambda one: one.update(code={"text": "x"}))
    world.client.delete("Observation", world.find("Observation", "R-2")["id"])
    seen += world.pull().versions
    with PullState(world.state) as state:
        assert state.fates() == seen
        assert state.delivery_counts() == {"delivered": 2}
    assert seen["unreadable"] == 1
    assert seen["overtaken"] == 1


def test_a_server_that_asks_to_wait_is_told_so(world: World, server: SandboxServer) -> None:
    rule = {"status": 429, "headers": {"Retry-After": "7"}}
    server.faults.add(FaultRule("status", rule, path="_history"))
    result = world.pull()
    assert (result.reason, result.retry_after) == ("unreachable", 7.0)


def test_nothing_that_is_told_holds_a_value_of_a_patient(
    world: World, server: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "Kanarienvogel"
    record = observation("R-1", f"{canary}-1", note=f"{canary} sings")
    record["patient"]["name"] = {"family": canary}
    world.push(record)
    world.edit("Observation", "R-1", lambda one: one.update(bodySite={"text": canary}))
    world.append({**record, "score": 2})
    told = [world.pull()]
    server.faults.add(FaultRule("status", {"status": 400, "body": canary}, path="_history"))
    told.append(world.pull())
    assert canary not in "".join(f"{one} {one.to_json()} {one.issues}" for one in told)
    assert canary not in caplog.text


@pytest.mark.parametrize("recorded_at", ["2026-03-02T10:00:00+01:00", None])
def test_a_resource_that_lost_its_identifier_keeps_its_record_from_being_told_in_part(
    world: World, recorded_at: str | None
) -> None:
    record = assessment("A-1", recorded_at=recorded_at)
    if recorded_at is None:  # no Provenance lists what the record made
        del record["recorded_at"]
    world.push(record)
    url = world.find("Observation", "rmdq")["id"]
    world.edit("Observation", "rmdq", lambda one: one.pop("identifier"))
    result = world.pull()
    assert result.versions["unreadable"] == 1
    # Nor does a good change beside it bring the record without the other score.
    world.edit("Observation", "odi", _set_score)
    assert world.pull().versions["unreadable"] == 1
    assert world.deliveries() == []
    world.client.delete("Observation", url)
    world.pull()
    (delivery,) = world.deliveries()
    assert delivery["record"]["scores"] == [{"measure": "odi", "score": 30}]


def test_entries_that_name_nothing_are_counted(world: World, server: SandboxServer) -> None:
    body = (
        '{"resourceType":"Bundle","type":"history","entry":'
        '[{"request":{"method":"PUT","url":"x"}},{"resource":{"resourceType":"Goal"}}]}'
    )
    headers = {"Content-Type": "application/fhir+json"}
    answer = {"status": 200, "headers": headers, "body": body}
    server.faults.add(FaultRule("status", answer, path="_history"))
    result = world.pull()
    assert [issue.number for issue in result.issues] == [6102]
    assert "2 entries" in result.issues[0].text
