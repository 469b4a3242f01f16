"""The exceptions of the package. Each carries an `Outcome`: plain data, ready to show or send.

BackpainError
├── ArtifactError            a shipped or configured file is missing or wrong
│   ├── MappingSyntaxError   a mapping file cannot be read
│   └── MappingCheckError    a mapping contradicts its source schema, profile or terminology
├── SettingsError            the configuration or the command's arguments are wrong
├── SourceError              a source cannot be read any further
├── MappingFailed            a record could not be mapped
├── ValidationFailed         a record or resource is not what it must be
├── OutboxError              the outbox cannot keep its promise
└── RemoteError              a FHIR server did not do what was asked
    ├── TransientRemoteError    worth another try
    ├── AmbiguousRemoteError    may have been applied: read back before anything else
    ├── PermanentRemoteError    the same request will fail again
    └── ConflictError           another version is there
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_backpain.outcome import Issue, Outcome


class BackpainError(Exception):
    """A problem that a person can act on; `outcome` says what, where and what next."""

    def __init__(self, issues: Issue | Iterable[Issue]) -> None:
        collected = [issues] if isinstance(issues, Issue) else list(issues)
        self.outcome = Outcome.of(collected)
        super().__init__(str(self.outcome))

    @property
    def issues(self) -> tuple[Issue, ...]:
        """The problems, in the order in which they were found."""
        return self.outcome.issues


class ArtifactError(BackpainError):
    """A shipped or configured file is missing or wrong."""


class MappingSyntaxError(ArtifactError):
    """A mapping file cannot be read."""


class MappingCheckError(ArtifactError):
    """A mapping contradicts its source schema, its profile or the terminology."""


class SettingsError(BackpainError):
    """The configuration or the command's arguments are wrong."""


class SourceError(BackpainError):
    """A source cannot be read any further."""


class MappingFailed(BackpainError):
    """A record could not be mapped."""


class ValidationFailed(BackpainError):
    """A record or a resource is not what it must be."""


class OutboxError(BackpainError):
    """The outbox cannot keep its promise."""


class RemoteError(BackpainError):
    """A FHIR server did not do what was asked."""

    def __init__(
        self,
        issues: Issue | Iterable[Issue],
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(issues)
        self.status = status
        self.retry_after = retry_after


class TransientRemoteError(RemoteError):
    """The request was not applied and is worth another try."""


class AmbiguousRemoteError(RemoteError):
    """The request may have been applied: read back before anything else."""


class PermanentRemoteError(RemoteError):
    """The same request will fail again."""


class ConflictError(RemoteError):
    """Another version is on the server (409 or 412)."""
