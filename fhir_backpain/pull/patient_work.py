"""What is to be done about one patient's changes: looked up, judged, and put into a plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from fhir_backpain.client.client import FhirClient
from fhir_backpain.errors import OutboxError
from fhir_backpain.fhir.noted_version import version_in
from fhir_backpain.outbox.entry import Entry
from fhir_backpain.outcome import Issue, SourceLocation
from fhir_backpain.pull.change import Change, Resource, change_of, version_of
from fhir_backpain.pull.chart import Chart
from fhir_backpain.pull.delivery import Finding, key_from, key_text
from fhir_backpain.pull.messages import BOTH_CHANGED, ENTRY_UNDER_WAY
from fhir_backpain.pull.own_ids import OwnIds
from fhir_backpain.pull.ownership import Owner, is_ours, owner_of, patient_of, record_key_of
from fhir_backpain.pull.plan import Fate, Pending, Plan
from fhir_backpain.pull.pull_options import ConflictPolicy
from fhir_backpain.pull.rebuild import ReverseMapper, rebuild
from fhir_backpain.pull.source import Source, is_changed
from fhir_backpain.pull.state import PullState
from fhir_backpain.record import RecordKey

# Of several records that a version touches, the first of these says what became of it.
_WEIGHT: tuple[Fate, ...] = ("unreadable", "parked", "delivered", "overruled", "unchanged")


@dataclass(slots=True)
class Decided:
    """The plan of a patient and what is to be told; `waits` where it has to be tried later."""

    plan: Plan
    issues: list[Issue] = field(default_factory=list)
    left_out: int = 0
    waits: bool = False


class PatientWork:
    """Works patient by patient, so that memory is bounded by the largest one."""

    def __init__(
        self,
        client: FhirClient,
        mapper: ReverseMapper,
        state: PullState,
        source: Source,
        policy: ConflictPolicy,
    ) -> None:
        self._mapper = mapper
        self._state = state
        self._source = source
        self._policy = policy
        self._chart = Chart(client, mapper.types, lambda url: self._whose(url) is not None)

    def place(self, one: Pending) -> bool:
        """Find out whose a deleted resource was that nothing is known of; False where none of ours.

        A history tells its last version.
        """
        words = self._chart.last_words(one.url)
        patient = patient_of(words) if words is not None and is_ours(words) else None
        if words is None or patient is None:
            return False
        key = record_key_of(words)
        self._state.adopt(one.url, patient, key_text(key) if key is not None else None)
        return True

    def decide(self, patient: str) -> Decided:
        """Return what becomes of a patient's pending versions; RemoteError as the client's."""
        pending = self._state.pending(patient)
        decided = Decided(Plan(patient))
        looked_at = self._without_overtaken(pending, decided.plan)
        chart = self._chart.of(patient) if looked_at else {}
        found = [self._current(one, chart) for one in looked_at]
        ids = OwnIds(chart)
        changed: dict[str, Change] = {}
        for change in found:
            if self._state.is_settled(change.url, change.version):
                decided.plan.overtaken.append(change.url)
            elif self._is_echo(change, ids):
                decided.plan.current[change.url] = (change, "echo")
            else:
                changed[change.url] = change
        if changed:
            self._judge(changed, chart, ids, decided)
        return decided

    def _is_echo(self, change: Change, ids: OwnIds) -> bool:
        own = ids.own(change.url)
        row = self._source.ledger([own]).get(own)
        held = ids.of(change.url, change.resource) if change.resource is not None else None
        return self._source.has_written(replace(change, url=own, resource=held), row)

    def _without_overtaken(self, pending: Sequence[Pending], plan: Plan) -> list[Pending]:
        """Set aside what our own later version has replaced; return the rest."""
        rows = self._source.ledger([one.url for one in pending])
        left = []
        for one in pending:
            row = rows.get(one.url)
            if row is not None and _are_before(one.versions, version_in(row.version_id)):
                plan.overtaken.append(one.url)
            else:
                left.append(one)
        return left

    def _current(self, one: Pending, chart: dict[str, Resource]) -> Change:
        """Return the version that a resource is at; the chart is brought up to it."""
        held = chart.get(one.url)
        # A search may be behind; what it shows is sure only where nothing else was found.
        if held is None or one.deleted is not None or one.versions != [version_of(held)]:
            held = self._chart.read(one.url)
        if held is None:
            chart.pop(one.url, None)
            return Change(one.url, one.deleted or one.versions[-1], 0, None)
        chart[one.url] = held
        found = change_of({"resource": held})
        assert found is not None
        return found

    def _whose(self, url: str) -> RecordKey | None:
        """Return whose alone a resource was when it was last seen; None where it was shared."""
        member = self._state.member(url)
        if member is not None:
            return key_from(member[0]) if member[0] else None
        row = self._source.ledger([url]).get(url)
        return row.key if row is not None and not row.shared else None

    def _mute(self, changed: dict[str, Change], chart: dict[str, Resource]) -> dict[str, RecordKey]:
        """Return whose those resources were that do not say so: deleted, or without identifier."""
        urls = {url for url, change in changed.items() if change.resource is None}
        urls |= {url for url, resource in chart.items() if not is_ours(resource)}
        found = {url: self._whose(url) for url in urls if not url.startswith("Patient/")}
        return {url: key for url, key in found.items() if key is not None}

    def _judge(
        self,
        changed: dict[str, Change],
        chart: dict[str, Resource],
        ids: OwnIds,
        decided: Decided,
    ) -> None:
        plan = decided.plan
        mute = self._mute(changed, chart)
        ours = {ids.own(url): change for url, change in changed.items()}
        found = rebuild(self._mapper, ids.own(plan.patient), ids.chart(chart), ours, mute)
        fates: dict[Owner, Fate] = dict.fromkeys(found.unreadable, "unreadable")
        for issues in found.unreadable.values():
            decided.issues += issues
        for key, finding in found.findings.items():
            fate = self._place(finding, decided)
            if fate is None:
                decided.waits = True
                return
            fates[owner_of(key)] = fate
        decided.issues += found.issues
        decided.left_out = len(found.issues)
        for url, change in changed.items():
            touched = {fates[owner] for owner in found.touched[ids.own(url)] if owner in fates}
            fate = next((one for one in _WEIGHT if one in touched), None)
            plan.current[url] = (change, fate or ("foreign" if not touched else "unchanged"))
        plan.members = {ids.there(url): key_text(key) for url, key in found.members.items()}
        plan.members[plan.patient] = ""  # nobody's alone

    def _place(self, finding: Finding, decided: Decided) -> Fate | None:
        """Put a finding into the plan; None where the source's version is being sent just now."""
        entry = self._source.newest(finding.key)
        entry_id = entry.id if entry is not None else ""
        known = self._state.known_content(key_text(finding.key), entry_id)
        if known == finding.content_hash:
            return "unchanged"
        agrees = entry is not None and self._source.says(entry, finding)
        if known is None and agrees:
            return "unchanged"
        if entry is not None and is_changed(entry) and not agrees:
            return self._conflict(finding, entry, decided)
        decided.plan.deliver.append((finding, entry_id))
        return "delivered"

    def _conflict(self, finding: Finding, rival: Entry, decided: Decided) -> Fate | None:
        place = SourceLocation(record=finding.key.id)
        if self._policy == "ask":
            text = f"{finding.key} waits for a decision."
            decided.issues.append(BOTH_CHANGED.issue(text, source=place, severity="warning"))
            decided.plan.park.append((finding, self._source.differs(rival, finding)))
            return "parked"
        try:
            if self._policy == "source":
                self._source.replay(rival)
                decided.plan.overrule.append(finding)
                return "overruled"
            # Before the plan is kept: a crash between the two leaves nothing that could be sent.
            self._source.discard(rival)
        except OutboxError:
            text = f"The source's version of {finding.key} cannot be taken out now."
            decided.issues.append(ENTRY_UNDER_WAY.issue(text, source=place))
            return None
        decided.plan.deliver.append((finding, rival.id))
        return "delivered"


def _are_before(versions: Iterable[str], own: str | None) -> bool:
    """True where all versions are numbers below our own: what follows a number is higher.

    FHIR leaves the form of version ids open; where they are no numbers, the server is asked.
    """
    ids = [*versions, own or ""]
    if not all(text.isascii() and text.isdigit() for text in ids):
        return False
    return all(int(text) < int(ids[-1]) for text in ids[:-1])
