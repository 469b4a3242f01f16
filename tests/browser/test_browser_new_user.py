"""A new user: two commands of the README, then a clinic's own table through the browser alone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from browser_world import wait_until
from playwright.sync_api import Browser, expect

from fhir_backpain.client.client import FhirClient

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
TABLE = "mrn;visit;pain;typed_by\nN-1;02/03/2026;7;kb\nN-1;09/03/2026;4,5;\nN-2;09/03/2026;x;kb\n"


@contextmanager
def running(folder: Path, *command: str, says: str) -> Iterator[str]:
    """Run a command as the README has it; give the URL that it says."""
    said = folder / f"{command[0]}.log"
    with said.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "fhir_backpain.cli", *command],
            cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: re.search(says, said.read_text()) is not None)
        found = re.search(says, said.read_text())
        assert found is not None
        yield found[1]
    finally:
        process.terminate()
        process.wait(60)


def written(begun: str) -> str:
    """Return a begun mapping as its author leaves it: every line that asks for something."""
    answers: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
        (r"# test_data: true.*", "test_data: true"),
        (r'  id: "EDIT:.*', '  id: {=text: "{mrn}-{visit}"}'),
        (r'  source: "EDIT:.*', "  source: https://clinic.example/weekly"),
        (r'      system: "EDIT:.*', "      system: https://clinic.example/mrn"),
        (r'      value: "EDIT:.*', "      value: =mrn"),
        (r'  observed_at: "EDIT:.*', "  observed_at: {=date: visit, form: dd/mm/yyyy}"),
        (r'  measure: "EDIT:.*', "  measure: pain-nrs-week"),
        (r"  # EDIT: score:.*", '  score: {=number: pain, decimal: ","}'),
        (r"  - \{path: (?:mrn|visit|pain), .*\n", ""),
        (r'because: "EDIT:.*"', "because: not clinical"),
    ]
    text = begun
    for pattern, answer in answers:
        text, count = re.subn(pattern, answer, text)
        assert count, pattern
    return text


def test_from_the_readme_to_ones_own_table_on_the_server(browser: Browser, tmp_path: Path) -> None:
    for words in ("fhir-backpain sandbox --port", "fhir-backpain serve --server", '("Tables")'):
        assert words in README
    with (
        running(tmp_path, "sandbox", "--port", "0", says=r"FHIR sandbox at (\S+)") as server,
        running(
            tmp_path, "serve", "--server", server, "--port", "0", says=r"gateway at (\S+) sends"
        ) as url,
    ):
        page = browser.new_context().new_page()
        page.goto(f"{url}/")
        page.get_by_role("link", name="Tables").click()
        page.get_by_label("A file of this computer").set_input_files(
            {"name": "weekly.csv", "mimeType": "text/csv", "buffer": TABLE.encode()}
        )
        page.get_by_role("button", name="Begin a mapping from the header").click()
        expect(page.locator("#result li.bad").first).to_contain_text("Next: Write what the line")
        mapping = page.get_by_label("What each column means")
        mapping.fill(written(mapping.input_value()))
        expect(page.get_by_role("status")).to_have_text("2 good, 1 rejected.")
        expect(page.locator("#result li.bad")).to_contain_text("table.csv:4")
        table = page.get_by_label("or its text, with the header")
        table.fill(table.input_value().replace(";x;", ";3;"))
        expect(page.get_by_role("status")).to_have_text("3 good, 0 rejected.")
        expect(page.get_by_text("Valid against R4")).to_have_count(3)
        page.get_by_role("button", name="Send 3 to the server").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Messages")
        page.get_by_role("link", name="Flow").click()
        expect(page.get_by_role("status")).to_contain_text("3 sent, 0 need a person")
        page.context.close()
        with FhirClient(server) as client:
            held = [entry["resource"] for entry in client.search("Observation")]
    values = sorted(float(one["valueQuantity"]["value"]) for one in held)
    assert values == [3.0, 4.5, 7.0]
