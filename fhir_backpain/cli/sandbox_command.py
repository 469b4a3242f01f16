"""sandbox: an embedded FHIR R4 server to try things on."""

from __future__ import annotations

from pathlib import Path

import click

from fhir_backpain.cli.output import say
from fhir_backpain.sandbox import serve


@click.command("sandbox")
@click.option("--port", default=8090, show_default=True, help="Port; 0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--database",
    type=click.Path(path_type=Path),
    help="SQLite file to keep resources in; without it they are gone at the end.",
)
@click.option("--faults", is_flag=True, help="Offer /_sandbox/faults, to make it misbehave.")
def command(port: int, host: str, database: Path | None, faults: bool) -> None:
    """Run the embedded FHIR R4 server, for demos and tests, never for patients' data.

    \b
    Examples:
      fhir-backpain sandbox
      fhir-backpain sandbox --port 0 --database sandbox.sqlite
    """
    serve(
        host,
        port,
        database,
        fault_endpoint=faults,
        on_ready=lambda url: say(f"FHIR sandbox at {url} (Ctrl-C stops it)"),
    )
