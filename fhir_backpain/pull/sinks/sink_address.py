"""Destinations as they are named on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fhir_backpain.errors import SettingsError
from fhir_backpain.pull.messages import SINK_FORM
from fhir_backpain.pull.sinks.appended_files import Lengths
from fhir_backpain.pull.sinks.csv_sink import CsvSink
from fhir_backpain.pull.sinks.directory_sink import DirectorySink
from fhir_backpain.pull.sinks.ndjson_sink import NdjsonSink
from fhir_backpain.pull.sinks.sink import Sink
from fhir_backpain.pull.sinks.webhook_sink import WebhookOptions, WebhookSink


def sink_of(
    address: str, settled: Lengths, webhook_headers: Mapping[str, str] | None = None
) -> Sink:
    """Return the sink at ``ndjson:FILE``, ``csv:FOLDER``, ``directory:FOLDER`` or an http URL.

    `settled` gives the settled lengths of files. Raises SettingsError for another address.
    """
    if address.startswith(("http://", "https://")):
        return WebhookSink(address, WebhookOptions(headers=dict(webhook_headers or {})))
    kind, _, place = address.partition(":")
    if place:
        match kind:
            case "ndjson":
                return NdjsonSink(Path(place), settled)
            case "csv":
                return CsvSink(Path(place), settled)
            case "directory":
                return DirectorySink(Path(place))
    raise SettingsError(SINK_FORM.issue("The destination is not of a known kind."))
