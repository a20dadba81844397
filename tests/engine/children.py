"""Manifests for tests of the applier: the kinds that a rollout is made of, with the traps of server-side apply."""

from serinus.shell.kinds import Object

SERVICE = "chat"


def metadata(namespace: str, name: str, **more: object) -> Object:
    """Metadata of a child of the service under test."""
    labels = {"serinus.dev/service": SERVICE, "app.kubernetes.io/managed-by": "serinus"}
    return {"name": name, "namespace": namespace, "labels": labels, **more}


def service(namespace: str, name: str = "chat", *, revision: str = "r1", port: int = 80) -> Object:
    """A Service: a keyed list whose protocol is left to the schema's default, and an atomic map."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(namespace, name),
        "spec": {
            "selector": {"serinus.dev/service": SERVICE, "serinus.dev/revision": revision},
            "ports": [{"name": "http", "port": port, "targetPort": "http"}],
        },
    }


def config_map(namespace: str, name: str = "settings", **data: str) -> Object:
    """A ConfigMap: the plainest child."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(namespace, name), "data": data or {"a": "1"}}


def replica_set(namespace: str, name: str = "chat-r1", *, replicas: int = 1) -> Object:
    """A ReplicaSet: keyed lists in keyed lists, atomic lists, empty maps, quantities that the server rewrites."""
    labels = {"serinus.dev/service": SERVICE, "serinus.dev/revision": "r1"}
    container = {
        "name": "server",
        "image": "registry.example/vllm@sha256:" + "0" * 64,
        "args": ["--model", "llama"],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"limits": {"memory": "2048Mi", "cpu": "1000m"}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
    }
    pod = {"containers": [container], "volumes": [{"name": "scratch", "emptyDir": {}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": metadata(namespace, name),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def job(namespace: str, name: str = "chat-r1-support-before-traffic-0") -> Object:
    """A probe Job: created once."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "probe", "image": "registry.example/probe:1"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(namespace, name),
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
