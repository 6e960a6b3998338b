"""`GET /openapi.json` describes every route, and the running server does as it says."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from process import environ

import tornado_stream
from tornado_stream.chat.responses_request import TRANSLATED, response_head
from tornado_stream.handlers import routes
from tornado_stream.handlers import system as system_handlers

FAKE = Path(__file__).parents[1] / "fake_upstream.py"
DESCRIPTION = json.loads(
    Path(system_handlers.__file__).with_name("openapi.json").read_text(encoding="utf-8")
)
METHODS = {"get", "post", "put", "patch", "delete"}


def examples(path: str) -> str:
    """A path of the description with values in its places."""
    values = {"version": "0" * 16, "path": "js/app.js"}
    return re.sub(
        r"\{(\w+)\}", lambda m: values.get(m[1], "00000000-0000-4000-8000-000000000000"), path
    )


def matching(path: str) -> Any:
    """The first route that takes this path."""
    return next((route for route in routes(sharing=True) if route.regex.match(path)), None)


def is_catch_all(route: Any) -> bool:
    """Whether the route only says what is not there."""
    return "NotFound" in route.handler_class.__name__


def test_every_route_is_described_with_its_methods():
    described: dict[Any, set[str]] = {}
    for path, operations in DESCRIPTION["paths"].items():
        route = matching(examples(path))
        assert route and not is_catch_all(route), f"{path} is no route"
        methods = set(operations) & METHODS
        assert described.setdefault(route.regex.pattern, methods) == methods, path
    for route in routes(sharing=True):
        if is_catch_all(route):
            continue
        handler = route.handler_class
        base = handler.__mro__[-2]
        has = {name for name in METHODS if getattr(handler, name) is not getattr(base, name)}
        assert described.get(route.regex.pattern) == has, f"{route.regex.pattern} is described else"


def test_each_member_that_the_server_reads_is_described():
    properties = DESCRIPTION["components"]["schemas"]["ResponseRequest"]["properties"]
    assert TRANSLATED | {"model", "stream", "metadata", "store"} == set(properties)
    head = response_head({"input": "x"}, "g", 5, "m")
    response = DESCRIPTION["components"]["schemas"]["Response"]
    assert set(response["required"]) <= head.keys()
    assert set(response["properties"]) - head.keys() == {"warnings"}


def test_a_route_that_needs_no_login_says_so():
    for path, operations in DESCRIPTION["paths"].items():
        for method in set(operations) & METHODS:
            is_open = matching(examples(path)).handler_class.open_to_all
            assert (operations[method].get("security") == []) == is_open, path


def test_all_references_lead_somewhere_and_all_names_differ():
    text = json.dumps(DESCRIPTION)
    used = set(re.findall(r'"#/components/(\w+)/(\w+)"', text))
    there = {(kind, name) for kind, parts in DESCRIPTION["components"].items() for name in parts}
    assert used == there - {("securitySchemes", "token"), ("securitySchemes", "session")}
    names = re.findall(r'"operationId": "(\w+)"', text)
    assert len(names) == len(set(names)) > 20
    assert DESCRIPTION["info"]["version"] == tornado_stream.__version__


@pytest.mark.gen_test
async def test_the_description_is_served_without_a_login(serve, settings):
    chat = serve(replace(settings, token="t" * 32))
    response = await chat.request("GET", "/openapi.json")
    assert (response.status, response.json()) == (200, DESCRIPTION)
    assert response.headers["content-type"].startswith("application/json")


@pytest.fixture
def fake() -> Iterator[str]:
    """The base URL of an upstream in another process: it must not mind odd requests."""
    command = [sys.executable, str(FAKE)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ()
    )
    assert process.stdout
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


#: What schemathesis compares with the description.
CHECKS = (
    "status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,allow_header_conformance"
)


@pytest.mark.wide
@pytest.mark.skipif(
    importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed"
)
@pytest.mark.gen_test(timeout=600)
@pytest.mark.parametrize("case", ["no login", "login", "a conversation that exists"])
async def test_the_server_does_as_its_description_says(serve, settings, fake, tmp_path, case):
    token = "t" * 32 if case == "login" else None
    chat = serve(replace(settings, base_url=fake, model="say=ok", token=token, sharing=True))
    command = [sys.executable, "-m", "schemathesis.cli"]
    if case == "a conversation that exists":
        start = (await chat.ask()).start
        config = tmp_path / "schemathesis.toml"
        known = {"id": start["conversation_id"], "generation_id": start["generation_id"]}
        lines = [f'"path.{name}" = "{value}"' for name, value in known.items()]
        config.write_text("\n".join(["[parameters]", *lines]))
        command += ["--config-file", str(config)]
    command += ["run", f"http://127.0.0.1:{chat.port}/openapi.json", "--checks", CHECKS]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "25", "--seed", "1"]
    command += ["--continue-on-failure", "--workers", "1", "--generation-database", "none"]
    command += ["--suppress-health-check", "all", "--warnings", "off", "--no-color"]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    if case == "a conversation that exists":  # which the last of these would delete
        command += ["--exclude-method", "DELETE"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path, env=environ()
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output[-20_000:]
    print(output[-1500:])
