"""Previews of what an answer draws: shown on request, in a frame that reaches nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from .chat import Locator, Page, content, expect
from .conftest import Program, Watch
from .test_markdown import stream

pytestmark = pytest.mark.wide

DIAGRAM = "graph TD\n  A[Start] --> B{Choice}\n  B -->|yes| C[End]"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" width="40" height="20">'
    '<rect width="40" height="20" fill="teal"/></svg>'
)
#: Everything that a page may try to reach others with; it says at its end that it has tried.
REACHING = """<!doctype html><h1 id=said>begun</h1>
<link rel=stylesheet href="URL/style"><link rel=preload as=image href="URL/preload">
<img src="URL/image"><iframe src="URL/frame"></iframe><object data="URL/object"></object>
<video src="URL/video"></video><script src="URL/script"></script>
<style>@import "URL/import"; h1 { background: url("URL/background"); }</style>
<form action="URL/form" id=form><input name=a></form>
<a href="URL/top" target=_top id=top></a><a href="URL/blank" target=_blank id=blank></a>
<script>
const found = [];
const attempt = (name, act) => { try { found.push(`${name}: ${act()}`); } catch { } };
attempt("parent", () => parent.document.body.localName);
attempt("cookie", () => document.cookie || undefined.x);
attempt("storage", () => localStorage.length);
attempt("peer", () => new RTCPeerConnection().localDescription);
fetch("URL/fetch").catch(() => {});
fetch("/api/conversations").then((r) => found.push("api " + r.status), () => {});
attempt("socket", () => new WebSocket("URL/socket".replace("http", "ws")).url && undefined.x);
attempt("beacon", () => navigator.sendBeacon("URL/beacon") && undefined.x);
attempt("events", () => new EventSource("URL/events").url && undefined.x);
attempt("worker", () => new Worker("URL/worker").terminate());
attempt("open", () => open("URL/open").closed);
attempt("dialog", () => alert("canary") || undefined.x);
form.submit(); document.getElementById("top").click(); blank.click();
const child = document.createElement("iframe");
child.srcdoc = "<script>parent.postMessage(typeof RTCPeerConnection, '*');"
  + "new Image().src = 'URL/nested'</" + "script>";
document.body.append(child);
setTimeout(() => { said.textContent = ["tried", ...found].join(" "); }, 500);
</script>"""


@pytest.fixture
def reached() -> Iterator[tuple[str, list[str]]]:
    """The URL of another server, and the paths that are requested from it."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{other.server_address[1]}", paths
        other.shutdown()


def drawn(page: Page, language: str, code: str) -> Locator:
    """Stream a block of code, and press its button."""
    stream(page, f"```{language}\n{code}\n```\n\nAfter it.")
    block = content(page).locator(".code")
    assert block.locator("iframe").count() == 0
    block.get_by_role("button", name="Preview").click()
    return block


def test_a_diagram_is_drawn_when_it_is_asked_for(page: Page) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    stream(page, f"```mermaid\n{DIAGRAM}\n```")
    assert not any("mermaid.min" in url or url.endswith("/preview") for url in requests)
    block = content(page).locator(".code")
    button = block.get_by_role("button", name="Preview")
    button.click()
    inside = block.frame_locator("iframe")
    expect(inside.locator(".drawing > svg")).to_contain_text("Choice")
    expect(button).to_have_attribute("aria-pressed", "true")
    frame = block.locator("iframe")
    expect(frame).to_have_attribute("sandbox", "allow-scripts")
    page.wait_for_function("document.querySelector('iframe').offsetHeight > 100")
    assert block.locator("code").evaluate("e => e.textContent").strip() == DIAGRAM
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    block.get_by_role("button", name="Copy").click()
    expect(block.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{DIAGRAM}\n"
    button.click()
    expect(frame).to_have_count(0)
    expect(block.locator("pre")).to_be_visible()


def test_a_diagram_with_an_error_says_so(page: Page) -> None:
    block = drawn(page, "mermaid", "graph TD\n  A --> --> B[")
    expect(block.locator(".preview-error")).to_contain_text("No preview: ")
    expect(block.locator("iframe")).to_have_count(0)
    expect(block.get_by_role("button", name="Preview")).to_have_attribute("aria-pressed", "false")


def test_a_picture_and_a_page_are_shown(page: Page) -> None:
    block = drawn(page, "svg", PICTURE)
    expect(block.frame_locator("iframe").locator("rect")).to_be_visible()
    html = "<h1>Hello</h1><script>document.querySelector('h1').append('!')</script>"
    block = drawn(page, "html", html).last
    expect(block.frame_locator("iframe").get_by_role("heading")).to_have_text("Hello!")


@pytest.mark.parametrize("language", ["html", "svg"])
def test_a_preview_reaches_nothing(
    page: Page, watch: Watch, server: Program, reached: tuple[str, list[str]], language: str
) -> None:
    url, paths = reached
    watch.allow("frame|[Ss]andbox|policy|blocked|Refused|refused|violat|Content.Security")
    watch.allow(f"a request to {url}", "Failed to fetch")  # Chromium names them, and blocks them
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    code = REACHING.replace("URL", url)
    if language == "svg":
        code = f"<svg><script>fetch('{url}/svg')</script><image href='{url}/svg.png'/></svg>" + (
            f"<img src=x onerror=\"fetch('{url}/on');said.append('tried')\"><p id=said></p>"
        )
    block = drawn(page, language, code)
    expect(block.frame_locator("iframe").locator("#said")).to_contain_text("tried")
    if language == "html":
        expect(block.frame_locator("iframe").locator("#said")).to_have_text("tried")
    assert (paths, dialogs) == ([], []) and page.url.startswith(server.url)
    assert len(page.context.pages) == 1
    assert page.evaluate("window.canary") is None


@pytest.mark.parametrize(
    "where", ["URL/away?words", "/", "/api/conversations", "/static/js/app.js"]
)
def test_a_preview_cannot_lead_its_frame_elsewhere(
    page: Page, watch: Watch, reached: tuple[str, list[str]], where: str
) -> None:
    url, paths = reached
    watch.allow("frame|policy|Refused|refused|violat|Content.Security|Framing|404")
    block = drawn(page, "html", f"<script>location.href = '{where.replace('URL', url)}'</script>x")
    page.wait_for_timeout(500)
    assert paths == []
    for frame in page.frames[1:]:
        assert "<form" not in frame.content() and "conversations" not in frame.content()
    assert block.count() == 1


#: Ways to run a script, with the script in place of CALL.
WAYS = {
    "in the page": "<script>CALL</script>",
    "in a frame": '<iframe srcdoc="<script>CALL</script>"></iframe>',
    "in a frame that a script makes": "<script>const f = document.createElement('iframe');"
    'f.srcdoc = `<script>CALL</` + "script>"; document.documentElement.append(f)</script>',
    "in a shadow": "<div><template shadowrootmode=open><iframe srcdoc='<script>CALL</script>'>"
    "</iframe></template></div>",
    "in a shadow that a script makes": "<p id=p><script>const s = p.attachShadow({mode: 'open'});"
    's.innerHTML = `<iframe srcdoc="<script>CALL</` + `script>"></iframe>`</script>',
    "after a script replaced what is used": "<script>Element.prototype.remove = () => {};"
    "Document.prototype.querySelector = () => null; window.MutationObserver = null;</script>"
    '<iframe srcdoc="<script>CALL</script>"></iframe>',
    "in a page of frames": '<frameset><frame src="javascript:CALL"></frameset>',
}


@pytest.mark.parametrize("way", WAYS)
def test_a_preview_sends_no_datagram(page: Page, watch: Watch, way: str) -> None:
    watch.allow("RTCPeerConnection|policy|violat|Content.Security|Framing|attachShadow|null")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(0.7)
        server = f"stun:127.0.0.1:{heard.getsockname()[1]}"
        call = (
            f"const c = new RTCPeerConnection({{iceServers: [{{urls: [/{server}/.source]}}]}});"
            "c.createDataChannel(1); c.createOffer().then((o) => c.setLocalDescription(o));"
        )
        drawn(page, "html", WAYS[way].replace("CALL", call))
        with pytest.raises(TimeoutError):
            heard.recv(100)
