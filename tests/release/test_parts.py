"""The list of parts: made up ones, and that of the environment the tests run in."""

import json
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.release.parts import Parts, faults, found_in, listed, needed, pins

ROOT = Path(__file__).parents[2]
EPOCH = 1_770_000_000
ALWAYS = {"aiohttp": ["yarl"], "callfire-batch-watcher": ["aiohttp"], "yarl": []}
WHOLE = {
    "aiohttp": ["yarl"],
    "apprise": [],
    "callfire-batch-watcher": ["aiohttp", "apprise"],
    "yarl": [],
}
VERSIONS = {"aiohttp": "3.14.5", "yarl": "1.25.1", "apprise": "2.3.0"}
PINNED = {name: {version, "0"} for name, version in VERSIONS.items()}


def part(name: str, version: str) -> dict[str, Any]:
    return {
        "bom-ref": f"{name}=={version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "type": "library",
    }


def found() -> Parts:
    """As the tool lists an environment: what only builds lies there too."""
    components = [part(name, version) for name, version in {"hatchling": "1.33.0", **VERSIONS}.items()]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": "2026-02-02T02:40:00+00:00",
            "component": {"bom-ref": "root-component", "name": "callfire-batch-watcher", "type": "application"},
        },
        "components": components,
        "dependencies": [{"ref": "apprise==2.3.0", "dependsOn": ["hatchling==1.33.0"]}],
    }


def text(parts: Parts | None = None) -> str:
    return listed(parts or found(), "1.2.3", ALWAYS, WHOLE, {"it.whl": "0" * 64})


def test_what_is_needed_is_listed_with_who_needs_it_and_what_only_builds_is_not() -> None:
    read = json.loads(text())
    assert {each["name"]: each["scope"] for each in read["components"]} == {
        "aiohttp": "required",
        "yarl": "required",
        "apprise": "optional",
    }
    assert read["dependencies"] == [
        {"ref": "aiohttp==3.14.5", "dependsOn": ["yarl==1.25.1"]},
        {"ref": "apprise==2.3.0", "dependsOn": []},
        {"ref": "root-component", "dependsOn": ["aiohttp==3.14.5", "apprise==2.3.0"]},
        {"ref": "yarl==1.25.1", "dependsOn": []},
    ]
    assert read["metadata"]["component"] == {
        "bom-ref": "root-component",
        "name": "callfire-batch-watcher",
        "type": "application",
        "version": "1.2.3",
        "purl": "pkg:pypi/callfire-batch-watcher@1.2.3",
        "externalReferences": [
            {"type": "distribution", "url": "it.whl", "hashes": [{"alg": "SHA-256", "content": "0" * 64}]}
        ],
    }
    assert faults(text(), "1.2.3", PINNED) == []


def test_the_same_parts_are_listed_the_same_and_others_under_another_number() -> None:
    assert text({**found(), "components": found()["components"][::-1]}) == text()
    newer = [*found()["components"][:-1], part("apprise", "2.4.0")]
    other = json.loads(text({**found(), "components": newer}))
    assert other["serialNumber"] != json.loads(text())["serialNumber"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"type": "application"', '"type": "programme"', "it is none as CycloneDX 1.6 has it"),
        ('"components"', '"compounds"', "it is none as CycloneDX 1.6 has it"),
        ('"version": "1.2.3"', '"version": "1.2.4"', "its root is callfire-batch-watcher 1.2.4"),
        ('"version": "2.3.0"', '"version": "2.4.0"', "apprise 2.4.0 is not what is pinned"),
        ('"url": "it.whl"', '"url": "file:///root/it.whl"', "it holds a folder of a user: /root/it.whl"),
    ],
)
def test_what_is_wrong_with_a_list_of_parts_is_said(old: str, new: str, said: str) -> None:
    assert old in text()
    assert any(said in each for each in faults(text().replace(old, new), "1.2.3", PINNED))


def test_an_environment_is_listed_as_the_packages_in_it_say(tmp_path: Path) -> None:
    """What another extra would want is there by chance, and is none of ours."""
    venv.create(tmp_path, with_pip=False)
    (site,) = tmp_path.glob("lib/python3.*/site-packages")
    for name, version, says in (
        (
            "callfire-batch-watcher",
            "1.2.3",
            ["aiohttp", "nowhere; sys_platform == 'none'", "apprise; extra == 'notify'"],
        ),
        ("aiohttp", "3.14.5", ["Yarl[fast]>=1"]),
        ("yarl", "1.25.1", ["multidict; extra == 'fast'", "hatchling; extra == 'dev'"]),
        ("multidict", "6", ["aiohttp"]),
        ("apprise", "2.3.0", []),
        ("hatchling", "1.33.0", []),
    ):
        about = site / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir()
        needs = "".join(f"Requires-Dist: {each}\n" for each in says)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
    always, whole = needed(site), needed(site, ["notify"])
    assert always == {
        "aiohttp": ["yarl"],
        "callfire-batch-watcher": ["aiohttp"],
        "multidict": ["aiohttp"],
        "yarl": ["multidict"],
    }
    assert whole == {**always, "apprise": [], "callfire-batch-watcher": ["aiohttp", "apprise"]}
    parts = found_in(tmp_path / "bin" / "python", ROOT, EPOCH)
    told = listed(parts, "1.2.3", always, whole, {"it.whl": "0" * 64})
    assert faults(told, "1.2.3", {**PINNED, "multidict": {"6"}}) == []
    read = json.loads(told)
    assert [each["name"] for each in read["components"]] == ["aiohttp", "apprise", "multidict", "yarl"]
    assert read["metadata"]["timestamp"] == "2026-02-02T02:40:00+00:00"


def test_pins_are_read_with_their_markers_and_hashes() -> None:
    lines = "Foo_bar==1.0 ; python_version < '3.12' \\\n    --hash=sha256:00\nfoo-bar==2 ; python_version >= '3.12'\nbaz==3\n"
    assert pins(lines) == {"foo-bar": {"1.0", "2"}, "baz": {"3"}}


def test_all_that_is_pinned_is_pinned_alike() -> None:
    """What is tried with the extras, and in the tests, is what is installed without."""
    plain, extras, dev = (
        pins((ROOT / f"requirements{each}.txt").read_text(encoding="utf-8")) for each in ("", "-extras", "-dev")
    )
    assert plain.items() <= extras.items()
    assert {name: dev[name] for name in extras.keys() & dev.keys()}.items() <= extras.items()
    assert {"apprise", "opentelemetry-sdk"} <= extras.keys() - plain.keys()
