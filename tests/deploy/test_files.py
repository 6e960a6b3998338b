"""The files in deploy/ fit the server: names, times, sizes, paths. Their programs accept them."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.dockerfile import read_steps
from tornado_stream import server
from tornado_stream.command_line import env_name, flag_name
from tornado_stream.handlers import routes
from tornado_stream.settings import Settings
from tornado_stream.store import open_store

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
ENVIRONMENT = {env_name(setting) for setting in fields(Settings)}
FLAGS = {flag_name(setting) for setting in fields(Settings)}
#: The most seconds from SIGTERM to the end of the process.
LONGEST_END = Settings().drain_timeout + 2 * server.LAST_WRITES + server.CHILD_GRACE

STEPS = read_steps((DEPLOY / "Dockerfile").read_text())
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = {
    part["kind"]: part for part in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
}
POD = KUBERNETES["Deployment"]["spec"]["template"]["spec"]
UNIT = (DEPLOY / "tornado-stream.service").read_text()
NGINX = (DEPLOY / "nginx.conf").read_text()
CADDY = (DEPLOY / "Caddyfile").read_text()
GUIDE = (ROOT / "docs" / "deploying.md").read_text()


def steps(word: str) -> list[Any]:
    return [step for step in STEPS if step.word == word]


def number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    assert match, pattern
    return int(match[1])


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_every_named_setting_exists(path):
    named = set(re.findall(r"\b(?:TORNADO_STREAM|OPENAI)_[A-Z_]+\b", path.read_text()))
    assert named <= ENVIRONMENT, named - ENVIRONMENT
    ours = re.findall(r"(?:ExecStart=|Tell the server:|than )(.*(?:\n#   .*)?)", path.read_text())
    flags = set(re.findall(r"(?<![\w-])--[a-z-]+", " ".join(ours)))
    assert flags <= FLAGS, flags - FLAGS


def test_the_dockerfile_names_files_that_exist():
    allowed = (ROOT / ".dockerignore").read_text().split()
    for step in steps("COPY"):
        if not step.options:
            for name in step.words[:-1]:
                assert (ROOT / name).exists() and f"!{name}" in allowed
    assert allowed[0] == "*"
    setup = (ROOT / "setup.py").read_text()
    assert f'"{steps("ENTRYPOINT")[0].words[0]} = tornado_stream.start:main"' in setup
    weights = re.search(r"^WEIGHTS = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert weights and any(weights[1] in step.text for step in steps("RUN"))


def test_all_run_as_the_same_user():
    user = steps("USER")[0].text.split(":")[0]
    pod = POD["securityContext"]
    assert user == str(pod["runAsUser"]) == str(pod["fsGroup"]) == str(pod["runAsGroup"])
    assert f"-o {user} " in next(step.text for step in steps("RUN") if "/data" in step.text)
    assert f"install -m 400 -o {user}" in (DEPLOY / "compose.yaml").read_text()


def test_nothing_is_killed_before_its_answers_have_ended():
    assert POD["terminationGracePeriodSeconds"] > LONGEST_END
    assert number(r"(\d+)s", COMPOSE["services"]["chat"]["stop_grace_period"]) > LONGEST_END
    assert number(r"TimeoutStopSec=(\d+)", UNIT) > LONGEST_END
    assert "KillMode=mixed" in UNIT  # SIGTERM must not reach the local model's process


def test_timeouts_of_proxies_are_longer_than_silences_of_the_server():
    idle = getattr(Settings(), "keep_alive_timeout", 60)
    for text in (NGINX, CADDY):
        assert number(r"keepalive(?:_timeout)? (\d+)s", text) < idle
    silence = 2 * Settings().heartbeat
    ingress = KUBERNETES["Ingress"]["metadata"]["annotations"]
    assert number(r"proxy_read_timeout (\d+)s", NGINX) > silence
    assert int(ingress["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > silence
    body = max(Settings().max_body, Settings().max_v1_body)
    largest = ingress["nginx.ingress.kubernetes.io/proxy-body-size"]
    for megabytes in (number(r"(\d+)m", largest), number(r"max_body_size (\d+)m", NGINX)):
        assert megabytes * 1024 * 1024 > body


def test_probes_ask_for_paths_that_the_server_answers():
    paths = [rule.regex for rule in routes()]
    container = POD["containers"][0]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[probe]["httpGet"]
        assert any(path.fullmatch(asked["path"]) for path in paths)
        assert asked["httpHeaders"] == [{"name": "Host", "value": "localhost"}]
        assert asked["port"] in [port["name"] for port in container["ports"]]
    assert str(container["ports"][0]["containerPort"]) == steps("EXPOSE")[0].text
    assert "'/healthz'" in steps("HEALTHCHECK")[0].text
    assert POD["enableServiceLinks"] is False


def test_only_the_volume_is_writable():
    chat, pod = COMPOSE["services"]["chat"], POD["containers"][0]["securityContext"]
    assert chat["read_only"] and chat["cap_drop"] == ["ALL"] and "tmpfs" not in chat
    assert pod["readOnlyRootFilesystem"] and pod["capabilities"] == {"drop": ["ALL"]}
    assert not pod["allowPrivilegeEscalation"]
    assert KUBERNETES["Deployment"]["spec"]["replicas"] == 1
    assert KUBERNETES["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}


def test_kubernetes_accepts_the_manifests():
    validate = pytest.importorskip("kubernetes_validate").validate
    for part in KUBERNETES.values():
        validate(part, "1.31", strict=True)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_unit_and_finds_it_confined(tmp_path):
    path = tmp_path / "tornado-stream.service"
    path.write_text(re.sub(r"(?<=ExecStart=)\S+", "/bin/true", UNIT))
    for command in ("verify", "security --offline=true --threshold=15 --no-pager"):
        done = subprocess.run(
            ["systemd-analyze", *command.split(), str(path)], capture_output=True, text=True
        )
        assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr


@pytest.mark.gen_test
async def test_the_guides_backup_works_while_the_server_runs(chat, settings, tmp_path):
    stream = await chat.send("kept?", model="say=kept;hold;say= and more")
    start = await stream.until("start")
    await stream.until("delta")
    copy = tmp_path / "copy"
    copy.mkdir()
    line = re.search(r"^tornado-stream (backup --data-dir) \S+ backup.zip ", GUIDE, re.MULTILINE)
    assert line
    main, file = str(DEPLOY.parent / "main.py"), str(tmp_path / "backup.zip")
    for arguments in (
        [*line[1].split(), str(chat.application.config.data_dir), file],
        ["restore", "--data-dir", str(copy), file],
    ):
        command = [sys.executable, main, *arguments]
        assert await (await asyncio.create_subprocess_exec(*command)).wait() == 0
    store = open_store(copy)
    left = await store.message(start.data["message_id"])
    asked = await store.message(start.data["user_message_id"])
    await store.close()
    assert left and asked and asked.content == "kept?"
    stream.close()


def test_the_guide_names_every_file():
    for path in DEPLOY.iterdir():
        assert f"deploy/{path.name}" in GUIDE, path.name
