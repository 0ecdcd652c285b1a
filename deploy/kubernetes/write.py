"""Write `base/` and `kafka/` from the node's own declaration: each service a Deployment of its own.

`python deploy/kubernetes/write.py` (part of `make docs`). What stands there is what the code says; a test compares.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from creditmesh.chassis.database.roles import RELAY
from creditmesh.node.declaration import NODE
from creditmesh.node.running import GATEWAY

HERE = Path(__file__).parent
PORT, OPERATOR_PORT = 8080, 8081
USER = 10001
IMAGE = "creditmesh:0.1.0"
STATE = "/var/lib/creditmesh"
SERVICES = [service.name for service in NODE.services]
_MEMORY = {"ingestion": "2Gi"}
"""It reads workbooks by a process with 1 GiB of its own: a group that is full is ended whole."""
NOTE = "# Written by deploy/kubernetes/write.py. Change it there, or in an overlay.\n"
SHARE = """\
umask 077
mkdir -p secrets/keys secrets/roles
for file in /given/*; do
  case $file in
    *.key | *.pub) place=secrets/keys ;;
    */operator) place=secrets ;;
    *) place=secrets/roles ;;
  esac
  cp "$file" "$place/"
done
"""
"""A Secret's files belong to root and are open to a group; a process takes its keys from files of its own alone."""


def settings() -> Mapping[str, str]:
    """What all processes of a node have in common. An overlay says whose node it is, and where its database is."""
    addresses = {name: f"http://creditmesh-{name}:{PORT}" for name in SERVICES if name != GATEWAY}
    return {
        "CREDITMESH_NODE": "city",
        "CREDITMESH_TIER": "city",
        "CREDITMESH_PARTS": "24",
        "CREDITMESH_DATABASE": "postgresql://creditmesh-postgres-rw:5432/city?sslmode=require",
        "CREDITMESH_HOST": "0.0.0.0",  # noqa: S104 - within a pod; network policies say who reaches it
        "CREDITMESH_OPERATOR_HOST": "0.0.0.0",  # noqa: S104 - the same; it asks for the operator's secret
        "CREDITMESH_PORT": str(PORT),
        "CREDITMESH_OPERATOR_PORT": str(OPERATOR_PORT),
        "CREDITMESH_STATE": STATE,
        "CREDITMESH_TRUSTED_PROXIES": "[]",
        "CREDITMESH_SERVICES": json.dumps(addresses),
    }


def labels(name: str) -> dict[str, str]:
    """What selects the pods of a process."""
    return {"app.kubernetes.io/name": "creditmesh", "app.kubernetes.io/component": name}


def made(api: str, kind: str, name: str, **body: Any) -> dict[str, Any]:
    """An object of that name, labelled as what it is of."""
    about = {"name": name, "labels": labels(name.removeprefix("creditmesh-"))}
    return {"apiVersion": api, "kind": kind, "metadata": about, **body}


def _confined(**more: Any) -> dict[str, Any]:
    return {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}} | more


def pod(name: str, words: Sequence[str], **more: Any) -> dict[str, Any]:
    """The pod of a process that stays: it is started once its share of the secrets stands in memory."""
    live = {"httpGet": {"path": "/health/live", "port": "operator"}}
    ready = {"httpGet": {"path": "/health/ready", "port": "operator"}}
    state = [{"name": "state", "mountPath": STATE}]
    share = {
        "name": "share",
        "image": IMAGE,
        "command": ["/bin/sh", "-ec", SHARE],
        "workingDir": STATE,
        "securityContext": _confined(),
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "volumeMounts": [*state, {"name": "given", "mountPath": "/given", "readOnly": True}],
    }
    process = {
        "name": "creditmesh",
        "image": IMAGE,
        "args": [*words],
        "envFrom": [{"configMapRef": {"name": "creditmesh"}}],
        "ports": [
            *([] if name == RELAY else [{"name": "http", "containerPort": PORT}]),
            {"name": "operator", "containerPort": OPERATOR_PORT},
        ],
        "startupProbe": live | {"periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": live | {"periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 6},
        "readinessProbe": ready | {"periodSeconds": 5, "timeoutSeconds": 3},
        "resources": {
            "requests": {"cpu": "250m", "memory": "256Mi"},
            "limits": {"memory": _MEMORY.get(name, "1Gi")},
        },
        "securityContext": _confined(),
        "volumeMounts": [*state, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - of the pod alone
    }
    return {
        "metadata": {"labels": labels(name)},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 30,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "initContainers": [share],
            "containers": [process],
            "volumes": [
                {"name": "given", "secret": {"secretName": f"creditmesh-{name}", "defaultMode": 0o440}},
                {"name": "state", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
                {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            ],
            **more,
        },
    }


def deployment(name: str, words: Sequence[str], *, replicas: int, **more: Any) -> dict[str, Any]:
    """A process that stays; of two the next version's is ready before one goes."""
    return made(
        "apps/v1",
        "Deployment",
        f"creditmesh-{name}",
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": labels(name)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": pod(name, words, **more),
        },
    )


def of_service(name: str) -> list[dict[str, Any]]:
    """A service: two processes of it on two machines, where they are found, and how many may be away at once."""
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels(name)},
    }
    service = made(
        "v1",
        "Service",
        f"creditmesh-{name}",
        spec={"selector": labels(name), "ports": [{"name": "http", "port": PORT, "targetPort": "http"}]},
    )
    budget = made(
        "policy/v1",
        "PodDisruptionBudget",
        f"creditmesh-{name}",
        spec={"minAvailable": 1, "selector": {"matchLabels": labels(name)}},
    )
    return [deployment(name, ["serve", name], replicas=2, topologySpreadConstraints=[spread]), service, budget]


def migration() -> dict[str, Any]:
    """The job of an upgrade: it has all roles' passwords, and cannot make one that would be lost with its pod."""
    container = {
        "name": "migrate",
        "image": IMAGE,
        "args": ["migrate"],
        "envFrom": [{"configMapRef": {"name": "creditmesh"}}, {"secretRef": {"name": "creditmesh-admin"}}],
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": _confined(),
        "volumeMounts": [{"name": "roles", "mountPath": f"{STATE}/secrets/roles", "readOnly": True}],
    }
    template = pod("migrate", ["migrate"])
    template["spec"] |= {"restartPolicy": "Never", "initContainers": [], "containers": [container]}
    template["spec"]["volumes"] = [
        {"name": "roles", "secret": {"secretName": "creditmesh-roles", "defaultMode": 0o440}}  # every role's
    ]
    return made("batch/v1", "Job", "creditmesh-migrate", spec={"backoffLimit": 0, "template": template})


def policies() -> list[dict[str, Any]]:
    """Nobody reaches a pod but the gateway its services, an ingress the gateway, who watches the second listener."""
    everyone = {"matchLabels": {"app.kubernetes.io/name": "creditmesh"}}
    gateway = [{"podSelector": {"matchLabels": labels(GATEWAY)}}]
    ingress = [{"namespaceSelector": {"matchLabels": {"creditmesh.io/role": "ingress"}}}]
    watching = [{"namespaceSelector": {"matchLabels": {"creditmesh.io/role": "watching"}}}]
    behind = {
        "matchLabels": {"app.kubernetes.io/name": "creditmesh"},
        "matchExpressions": [{"key": "app.kubernetes.io/component", "operator": "NotIn", "values": [GATEWAY]}],
    }
    rules = {
        "deny": (everyone, []),
        "services": (behind, [{"from": gateway, "ports": [{"port": "http"}]}]),
        "gateway": ({"matchLabels": labels(GATEWAY)}, [{"from": ingress, "ports": [{"port": "http"}]}]),
        "watching": (everyone, [{"from": watching, "ports": [{"port": "operator"}]}]),
    }
    return [
        made(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            f"creditmesh-{name}",
            spec={"podSelector": selector, "policyTypes": ["Ingress"], "ingress": allowed},
        )
        for name, (selector, allowed) in rules.items()
    ]


def files() -> dict[str, list[dict[str, Any]]]:
    """Every file by its path here, and the objects in it."""
    base = {f"base/{name}.yaml": of_service(name) for name in SERVICES}
    base["base/settings.yaml"] = [made("v1", "ConfigMap", "creditmesh", data=dict(settings()))]
    base["base/policies.yaml"] = policies()
    listed = sorted(path.removeprefix("base/") for path in base)
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    return base | {
        "base/kustomization.yaml": [kustomization | {"resources": listed}],
        "migrate/migrate.yaml": [migration()],
        "migrate/kustomization.yaml": [kustomization | {"resources": ["migrate.yaml"]}],
        "kafka/relay.yaml": [deployment(RELAY, [RELAY], replicas=1)],
    }


class _Plain(yaml.SafeDumper):
    """YAML as people write it: what stands twice is written twice, and a text of several lines line by line."""


def _lines(dumper: _Plain, said: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", said, style="|" if "\n" in said else None)


_Plain.add_representer(str, _lines)
_Plain.ignore_aliases = lambda *_: True  # type: ignore[method-assign]


def text(objects: Sequence[Mapping[str, Any]]) -> str:
    """The file of these objects."""
    return NOTE + yaml.dump_all(
        objects, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120, explicit_start=True
    )


if __name__ == "__main__":
    for path, objects in files().items():
        (HERE / path).parent.mkdir(parents=True, exist_ok=True)
        (HERE / path).write_text(text(objects), encoding="utf-8")
