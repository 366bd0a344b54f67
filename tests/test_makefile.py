"""The Makefile: what a newcomer finds in it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_help_lists_what_everybody_needs_each_with_a_line_of_purpose() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    purposes = {name: purpose.strip() for _, name, purpose in (line.split(None, 2) for line in listed.splitlines())}
    assert purposes.keys() >= {"install", "demo", "run", "test", "lint", "format", "bench", "clean"}
    assert all(purposes.values())
