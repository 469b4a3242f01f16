"""The generated reference pages say what the code says."""

from __future__ import annotations

import subprocess
import sys


def test_the_reference_pages_are_up_to_date() -> None:
    # A process of its own: other tests declare messages that the package does not have.
    command = [sys.executable, "-m", "docs.generate", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
