"""The page's pure modules, tried without a browser: by node's test runner."""

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def test_the_tests_of_the_modules_pass() -> None:
    files = sorted(HERE.glob("*.test.js"))
    ended = subprocess.run(
        ["node", "--test", "--test-reporter=tap", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout[-10_000:] + ended.stderr[-2_000:]
    counted = {name: int(number) for name, number in re.findall(r"^# (\w+) (\d+)$", ended.stdout, re.MULTILINE)}
    assert counted["pass"] == counted["tests"] >= len(files) > 0
