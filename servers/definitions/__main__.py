"""The command `python -m servers.definitions build`.

Exit codes: 0 written; 2 the definitions cannot be had.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

import fhir_backpain.definitions
from fhir_backpain.toolchain.problem import CounterpartError
from servers.definitions.index import index_text
from servers.definitions.jar import download
from servers.definitions.specification import RELEASES, read_specification

_SHIPPED = Path(fhir_backpain.definitions.__file__).parent / "data"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The index of FHIR definitions that the product ships."""


@main.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=_SHIPPED,
    help="Where to write; the package's own data where left out.",
)
def build(folder: Path) -> None:
    """Write r4.jsonl, r4b.jsonl and r5.jsonl anew: the same bytes from the same sources."""
    try:
        jars = download()
    except CounterpartError as problem:
        click.echo(problem, err=True)
        sys.exit(2)
    folder.mkdir(parents=True, exist_ok=True)
    for release in RELEASES:
        text = index_text(read_specification(jars, release))
        file = folder / f"{release.lower()}.jsonl"
        file.write_text(text, encoding="utf-8", newline="\n")
        click.echo(f"{file}: {text.count(chr(10))} lines, {len(text.encode())} bytes")


if __name__ == "__main__":
    main(prog_name="python -m servers.definitions")
