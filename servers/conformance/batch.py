"""Resources that go to the validator at once, and what it says of each.

Resources of one type in a Bundle of the type `collection` are judged several times faster than one
by one. Each is at a server of its own there, so that references lead out of the Bundle and every
resource is judged alone.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fhir_backpain.hl7.validator import ValidatorIssue
from servers.conformance.subject import Subject

_SIZE = 100
_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")

# Remarks on references between the resources that we put into one Bundle.
_OF_THE_BUNDLE = frozenset({"BUNDLE_BUNDLE_POSSIBLE_MATCH_WRONG_FU", "BUNDLE_POSSSIBLE_MATCHES"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What the validator says of one resource: the resource's address, and the issue."""

    address: str
    issue: ValidatorIssue

    def __str__(self) -> str:
        return f"{self.address}: {self.issue}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some resources of one subject: alone, or of one type and together in a Bundle."""

    subject: str
    texts: tuple[str, ...]
    addresses: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is given to the validator."""
        if len(self.texts) == 1:
            return self.texts[0]
        entries = [
            f'{{"fullUrl":"https://server-{number}.example/fhir/{address}","resource":{text}}}'
            for number, (text, address) in enumerate(zip(self.texts, self.addresses, strict=True))
        ]
        return f'{{"resourceType":"Bundle","type":"collection","entry":[{",".join(entries)}]}}'

    def findings(self, issues: Iterable[ValidatorIssue]) -> list[Finding]:
        """Return the issues, each with the resource that it is about.

        Warnings that are about the Bundle alone are left out; errors never are.
        """
        return [
            Finding(self._address(issue), issue)
            for issue in issues
            if issue.is_error or issue.message_id not in _OF_THE_BUNDLE
        ]

    def _address(self, issue: ValidatorIssue) -> str:
        if len(self.addresses) == 1:
            return self.addresses[0]
        entry = _ENTRY.match(issue.expression or "")
        return self.addresses[int(entry[1])] if entry else "Bundle"


def batches(subject: Subject, size: int = _SIZE) -> Iterator[Batch]:
    """Yield the resources of a subject in batches of one type, of `size` at most."""
    by_type: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for text in subject.texts:
        resource = json.loads(text)
        kind = resource["resourceType"]
        by_type[kind].append((text, f"{kind}/{resource.get('id', '')}"))
    step = size if subject.together else 1
    for of_type in by_type.values():
        for start in range(0, len(of_type), step):
            texts, addresses = zip(*of_type[start : start + step], strict=True)
            yield Batch(subject.name, texts, addresses)
