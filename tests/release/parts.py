"""The list of parts (SBOM, CycloneDX) of what a release installs: of an environment that has it, cut to what it needs."""

import json
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence, Set
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from tests.release.archives import leaked
from tests.release.commands import ran

NAME: Final = "callfire-batch-watcher"
SPEC: Final = SchemaVersion.V1_6
ROOT: Final = "root-component"
"""What the tool calls our own part."""

Parts = Mapping[str, Any]
"""A list of parts as its JSON is read."""
Pins = Mapping[str, Set[str]]
"""Packages, each with the versions that may be installed."""
Needs = Mapping[str, Sequence[str]]
"""Packages, each with those that it needs, by their names."""


def found_in(python: Path, source: Path, epoch: int) -> Parts:
    """All that is installed beside that interpreter, as cyclonedx-py lists it."""
    tool = [sys.executable, "-m", "cyclonedx_py", "environment", "--spec-version", SPEC.to_version(), "--of", "JSON"]
    words: list[str | Path] = [
        "--output-reproducible",
        "--pyproject",
        source / "pyproject.toml",
        "--output-file",
        "-",
        python,
    ]
    read: Parts = json.loads(ran([*tool, *words], source, {"SOURCE_DATE_EPOCH": str(epoch)}))
    return read


def needed(site: Path, extras: Iterable[str] = ()) -> Needs:
    """What of all that is installed there the program needs, with those extras, and what each of these needs itself. By what the
    packages say of themselves: the tool takes what any extra would want for needed, as soon as it happens to be there."""
    there = {normal(each.name): each for each in distributions(path=[str(site)])}
    found: dict[str, set[str]] = {}
    left, asked = [(NAME, frozenset(extras))], set[tuple[str, frozenset[str]]]()
    while left:
        name, wanted = each = left.pop()
        if each not in asked:
            asked.add(each)
            needs = found.setdefault(name, set())
            for need in map(Requirement, there[name].requires or ()):
                if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *wanted)):
                    needs.add(normal(need.name))
                    left.append((normal(need.name), frozenset(need.extras)))
    return {name: sorted(needs) for name, needs in sorted(found.items())}


def listed(parts: Parts, version: str, always: Needs, whole: Needs, hashes: Mapping[str, str]) -> str:
    """The list for a release, as text: what is needed always, and what only by an extra, is told apart by `scope`; what else lay
    there is left out. `hashes` are those of the files of the release. The same parts give the same text: also its serial number
    is made of them."""
    refs = {normal(each["name"]): each["bom-ref"] for each in parts["components"]} | {NAME: ROOT}
    components = [
        each | {"scope": "required" if normal(each["name"]) in always else "optional"}
        for each in sorted(parts["components"], key=lambda each: str(each["purl"]))
        if normal(each["name"]) in whole
    ]
    own = parts["metadata"]["component"] | {
        "version": version,
        "purl": f"pkg:pypi/{NAME}@{version}",
        "externalReferences": [
            {"type": "distribution", "url": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for name, digest in sorted(hashes.items())
        ],
    }
    told = {
        **parts,
        "metadata": parts["metadata"] | {"component": own},
        "components": components,
        "dependencies": [
            {"ref": refs[name], "dependsOn": [refs[each] for each in needs]} for name, needs in whole.items()
        ],
    }
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(told, sort_keys=True))
    return json.dumps(told | {"serialNumber": number.urn}, indent=2, sort_keys=True) + "\n"


def faults(text: str, version: str, pinned: Pins) -> Sequence[str]:
    """What is wrong with a list of parts: against its schema, about our own part, and beside the versions that are pinned."""
    broken = JsonStrictValidator(SPEC).validate_str(text)
    if broken is not None:
        return [f"it is none as CycloneDX {SPEC.to_version()} has it: {broken}"]
    read = json.loads(text)
    own = read["metadata"]["component"]
    wrong = [
        f"{each['name']} {each['version']} is not what is pinned"
        for each in read["components"]
        if each["version"] not in pinned.get(normal(each["name"]), ())
    ]
    if (own["name"], own.get("version")) != (NAME, version):
        wrong.append(f"its root is {own['name']} {own.get('version')}, not {NAME} {version}")
    return [*wrong, *(f"it holds {each}" for each in leaked(text.encode()))]


def pins(requirements: str) -> Pins:
    """Each package's versions, by its name, as a file of pinned requirements says them: several where it goes by the Python."""
    found: dict[str, set[str]] = {}
    for line in requirements.splitlines():
        if line[:1].isalnum():
            name, _, version = line.split(";")[0].rstrip(" \\").partition("==")
            found.setdefault(normal(name), set()).add(version)
    return found


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")
