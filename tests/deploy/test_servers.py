"""Several servers over one PostgreSQL: their files in deploy/ fit each other and the server, and a
new version takes over from an old one behind nginx while people ask.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from client import Client, until
from fake_upstream import FakeUpstream
from test_instances import Server, whole, words

from benchmarks.machine import free_port
from deploy.proxy_programs import find, nginx
from tornado_stream import server
from tornado_stream.files.folder import FOLDER
from tornado_stream.settings import Settings
from tornado_stream.values.urls import parse_database_url

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COMPOSE_TEXT = (DEPLOY / "compose.postgres.yaml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
KUBERNETES_TEXT = (DEPLOY / "kubernetes.postgres.yaml").read_text()
PARTS = {
    (part["kind"], part["metadata"]["name"]): part for part in yaml.safe_load_all(KUBERNETES_TEXT)
}
DEPLOYMENT = PARTS["Deployment", "tornado-stream"]["spec"]
POD = DEPLOYMENT["template"]["spec"]
CONTAINER = POD["containers"][0]
SITE = (DEPLOY / "nginx-servers.conf").read_text()
#: The most seconds from SIGTERM to the end of the process.
LONGEST_END = Settings().drain_timeout + 2 * server.LAST_WRITES + server.CHILD_GRACE


def site(ports: list[int], listen: int, more: str = "") -> str:
    """deploy/nginx-servers.conf with the servers of a test."""
    servers = "".join(f"    server 127.0.0.1:{port} max_fails=0;\n" for port in ports)
    changes = {
        "    resolver 127.0.0.11 valid=2s;\n": "",
        "    server chat:8888 resolve max_fails=0;\n": servers,
        "listen 8888;": f"listen 127.0.0.1:{listen};{more}",
    }
    text = SITE
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def test_three_servers_share_a_database_and_the_folder_of_files():
    chat = COMPOSE["services"]["chat"]
    assert chat["deploy"]["replicas"] == DEPLOYMENT["replicas"] == 3
    assert f"files:/data/{FOLDER}" in chat["volumes"] and "/data" in chat["volumes"]
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert (mounts["data"], mounts["files"]) == ("/data", f"/data/{FOLDER}")
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    claim = volumes["files"]["persistentVolumeClaim"]["claimName"]
    assert PARTS["PersistentVolumeClaim", claim]["spec"]["accessModes"] == ["ReadWriteMany"]
    assert volumes["data"] == {"name": "data", "emptyDir": {}}
    assert f"/data /data/{FOLDER}" in (DEPLOY / "Dockerfile").read_text()
    assert chat["build"]["args"] == {"POSTGRES": "1"}


def test_the_example_urls_lead_to_the_postgres_of_the_same_file():
    for text, postgres in (
        (COMPOSE_TEXT, COMPOSE["services"]["postgres"]["environment"]),
        (KUBERNETES_TEXT, _environ(PARTS["StatefulSet", "tornado-stream-postgres"])),
    ):
        url = re.search(r"postgresql://\S+", text)
        assert url
        found = parse_database_url(url[0])
        user, host = re.match(r"postgresql://(\w+):PASSWORD@([\w-]+)/chat$", found).groups()
        assert user == postgres["POSTGRES_USER"] and postgres["POSTGRES_DB"] == "chat"
        assert host in COMPOSE["services"] or ("Service", host) in PARTS
        assert "UTF8" in postgres["POSTGRES_INITDB_ARGS"]


def _environ(part: dict[str, Any]) -> dict[str, str]:
    containers = part["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in containers[0]["env"]}


def test_every_secret_is_there():
    for name, service in COMPOSE["services"].items():
        mounted = set(service.get("secrets", []))
        assert mounted <= COMPOSE["secrets"].keys()
        used = re.findall(r"/run/secrets/(\w+)", str(service.get("environment", "")))
        assert set(used) == mounted, name
    for secret in COMPOSE["secrets"]:
        assert f"deploy/secrets/{secret}" in COMPOSE_TEXT
    for secret in re.findall(r"value: /secrets/(\w+)", KUBERNETES_TEXT):
        assert f"--from-literal={secret}=" in KUBERNETES_TEXT


def test_a_new_version_starts_before_an_old_one_ends():
    assert DEPLOYMENT["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    before = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["terminationGracePeriodSeconds"] > LONGEST_END + before
    grace = re.findall(r"stop_grace_period: (\d+)s|--timeout (\d+)", COMPOSE_TEXT)
    assert all(int(one or other) > LONGEST_END for one, other in grace) and len(grace) == 3
    assert PARTS["PodDisruptionBudget", "tornado-stream"]["spec"]["maxUnavailable"] == 1


def test_kubernetes_accepts_the_manifests():
    validate = pytest.importorskip("kubernetes_validate").validate
    for part in PARTS.values():
        validate(part, "1.31", strict=True)


def test_the_proxy_has_the_sizes_and_times_of_the_other_one():
    single = (DEPLOY / "nginx.conf").read_text()
    for name in ("client_max_body_size", "proxy_read_timeout", "keepalive", "keepalive_timeout"):
        asked = re.compile(rf"^\s+{name} (.*);", re.MULTILINE)
        assert asked.findall(SITE) == asked.findall(single), name


@pytest.mark.wide
@pytest.mark.timeout(300)
@pytest.mark.gen_test(timeout=300)
async def test_a_new_version_takes_over_while_people_ask(postgres, upstream, tmp_path):
    find("nginx")
    loop = asyncio.get_running_loop()
    url = await loop.run_in_executor(None, postgres.new_database)
    ports = [free_port() for _ in range(4)]
    servers = [Server(url, tmp_path / str(n), upstream.url, port) for n, port in enumerate(ports)]
    try:
        await _take_over(upstream, tmp_path, servers, ports)
    finally:
        for one in servers:
            one.close()


async def _take_over(
    upstream: FakeUpstream, tmp_path: Path, servers: list[Server], ports: list[int]
) -> None:
    old, new = servers[:2], servers[2:]
    for one in old:
        one.start()
        await one.client()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    asked = leaving = 0
    with nginx(tmp_path, site(ports, port), [listener]):
        client, goes_on = Client(port), True

        async def person() -> None:
            nonlocal asked, leaving
            while goes_on:
                model, id = f"say=word;gap=0.02;count={20 + asked % 30};done", str(uuid.uuid4())
                count, asked = 20 + asked % 30, asked + 1
                body = {"message": "hello", "model": model, "request_id": id}
                reader = await client.open("POST", "/stream", body)
                assert reader.response.status == 200, reader.response
                if asked % 3 == 0:  # leaves, and comes back, perhaps at another server
                    await reader.until("delta")
                    reader.close()
                    leaving += 1
                    answer = await client.resume(id, 0)
                else:
                    await reader.read()
                    answer = reader.answer
                assert answer.text == words(count) and answer.end["state"] == "done"
                assert whole(answer)

        people = [asyncio.ensure_future(person()) for _ in range(6)]
        await until(lambda: asked > 20)
        for one in new:
            one.start()
            await one.client()
        for one in old:
            begun = asked
            one.signal(signal.SIGTERM)
            await until(lambda one=one: one.process.poll() is not None)
            await until(lambda begun=begun: asked > begun + 10 or any(p.done() for p in people))
        goes_on = False
        await asyncio.gather(*people)
    assert [one.process.returncode for one in old] == [0, 0]
    assert len(upstream.requests) == asked and leaving > 5
