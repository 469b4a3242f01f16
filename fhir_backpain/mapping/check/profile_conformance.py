"""Holds a mapping's template against the profiles that its resources claim.

Found before the first record: claims of unknown profiles, mandatory elements that are missing or
may be empty, forbidden elements and types, too many items, slices that no item fills, values that
contradict what a profile fixes, codes outside its required bindings, references elsewhere.
Profiles of others are let through, unless their definitions are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from fhir_backpain.definitions.definitions import Definitions
from fhir_backpain.definitions.profile_folder import ProfileFolders
from fhir_backpain.errors import ArtifactError
from fhir_backpain.fhir.canonical import PROFILES
from fhir_backpain.mapping import messages
from fhir_backpain.mapping.check.claim import Claim, claims_of
from fhir_backpain.mapping.check.profile_walk import ProfileWalk
from fhir_backpain.mapping.check.settled import settled
from fhir_backpain.mapping.declaration import Declaration
from fhir_backpain.mapping.library import Library
from fhir_backpain.mapping.release_delta import BASE_RELEASE
from fhir_backpain.mapping.scope import Scope
from fhir_backpain.mapping.template import ObjectTemplate
from fhir_backpain.outcome import Issue


class ProfileConformance:
    """Checks declarations of one library against the profiles that they claim.

    The profiles are those of FHIR R4, so that nothing is found for another release.
    """

    def __init__(self, definitions: Definitions, library: Library) -> None:
        self._definitions = definitions
        self._library = library
        self._profiles: ProfileFolders = library.profiles

    def findings(self, declaration: Declaration, scope: Scope) -> Iterator[Issue]:
        """Yield what is wrong with a mapping's claims, once each; `scope` is that of its rule."""
        template = declaration.template
        if self._definitions.release != BASE_RELEASE or not isinstance(template, ObjectTemplate):
            return
        told: set[tuple[object, ...]] = set()
        for claim in claims_of(template, scope, self._library):
            for issue in self._of_claim(claim, declaration, template, scope):
                # One finding for each place and profile, whatever word leads to it.
                key = (issue.number, issue.mapping, issue.expression, claim.url)
                if key not in told:
                    told.add(key)
                    yield issue

    def _of_claim(
        self, claim: Claim, declaration: Declaration, template: ObjectTemplate, scope: Scope
    ) -> Iterator[Issue]:
        try:
            profile = self._profiles.find(claim.url)
        except ArtifactError as error:
            yield from error.issues
            return
        if profile is None:
            yield from self._unknown(claim)
            return
        if profile.type != declaration.makes:
            text = f"{profile.name} is a profile of {profile.type}, not of {declaration.makes}."
            yield messages.PROFILE_OF_ANOTHER_TYPE.issue(
                text, mapping=claim.location, expression=f"{declaration.makes}.meta.profile"
            )
            return
        walk = ProfileWalk(profile, self._profiles, self._definitions, self._library, claim.given)
        root = [profile.elements[profile.type]]
        here = scope.with_facts(claim.given.facts)
        left = settled(template, here, claim.given)
        yield from walk.of_object(left, root, declaration.makes, here)

    def _unknown(self, claim: Claim) -> Iterator[Issue]:
        """A profile of ours, or of the mappings' own folder, must be there."""
        known = self._profiles.urls()
        bases = {PROFILES, *(url.rpartition("/")[0] for url in known)}
        if claim.url.rpartition("/")[0] not in bases:
            return
        near = get_close_matches(claim.url, known, n=2)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        text = f"There is no profile {claim.url}.{hint}"
        yield messages.PROFILE_UNKNOWN.issue(text, mapping=claim.location)
