"""deploy/releasing.md says what is so."""

import json
import re
import subprocess
from pathlib import Path

from tests.release.archives import DISTRIBUTION
from tests.release.building import SUMS, files
from tests.release.parts import pins

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "deploy" / "releasing.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)


def test_it_says_what_each_file_of_a_release_is() -> None:
    told = re.findall(r"^\| `([^`]+)` \|", TEXT, flags=re.MULTILINE)
    assert sorted(told) == sorted([*files("VERSION"), f"{DISTRIBUTION}-VERSION.cdx.json", SUMS])


def test_what_builds_is_pinned() -> None:
    assert any("-m hatchling build" in block for block in BLOCKS)
    assert "hatchling" in pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))


def test_what_prints_the_parts_prints_them(tmp_path: Path) -> None:
    parts = {"components": [{"purl": "pkg:pypi/yarl@1.25.1", "scope": "required"}]}
    (block,) = (each for each in BLOCKS if "purl" in each)
    (tmp_path / block.split()[-1]).write_text(json.dumps(parts))
    said = subprocess.run(["bash", "-c", block], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said == "pkg:pypi/yarl@1.25.1 required\n"
