"""The files for compose and Kubernetes: what their schemas say, and that they fit each other and the program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from tasksync.config import Config, load_config
from tasksync.errors import ConfigError, ExitCode

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
CONFIGS = {"compose": DEPLOY / "container/config.yaml", "kubernetes": KUBERNETES / "base/config.yaml"}
MANIFESTS = sorted(
    file for file in KUBERNETES.rglob("*.yaml") if file.name not in {"kustomization.yaml", CONFIGS["kubernetes"].name}
)
OVERLAYS = {"sidecar": "deployment.yaml", "once": "cronjob.yaml"}
# The first one whose native sidecars need no switch, and the newest that the package knows.
VERSIONS = ("1.29", kubernetes_validate.latest_version().removesuffix(".0"))
MIRROR_FOLDER = "/var/lib/tasksync"


def read(file: Path) -> Any:
    return YAML(typ="safe", pure=True).load(file)


def named(file: Path) -> str:
    return str(file.relative_to(KUBERNETES))


def pod_of(overlay: str) -> dict[str, Any]:
    manifest = read(KUBERNETES / overlay / OVERLAYS[overlay])
    job = manifest["spec"].get("jobTemplate", manifest)
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def containers(pod: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from pod.get("initContainers", ())
    yield from pod["containers"]


def tasksync_in(pod: Mapping[str, Any]) -> dict[str, Any]:
    (found,) = (container for container in containers(pod) if container["name"] == "tasksync")
    return found


def volume(pod: Mapping[str, Any], name: str) -> dict[str, Any]:
    (found,) = (volume for volume in pod["volumes"] if volume["name"] == name)
    return dict(found)


def load(file: Path, secrets: Path, names: set[str]) -> Config:
    """The config as a container has it that finds these secrets."""
    for name in names:
        (secrets / name).write_text("a-secret-of-some-length\n", encoding="utf-8")
    return load_config(file, {}, container=secrets)


def compose() -> dict[str, Any]:
    found: dict[str, Any] = read(DEPLOY / "compose.yaml")
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", MANIFESTS, ids=named)
def test_kubernetes_takes_it(file: Path, version: str) -> None:
    """Every manifest is what the published schema of its kind wants, without unknown keys."""
    assert kubernetes_validate.validate(read(file), version, strict=True) == version


def test_the_schema_is_strict() -> None:
    """A key that is misspelled deep in a pod would be noticed."""
    manifest = read(KUBERNETES / "sidecar/deployment.yaml")
    manifest["spec"]["template"]["spec"]["initContainers"][0]["securityContext"]["runAsNonroot"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="runAsNonroot"):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomization_has_everything(overlay: str) -> None:
    """Each file of an overlay is listed, each listed one is there, and each image has its name and version set."""
    folder = KUBERNETES / overlay
    kustomization = read(folder / "kustomization.yaml")
    assert set(kustomization) == {"apiVersion", "kind", "resources", "images"}
    listed = set(kustomization["resources"])
    assert listed == {file.name for file in folder.iterdir()} - {"kustomization.yaml"} | {"../base"}
    assert {image["name"] for image in kustomization["images"]} == {one["image"] for one in containers(pod_of(overlay))}


def test_base_generates_the_config() -> None:
    """The ConfigMap that the pods mount is made of the configuration that is tested here, under the name that
    TASKSYNC_CONFIG has in the image.
    """
    kustomization = read(KUBERNETES / "base/kustomization.yaml")
    assert kustomization["resources"] == ["mirror.yaml"]
    (generated,) = kustomization["configMapGenerator"]
    assert generated == {"name": "tasksync", "files": [CONFIGS["kubernetes"].name]}
    (variable,) = (line for line in containerfile() if line.startswith("TASKSYNC_CONFIG="))
    assert variable == f"TASKSYNC_CONFIG=/etc/tasksync/{CONFIGS['kubernetes'].name}"


def containerfile() -> list[str]:
    text = (DEPLOY / "container/Containerfile").read_text(encoding="utf-8")
    return [line.strip().removesuffix("\\").strip() for line in text.splitlines()]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_restricted(overlay: str) -> None:
    """Each pod keeps to the profile "restricted" of the Pod Security Standards, and beyond it has a read-only root."""
    pod = pod_of(overlay)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} <= {
        "configMap", "emptyDir", "persistentVolumeClaim", "secret",
    }  # fmt: skip
    for container in containers(pod):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not context.keys() & {"privileged", "procMount"}
        assert context.get("runAsUser") != 0
        assert all("hostPort" not in port for port in container.get("ports", ()))
        assert container["resources"]["limits"].keys() >= {"memory"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_volumes_are_where_the_program_looks(overlay: str, tmp_path: Path) -> None:
    """Mirror, configuration, secrets and /tmp are mounted, and nothing but the mirror and /tmp can be written."""
    pod = pod_of(overlay)
    container = tasksync_in(pod)
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {"/etc/tasksync", "/run/secrets", MIRROR_FOLDER, "/tmp"}  # noqa: S108 -- the container's
    assert {path for path, mount in mounts.items() if not mount.get("readOnly")} == {MIRROR_FOLDER, "/tmp"}  # noqa: S108
    claim = volume(pod, mounts[MIRROR_FOLDER]["name"])["persistentVolumeClaim"]["claimName"]
    assert claim == read(KUBERNETES / "base/mirror.yaml")["metadata"]["name"]
    assert volume(pod, mounts["/etc/tasksync"]["name"])["configMap"] == {"name": "tasksync"}
    secret = volume(pod, mounts["/run/secrets"]["name"])["secret"]
    assert secret["defaultMode"] == 0o440
    assert pod["securityContext"]["fsGroup"] == container["securityContext"]["runAsGroup"]
    names = {item["path"] for item in secret["items"] if item["path"] == item["key"]}
    assert len(names) == len(secret["items"])
    each_is_needed(CONFIGS["kubernetes"], tmp_path, names)


def each_is_needed(file: Path, folder: Path, names: set[str]) -> None:
    """The configuration loads with these secrets, and with none less."""
    config = load(file, folder, names)
    assert (config.warnings, config.database) == ((), f"{MIRROR_FOLDER}/tasksync.db")
    assert len(config.connections) == 3
    for name in sorted(names):
        (folder / name).unlink()
        with pytest.raises(ConfigError):
            load(file, folder, set())
        load(file, folder, {name})


def test_sidecar_is_native() -> None:
    """The program starts before the application and stops after it, and there is never a second one on the mirror."""
    manifest = read(KUBERNETES / "sidecar/deployment.yaml")
    assert manifest["spec"]["replicas"] == 1
    assert manifest["spec"]["strategy"] == {"type": "Recreate"}
    assert [one["name"] for one in pod_of("sidecar")["initContainers"]] == ["tasksync"]
    assert tasksync_in(pod_of("sidecar"))["restartPolicy"] == "Always"
    assert "args" not in tasksync_in(pod_of("sidecar")), "the image's own command is the daemon"
    assert read(KUBERNETES / "base/mirror.yaml")["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_probes_ask_what_answers(tmp_path: Path) -> None:
    """Start and life are asked for at the port that the configuration opens to the kubelet, where no token is needed;
    readiness is not, as it would be the application's.
    """
    container = tasksync_in(pod_of("sidecar"))
    probes = {key: probe["httpGet"] for key, probe in container.items() if key.endswith("Probe")}
    assert probes == {name: {"path": "/healthz", "port": "tasksync"} for name in ("startupProbe", "livenessProbe")}
    config = load(CONFIGS["kubernetes"], tmp_path, {"office.token", "capsule.token", "advisers.token", "http.token"})
    assert config.http is not None
    assert container["ports"] == [{"name": "tasksync", "containerPort": config.http.listen.port}]
    assert not config.http.listen.loopback


def test_time_to_stop(tmp_path: Path) -> None:
    """Whoever stops tasksync waits longer than it may take."""
    config = load(CONFIGS["kubernetes"], tmp_path, {"office.token", "capsule.token", "advisers.token", "http.token"})
    grace = config.sync.shutdown_grace
    assert all(timedelta(seconds=pod_of(one)["terminationGracePeriodSeconds"]) > grace for one in OVERLAYS)
    service = compose()["services"]["tasksync"]
    assert timedelta(seconds=int(service["stop_grace_period"].removesuffix("s"))) > grace
    assert load(CONFIGS["compose"], tmp_path, set()).sync.shutdown_grace == grace


def test_jobs_end_as_the_exit_codes_say() -> None:
    """No two run at once, and what trying again does not help is not tried again: all exit codes but 1."""
    spec = read(KUBERNETES / "once/cronjob.yaml")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert tasksync_in(pod_of("once"))["args"] == ["sync", "--once"]
    assert pod_of("once")["restartPolicy"] == "Never", "podFailurePolicy is refused otherwise"
    rule = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]
    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["containerName"] == "tasksync"
    assert set(rule["onExitCodes"]["values"]) == set(ExitCode) - {ExitCode.IN_STEP, ExitCode.RETRY}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_network_policies_select_the_pods(overlay: str) -> None:
    """Each policy is for the pods of its overlay, by labels that they have, and for both directions."""
    manifest = read(KUBERNETES / overlay / OVERLAYS[overlay])
    template = manifest["spec"].get("jobTemplate", manifest)["spec"]["template"]
    policy = read(KUBERNETES / overlay / "networkpolicy.yaml")["spec"]
    assert policy["podSelector"]["matchLabels"] == template["metadata"]["labels"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    open_ports = {port["port"] for rule in policy.get("ingress", ()) for port in rule["ports"]}
    own_ports = {port["name"] for one in containers(template["spec"]) for port in one.get("ports", ())}
    assert open_ports == own_ports


def test_compose_takes_it() -> None:
    """compose.yaml is what the published Compose Specification wants."""
    schema = json.loads(files("check_jsonschema.builtin_schemas.vendor").joinpath("compose-spec.json").read_bytes())
    jsonschema.validate(compose(), schema)
    with pytest.raises(jsonschema.ValidationError, match="read_olny"):
        jsonschema.validate({"services": {"one": {"image": "x", "read_olny": True}}}, schema)


def test_compose_is_locked_down() -> None:
    """Not root, nothing to write to but the mirror and /tmp, no capability and no way to get one."""
    service = compose()["services"]["tasksync"]
    assert service["user"] == "65532:65532"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [one["target"] for one in service["volumes"]] == [MIRROR_FOLDER]
    assert not service.keys() & {"ports", "privileged", "cap_add", "network_mode", "environment"}


def test_compose_fits_the_image(tmp_path: Path) -> None:
    """Its files are there, its health check is the image's, its configuration loads with its secrets and with none
    less, and is the one of Kubernetes but for `http`.
    """
    service = compose()["services"]["tasksync"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert DEPLOY / compose()["configs"]["tasksync"]["file"] == CONFIGS["compose"]
    assert set(service["secrets"]) == set(compose()["secrets"])
    check = service["healthcheck"]["test"]
    assert f"CMD {json.dumps(check[1:])}" in containerfile()
    each_is_needed(CONFIGS["compose"], tmp_path, set(service["secrets"]))
    one, other = (read(file) for file in CONFIGS.values())
    assert one.pop("http") != other.pop("http")
    assert one == other
