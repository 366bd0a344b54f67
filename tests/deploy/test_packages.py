"""The image, the compose file, the systemd unit: checked by what reads them, and by the daemon whose settings they are."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from typing import Any, Final

import pytest
import typer
import yaml
from compose_spec import PyCompose
from typer.core import TyperGroup

from watcher.cli.program import program
from watcher.settings import Settings, load

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
SECRETS: Final = {
    "callfire-password": "secret",
    "api-token": "T" * 43,
    "database-password": "secret",
    "database-key": "A" * 43 + "=",
    "webhook-secret": "whsec_" + "A" * 44,
}
"""What each secret that packages name may hold."""
EXPOSURE: Final = 20
"""Tenths: what systemd itself counts as well confined begins here."""


def dockerfile() -> Iterator[tuple[str, str]]:
    """Its instructions, each with what it says."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def copied() -> list[str]:
    """What is copied into the image from the project."""
    said = [rest.split() for word, rest in dockerfile() if word == "COPY" and not rest.startswith("--from")]
    return [source for sources in said for source in sources[:-1]]


def compose(**environ: str) -> Any:
    """The compose file, with the variables that somebody set, and else their defaults."""
    text = (DEPLOY / "compose.yaml").read_text()
    return yaml.safe_load(re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: environ.get(found[1], found[2]), text))


def command(arguments: Sequence[str]) -> None:
    """Fails where the program does not understand them. Nothing is run."""
    found: Any = typer.main.get_command(program)
    while isinstance(found, TyperGroup):
        name, *arguments = arguments
        found = found.commands[name]
    found.make_context(found.name, list(arguments))


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder with every secret, as only the daemon's user can read it."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name, value in SECRETS.items():
        (folder / name).write_text(value + "\n")
        (folder / name).chmod(0o400)
    return folder


def told(environ: Mapping[str, str], secrets: Path, place: str) -> Settings:
    """The settings that the daemon would have, with the secrets that it finds at that place."""
    return load(None, {name: value.replace(place, str(secrets)) for name, value in environ.items()})


def test_the_image_has_no_fault_that_is_known() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--no-color", DEPLOY / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_the_image_is_built_from_what_is_let_through_and_holds_all_of_the_daemon(tmp_path: Path) -> None:
    """The files that the Dockerfile copies are enough to build the program, and .dockerignore leaves none of them out."""
    source, out = tmp_path / "source", tmp_path / "out"
    (source / "config").mkdir(parents=True)
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(each.rstrip("/") for each in copied()) == sorted(let_through)
    for each in let_through:
        if (ROOT / each).is_dir():
            copytree(ROOT / each, source / each, ignore=ignore_patterns("__pycache__"))
        else:
            copy(ROOT / each, source / each)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (wheel,) = out.iterdir()
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if not fnmatch(name, "*.dist-info/*")}
    files = {str(file.relative_to(source)) for file in (source / "watcher").rglob("*") if file.is_file()}
    assert packed == files | {"watcher/cli/demo/demo.toml"}


def test_the_image_runs_the_daemon_without_a_shell_and_without_rights() -> None:
    said = dict(dockerfile())
    assert (said["USER"], said["ENTRYPOINT"], said["CMD"]) == ("65532:65532", '["watcher"]', '["run"]')
    assert said["FROM"].endswith(":nonroot")
    check = re.search(r"CMD (\[.*\])", said["HEALTHCHECK"])
    assert check is not None
    words = yaml.safe_load(check[1])
    assert words[0] == "watcher"
    command(words[1:])


def test_the_image_refuses_to_serve_others_without_a_token(secrets: Path) -> None:
    environ = dict(pair.split("=", 1) for pair in dict(dockerfile())["ENV"].split())
    ours = {name: value for name, value in environ.items() if name.startswith("WATCHER_")}
    login = {"CALLFIRE_LOGIN": "login", "CALLFIRE_PASSWORD": "secret"}
    with pytest.raises(Exception, match=r"http\.(listen|token)"):
        load(None, ours | login)
    settings = load(None, ours | login | {"WATCHER_API_TOKEN_FILE": str(secrets / "api-token")})
    assert (str(settings.database.path), settings.http.listen.port) == ("/var/lib/watcher/watcher.db", 8080)


def test_the_compose_file_is_one_and_all_that_it_names_is_there() -> None:
    composed = compose()
    assert set(PyCompose.from_yaml(yaml.safe_dump(composed)).services or {}) == set(composed["services"])
    names = set(composed["services"])
    for service in composed["services"].values():
        assert set(service.get("depends_on", ())) <= names
        assert set(service.get("secrets", ())) <= set(composed["secrets"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith("./") else source in composed["volumes"]
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")
        if "build" in service:
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert {each["file"] for each in composed["secrets"].values()} == {
        f"secrets/{name}" for name in composed["secrets"]
    }
    assert {"/deploy/secrets/", "/deploy/watcher.env"} <= set((ROOT / ".gitignore").read_text().split())


@pytest.mark.parametrize(
    ("profile", "daemon", "warned"),
    [("callfire", "watcher", []), ("simulator", "watcher-simulated", ["CALLFIRE_BASE_URL"])],
)
def test_each_profile_has_one_daemon_that_understands_its_settings(
    profile: str, daemon: str, warned: list[str], secrets: Path
) -> None:
    """The simulator is not asked over TLS, which is worth a warning where it is no simulator."""
    services = compose(CALLFIRE_LOGIN="login")["services"]
    there = {name: each for name, each in services.items() if profile in each.get("profiles", [profile])}
    assert {name for name, each in there.items() if "build" in each} == {daemon}
    environ = {**there[daemon]["environment"], "WATCHER_LISTEN": "0.0.0.0:8080"}
    settings = told(environ, secrets, "/run/secrets")
    assert [re.sub(r"environment variable (\w+):.*", r"\1", each) for each in settings.warnings] == warned
    assert settings.database.place == "postgresql://watcher@database/watcher"
    files = {value for name, value in environ.items() if name.endswith("_FILE")}
    assert {f"/run/secrets/{each}" for each in there[daemon]["secrets"]} == files


def test_the_simulator_is_where_the_daemon_asks_it() -> None:
    services = compose()["services"]
    command(services["simulator"]["command"])
    options = services["simulator"]["command"]
    port = options[options.index("--port") + 1]
    assert services["watcher-simulated"]["environment"]["CALLFIRE_BASE_URL"] == f"http://simulator:{port}/v2"


def test_prometheus_asks_the_daemon_by_its_name_and_has_the_rules() -> None:
    file = DEPLOY / "compose" / "prometheus.yml"
    read = yaml.safe_load(file.read_text())
    (job,) = read["scrape_configs"]
    assert (job["job_name"], job["static_configs"]) == ("watcher", [{"targets": ["watcher:8080"]}])
    assert job["authorization"]["credentials_file"] == "/run/secrets/metrics-token"
    assert all((file.parent / each).is_file() for each in read["rule_files"])
    (alerting,) = read["alerting"]["alertmanagers"]
    assert [each["names"] for each in alerting["dns_sd_configs"]] == [["alertmanager"]]
    assert compose()["services"]["alertmanager"]["profiles"] == ["alerts"]
    inside = {volume.split(":")[0]: volume.split(":")[1] for volume in compose()["services"]["prometheus"]["volumes"]}
    assert (inside["./compose"], inside["./prometheus"]) == ("/etc/prometheus/compose", "/etc/prometheus/prometheus")
    subprocess.run(["promtool", "check", "config", "--syntax-only", file], check=True, capture_output=True)


def test_grafana_has_the_dashboards_where_it_looks_for_them_and_asks_this_prometheus() -> None:
    services, provisioning = compose()["services"], DEPLOY / "grafana" / "provisioning"
    inside = {volume.split(":")[0]: volume.split(":")[1] for volume in services["grafana"]["volumes"]}
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "watcher.yml").read_text())["providers"]
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert inside["./grafana"] == provider["options"]["path"]
    assert inside["./grafana/provisioning"] == "/etc/grafana/provisioning"
    assert source["url"] == f"http://prometheus:{services['prometheus']['ports'][0].rpartition(':')[2]}"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with its drop-in, and those of the backup beside it, where the program that they start is there."""
    copytree(DEPLOY / "systemd", tmp_path / "units")
    for copied in (tmp_path / "units").glob("*.service"):
        copied.write_text(copied.read_text().replace("/opt/watcher/bin/watcher", sys.executable))
    return tmp_path / "units" / "watcher.service"


def test_systemd_understands_the_units_and_the_drop_in(unit: Path) -> None:
    units = [unit, *(unit.with_name(f"watcher-backup.{kind}") for kind in ("service", "timer"))]
    run = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_the_nightly_backup_is_one_that_can_be_given_each_week(tmp_path: Path) -> None:
    """What the unit has a shell do, with a database and a folder of the test; the second time a file is there already."""
    (start,) = re.findall(
        r"^ExecStart=/bin/sh -c '(.*)'$", (DEPLOY / "systemd" / "watcher-backup.service").read_text(), re.MULTILINE
    )
    script = start.replace("%%", "%").replace("/var/backups/watcher", str(tmp_path))
    script = script.replace("/opt/watcher/bin/watcher", f"{sys.executable} -m watcher")
    environ = {**os.environ, "WATCHER_DATABASE_URL": f"sqlite:///{tmp_path / 'watcher.db'}", "PYTHONPATH": str(ROOT)}
    login = {"CALLFIRE_LOGIN": "login", "CALLFIRE_PASSWORD": "secret"}
    for command in (f"{sys.executable} -m watcher db migrate", script, script):
        subprocess.run(["sh", "-c", command], env=environ | login, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert [file.stat().st_mode & 0o777 for file in tmp_path.glob("[1-7].db")] == [0o600]


def test_systemd_counts_the_unit_as_well_confined(unit: Path) -> None:
    run = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("more", [(), ("watcher.service.d/credentials.conf",)])
def test_the_unit_tells_the_daemon_what_it_understands(more: tuple[str, ...], secrets: Path) -> None:
    lines = "\n".join((DEPLOY / "systemd" / each).read_text() for each in ("watcher.service", *more)).splitlines()
    environ = dict(line.removeprefix("Environment=").split("=", 1) for line in lines if line.startswith("Environment="))
    ours = {name: value for name, value in environ.items() if name.startswith(("WATCHER_", "CALLFIRE_"))}
    assert told(ours | {"CALLFIRE_LOGIN": "login"}, secrets, "%d").warnings == ()
    loaded = {line.split("=")[1].split(":")[0] for line in lines if line.startswith("LoadCredential=")}
    assert loaded == {value.removeprefix("%d/") for value in environ.values() if value.startswith("%d/")}
    (start,) = (line.split()[1:] for line in lines if line.startswith("ExecStart="))
    command(start)


def test_what_the_document_has_the_image_make_it_can_make() -> None:
    """In the block that makes the secrets the image's program is called by another name."""
    commands = re.findall(r"\bmade ((?:token|db) [^>|&]+)", (DEPLOY / "README.md").read_text())
    assert len(commands) == 3
    for each in commands:
        command(each.split())
