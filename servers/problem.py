"""What can go wrong around the servers, beside what `fhir_backpain.toolchain.problem` has."""

from __future__ import annotations

from fhir_backpain.outcome import Message

NOT_STARTED = Message(
    9904, "exception", "Server did not start", "Read the log named above; a taken port is usual."
)
ALREADY_RUNNING = Message(
    9905, "conflict", "Server is running already", "Use it, or stop it first, or give another port."
)
