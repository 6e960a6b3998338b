"""Drives Firefox over WebDriver BiDi, the protocol that it speaks itself: no driver is needed.

https://www.w3.org/TR/webdriver-bidi/. Playwright needs a Firefox of its own, and no distribution
has that. The connection has an event loop on its own thread, because Playwright's loop runs on the
thread of the tests.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

from deadlines import DEADLINE
from tornado.websocket import WebSocketClientConnection, websocket_connect

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
#: The key codes that WebDriver gives to keys without a character.
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Shift": "\ue008", "Tab": "\ue004"}
#: So that nothing is asked or fetched that belongs to the browser itself, and so that there is a
#: mouse (2: it is exact, 4: it can hover) on any machine. Without one, Enter begins a new line.
QUIET = {
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "ui.prefersReducedMotion": 1,
    "ui.primaryPointerCapabilities": 6,
    "ui.allPointerCapabilities": 6,
}


class Firefox:
    """A Firefox without a window, with one tab."""

    def __init__(self, profile: Path, **prefs: Any) -> None:
        assert FIREFOX
        profile.mkdir(parents=True)
        set_to = {**QUIET, **prefs}
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in set_to.items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        command = [FIREFOX, "--headless", "--no-remote", "--remote-debugging-port", "0"]
        self._process = subprocess.Popen(
            [*command, "--profile", str(profile)], stderr=subprocess.PIPE, text=True
        )
        self.faults: list[str] = []
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._id = 0
        self._loop = asyncio.new_event_loop()
        self._looping = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._looping.start()
        self._socket = self._wait(self._connect(self._printed_url()))
        self._draining = threading.Thread(target=self._drain, daemon=True)
        self._draining.start()
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded"])
        self._tab = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def close(self) -> None:
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._looping.join(DEADLINE)
        self._loop.close()
        self._process.terminate()
        self._process.wait(DEADLINE)
        self._draining.join(DEADLINE)
        if self._process.stderr:
            self._process.stderr.close()

    def send(self, method: str, **params: Any) -> Any:
        """Send a command, and return its result."""
        return self._wait(self._ask(method, params))

    def open(self, url: str) -> None:
        self.send("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def reload(self) -> None:
        self.send("browsingContext.reload", context=self._tab, wait="complete")

    def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self.send("browsingContext.setViewport", context=self._tab, viewport=viewport)

    def screenshot(self) -> str:
        """A PNG in base64."""
        data: str = self.send("browsingContext.captureScreenshot", context=self._tab)["data"]
        return data

    def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript, or of the promise that it gives."""
        found = self.send(
            "script.evaluate",
            expression=f"Promise.resolve({script}).then((value) => JSON.stringify(value))",
            target={"context": self._tab},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise AssertionError(f"{script}: {found['exceptionDetails']['text']}")
        value = found["result"].get("value")
        return None if value is None else json.loads(value)

    def wait_for(self, script: str) -> None:
        """Wait until an expression of JavaScript is true; it is tried in each frame."""
        limit = DEADLINE * 1000
        done = self.evaluate(
            f"""new Promise((done) => {{
              const end = performance.now() + {limit};
              const look = () => {{
                let found = false;
                try {{ found = {script}; }} catch {{}}
                if (found || performance.now() > end) done(Boolean(found));
                else setTimeout(look, 20);
              }};
              look();
            }})"""
        )
        shown = "document.body.innerText.slice(-1500)"
        assert done, f"not within {DEADLINE} s: {script}\n{self.evaluate(shown)}"

    def press(self, *keys: str) -> None:
        """Press keys on the element that has the focus; all but the last are held."""
        codes = [KEYS.get(key, key) for key in keys]
        downs = [{"type": "keyDown", "value": code} for code in codes]
        ups = [{"type": "keyUp", "value": code} for code in reversed(codes)]
        source = {"type": "key", "id": "keyboard", "actions": downs + ups}
        self.send("input.performActions", context=self._tab, actions=[source])

    def type(self, text: str) -> None:
        actions = [{"type": kind, "value": char} for char in text for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.send("input.performActions", context=self._tab, actions=[source])

    def click(self, selector: str) -> None:
        """Click into the middle of an element with the mouse."""
        self.wait_for(f"document.querySelector({json.dumps(selector)}).checkVisibility()")
        x, y = self.evaluate(
            f"""(() => {{
              const e = document.querySelector({json.dumps(selector)});
              e.scrollIntoView({{block: "nearest"}});
              const box = e.getBoundingClientRect();
              return [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];
            }})()"""
        )
        moves = [{"type": "pointerMove", "x": x, "y": y}]
        clicks = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        source = {"type": "pointer", "id": "mouse", "actions": moves + clicks}
        self.send("input.performActions", context=self._tab, actions=[source])

    def _printed_url(self) -> str:
        assert self._process.stderr
        for line in self._process.stderr:
            if found := re.search(r"ws://\S+", line):
                return found[0]
        raise AssertionError("Firefox did not start")

    def _drain(self) -> None:
        assert self._process.stderr
        for _ in self._process.stderr:
            pass

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * DEADLINE)

    async def _connect(self, url: str) -> WebSocketClientConnection:
        socket = await websocket_connect(f"{url}/session", max_message_size=1 << 28)
        self._reading = asyncio.ensure_future(self._read(socket))
        return socket

    async def _end(self) -> None:
        self._socket.close()
        await self._reading

    async def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._id += 1
        self._answers[self._id] = answer = self._loop.create_future()
        command = {"id": self._id, "method": method, "params": params}
        await self._socket.write_message(json.dumps(command))
        return await answer

    async def _read(self, socket: WebSocketClientConnection) -> None:
        while (message := await socket.read_message()) is not None:
            said = json.loads(message)
            if answer := self._answers.pop(said.get("id"), None):
                if said["type"] == "success":
                    answer.set_result(said["result"])
                else:
                    answer.set_exception(AssertionError(f"{said['error']}: {said['message']}"))
            elif said.get("method") == "log.entryAdded":
                if said["params"]["level"] in ("error", "warn"):
                    self.faults.append(str(said["params"]["text"]))
