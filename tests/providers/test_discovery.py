"""Servers for local models are found on their ports; other programs there are not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fake_upstream import FakeUpstream

from tornado_stream.providers import build_provider, discovery, provider_group
from tornado_stream.providers.discovery import PROBE_TIMEOUTS, find_servers
from tornado_stream.providers.presets import presets
from tornado_stream.providers.upstream import Timeouts
from tornado_stream.settings import Settings


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Gives servers as much time to answer as a busy machine can need."""
    monkeypatch.setattr(discovery, "PROBE_TIMEOUTS", Timeouts(60, 60, 60, 60))


@pytest.fixture
def ports(monkeypatch):
    """Sets the ports that discovery asks."""

    def set_ports(*numbers: int) -> None:
        known = [p for p in presets().values() if p.local_port][: len(numbers)]
        moved = {
            preset.name: replace(preset, base_url=f"http://127.0.0.1:{port}/v1", local_port=port)
            for preset, port in zip(known, numbers, strict=True)
        }
        monkeypatch.setattr(discovery, "presets", lambda: moved)

    return set_ports


async def found(*skip: int) -> list[str]:
    return [config.name for config in await find_servers(Timeouts(), skip)]


@pytest.mark.gen_test
async def test_a_server_that_lists_models_is_found(ports, upstream):
    ports(upstream.port, 9)
    assert await found() == ["ollama"]
    assert await found(upstream.port) == []  # the server's own port
    upstream.models = []
    assert await found() == []
    assert not upstream.requests


@pytest.mark.gen_test
async def test_a_silent_server_and_a_web_server_are_ignored(ports, monkeypatch):
    monkeypatch.setattr(discovery, "PROBE_TIMEOUTS", PROBE_TIMEOUTS)
    peers = []

    async def be_silent(reader, writer):
        peers.append(writer)

    async def be_a_web_server(reader, writer):
        peers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")

    silent = await asyncio.start_server(be_silent, "127.0.0.1", 0)
    web = await asyncio.start_server(be_a_web_server, "127.0.0.1", 0)
    ports(*[server.sockets[0].getsockname()[1] for server in (silent, web)])
    assert PROBE_TIMEOUTS.answer < 1 and await found() == []
    for server in (silent, web):
        server.close()
    for peer in peers:
        peer.transport.abort()
    await asyncio.sleep(0.01)


@pytest.mark.gen_test
async def test_a_server_that_starts_and_stops_is_noticed(ports, tmp_path, monkeypatch):
    monkeypatch.setattr(provider_group, "DISCOVERY_INTERVAL", 0)
    monkeypatch.chdir(tmp_path)
    nobody = FakeUpstream()
    port = nobody.port
    await nobody.close()
    ports(port)
    provider = build_provider(Settings(data_dir=tmp_path, no_local=True))
    await provider.open()
    provider.start()
    assert [(m.provider, m.state) for m in await provider.models()] == [("local", "failed")]
    server = FakeUpstream(port)
    (model,) = await provider.models()
    assert (model.id, model.provider, model.state) == ("fake-model", "ollama", "ready")
    assert model.detail == f"Ollama (127.0.0.1:{port})"
    assert provider.default_model in (None, "fake-model")
    await server.close()
    assert [m.provider for m in await provider.models()] == ["local"]
    await provider.close(1)


def test_discovery_can_be_turned_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    off = Settings(data_dir=tmp_path, no_local=True, no_discovery=True)
    assert build_provider(off)._discover is None
