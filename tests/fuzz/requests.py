"""Makes HTTP requests that no client would send on purpose, for every route.

All choices come from a `random.Random`, so its seed is enough to make a failing request again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

#: The most bytes of a head that the server answers; after a longer one it closes the connection.
LONGEST_HEAD = 16 * 1024
ID = "00000000-0000-4000-8000-000000000000"
#: The routes whose requests have a body, and the documented members of each body.
BODIES = {
    ("POST", "/stream"): (
        *("message", "conversation_id", "parent_id", "model", "options", "leave_out"),
        *("continue", "request_id"),
    ),
    ("POST", "/api/conversations"): ("title", "system"),
    ("PATCH", "/api/conversations/{id}"): ("title", "system", "current_id"),
    ("DELETE", "/api/conversations/" + ID): ("id",),
    ("POST", f"/stream/{ID}/stop"): ("id",),
    ("POST", "/v1/chat/completions"): (
        *("messages", "model", "stream", "stream_options", "n", "tools", "tool_choice", "seed"),
    ),
    ("POST", "/v1/responses"): (
        *("input", "model", "stream", "instructions", "max_output_tokens", "reasoning", "text"),
        *("tools", "tool_choice", "parallel_tool_calls", "metadata", "store", "prompt"),
    ),
}
#: Members that a request needs, with values that are in order or nearly so.
NEEDED = {
    "message": ['"hi"'],
    "messages": ['[{"role": "user", "content": "hi"}]', '[{"role": "user", "content": VALUE}]']
    + ['[{"role": VALUE, "content": "hi"}]', '[VALUE, {"role": "tool", "content": [{}]}]']
    + ['[{"role": "assistant", "tool_calls": VALUE}, {"role": "user", "content": [VALUE]}]'],
    "input": ['"hi"', '[{"role": "user", "content": VALUE}]', '[{"type": VALUE, "role": "user"}]']
    + ['[{"role": "user", "content": [{"type": "input_text", "text": VALUE}]}]']
    + ['[{"role": "assistant", "content": [{"type": "refusal", "refusal": VALUE}, VALUE]}]']
    + ['[{"type": "function_call", "call_id": VALUE, "name": "f", "arguments": VALUE}]']
    + ['[{"type": "function_call_output", "call_id": "c", "output": VALUE}]']
    + ['[{"id": VALUE}, VALUE]', '[{"type": "item_reference", "id": "msg_1"}, VALUE]'],
}
#: The routes for GET, and the arguments of their queries.
READS = {
    "/": (),
    "/c/{id}": (),
    "/c/{id}.md": (),
    "/c/{id}.json": (),
    "/c/{id}.txt": (),
    "/stream/{generation}": ("after", "live"),
    "/api/conversations": ("q", "limit", "before"),
    "/api/conversations/{id}": (),
    "/api/models": (),
    "/healthz": (),
    "/readyz": (),
    "/favicon.ico": (),
    "/static/js/app.js": ("v",),
    "/static/0123456789abcdef/css/base.css": ("v",),
    "/nothing": (),
}
#: Values of a member, as JSON text; some are invalid.
VALUES = [
    *("null", "true", "false", "0", "-1", "1", "1.5", "-0.0", "1e999", "-1e999", "9" * 400),
    *("2147483648", "9007199254740993", "9223372036854775808", "18446744073709551616", '""'),
    *('" "', '"a"', '"\\u0000"', '"a\\u0000b"', '"\\r\\nX-Evil: 1"', '"\\u2028\\u202e"'),
    *('"\\ud83d"', '"\\ude00\\ud83d"', '"\\ud83d\\ude00"', '"' + "x" * 5000 + '"', '"😀é"'),
    *('"%00"', '"../../etc/passwd"', '"\' OR 1=1 --"', '"{{ 1 }}"'),
    *('"<script>alert(1)</script>"', "[]", "{}", "[1]", '{"a": 1}', '["a"]', "[[[[]]]]"),
    *("[null]", '{"": ""}', f'"{ID}"', f'"{ID.upper()}"', '"' + "é" * 400 + '"'),
    *("[" * 300 + "]" * 300, '{"a":' * 200 + "1" + "}" * 200, "[" * 900 + "]" * 900),
    *('{"a":' * 900 + "1" + "}" * 900, "[" + "0," * 999 + "0]", "NaN", "Infinity", "-Infinity"),
    *("undefined", "01", "+1", ".5", "'a'", "0x10", "\\", ""),
]
#: Whole bodies: no JSON objects, or very odd ones.
TEXTS = [
    *(b"", b" ", b"null", b"[]", b"1", b'"a"', b"{", b"}", b"{}{}", b"{,}", b'{"message"}'),
    *(b"\0", b"NaN", b"{'a': 1}", b'{"message": "a",}', b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0"),
    *(b'{"\xff": 1}', b'{"message": "\xed\xa0\x80"}', b'{"message": "\xc0\x80"}'),
    *(b'{"message": "\xf5\x80\x80\x80"}', b'{"message": "a", "message": null}'),
    *(b'{"message": "a" /* */}', b"<xml/>", b"message=hi", b"[" * 2000, b"[" * 100_000),
    *(b'{"a":' * 2000, b"[" * 2000 + b"]" * 2000, b"1" * 100_000),
    *(b'{"message": "' + b"\\ud800" * 1000 + b'"}', b'{"message": "' + b"a" * 100_000),
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n",
]
#: Bodies with about a million elements or bytes, or more; they are sent rarely.
LARGE = [
    b'{"message": [' + b"0," * 500_000 + b"0]}",
    b'{"model": "say=x", "message": "' + b"a" * 1_000_000 + b'"}',
    *(b'{"options": {"a": [' + b"[]," * 340_000 + b"[]]}}", b"[" * 1_048_576),
    *(b"{" + b" " * 1_048_000, b'{"model": "say=x", "message": "' + b"a " * 500_000 + b'"}'),
    b'{"title": "' + b"\\u0000" * 170_000 + b'"}',
    b'{"model": "say=x", "message": "\xe4\xb8\x80' + b"\n" * 1_000_000 + b'"}',
    *(b"x" * 1_048_577, b"%41" * 340_000, b"%41" * 2_000_000, b"&a=" * 2_000_000),
    *(b"0," * 4_000_000, b"--x\r\n" * 1_000_000, b"=%41" * 2_000_000, b"a" * 8_388_609),
]
FORM = "application/x-www-form-urlencoded"
TYPES = [
    *("application/json", "application/json", "application/json"),
    *("application/json; charset=utf-7", "text/plain", FORM, "multipart/form-data; boundary=x"),
    *("", "json", "multipart/form-data", "application/json\t", "APPLICATION/JSON", "\xff"),
    *("a" * 5000, "/;;;="),
]
HEADERS = {
    "Host": [
        *("evil.example", "localhost:99999999", "[::1", "", "localhost, localhost"),
        "a@localhost",
    ],
    "Content-Type": TYPES,
    "Content-Encoding": ["gzip", "identity", "br", "x" * 500],
    "Content-Length": [
        *("-1", "+5", "0x5", "5, 5", "5, 6", "99999999999999999999", "", " ", "1_0", "٣"),
    ],
    "Transfer-Encoding": [
        *("chunked", "identity", "gzip, chunked", "chunked, chunked", "\x0bchunked", "x"),
    ],
    "Last-Event-ID": ["-1", "1e3", "a", "9" * 15, "9" * 400, "٣", "1\t2", "\xff", ""],
    "Accept": ["text/html", " " * 15_000 + "x", "\xff" * 100, ",,,,"],
    "Accept-Encoding": [
        *("gzip;q=1..2", "gzip;q=", "gzip" + " " * 15_000 + "x", "," * 4000, "gzip;q=1e9"),
        "\xff",
    ],
    "Accept-Language": [
        *("de;q=x", "de" + " " * 15_000 + "x", ";;;", "zh-" * 2000, "\xff", "../../x"),
        "xx-pseudo",
    ],
    "If-None-Match": ['"x"', "*", 'W/"x"', '"' * 500, "\xff", ""],
    "If-Modified-Since": ["x", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 99],
    "Range": ["bytes=0-0", "bytes=-1", "bytes=0-,0-,0-", "bytes=" + "9" * 99, "x"],
    "Cookie": ["a=b", "=;=;=", "a=" + '"\\' * 2000, ";" * 4000, "\xff=\xff"],
    "X-Forwarded-For": ["127.0.0.1", "x" * 400, ", , ,", "::1%eth0", "\xff"],
    "X-Forwarded-Proto": ["https", ",", "javascript", "\xff"],
    "Origin": ["null", "https://evil.example", "http://[", "\xff", "http://localhost:x"],
    "Sec-Fetch-Site": ["cross-site", "same-origin", "none", "x"],
    "Expect": ["100-continue", "x"],
    "Connection": ["close", "keep-alive", "upgrade", "Host, close", "\xff"],
    "Upgrade": ["h2c", "websocket"],
    "Idempotency-Key": ["", "a", "b", "x" * 256, "\xff"],
    "Tornado-Stream-Keep": ["true", "1", "x", "\xff"],
    "x-stainless-retry-count": ["0", "1", "x"],
    "X-Forwarded-Host": ["evil.example"],
}
#: Lines that are not allowed in a head, or not twice.
LINES = [
    *("Host: localhost", "Host: evil.example", "no colon", ": no name", " folded", "\tfolded"),
    *("A b: c", "A : b", "A\0: b", "A: b\0c", "A: b\rB: c", "A: b\nB: c", "\xff: a", "A: \x7f"),
    *("(", "Content-Length: 0", "Content-Length: 5", "Transfer-Encoding: chunked"),
    "A: " + "b" * 17_000,
]
TARGETS = [
    *("*", "//", "///evil.example", "/\\evil.example", "/..", "/../../etc/passwd", "/%2e%2e/"),
    *("/%00", "http://localhost/healthz", "http://evil.example/healthz"),
    *("https://localhost:1/api/models", "localhost:80", "healthz", "?", "#", "/#a", "/?", "/;"),
    *("/%", "/%zz", "/%ff", "/%ed%a0%80", "/é", "/healthz?\xff", "/healthz#a", "/healthz "),
    *("/ healthz", "/static/", "/static/../app.py", "/c/", "/static/%2e%2e/app.py"),
    *("/static/js/%00", "/static/" + "a/" * 2000, "/" + "a" * 15_000, "/stream/"),
    *("/static//js/app.js", "/static/\xff", "/c/%30" + ID[3:], f"/c/{ID}.exe"),
    *("/c/" + ID + "%0a", "", "/api/conversations?" + "&" * 5000),
    *("/api/conversations?" + "q=1&" * 1500, "/api/../healthz"),
]
ARGUMENTS = [
    *("", "0", "-1", "1", "201", "9" * 9, "9" * 18, "9" * 19, "9" * 400, "1e3", "a", "ab", "abc"),
    *("%", "%00", "%ff", "%ed%a0%80", "%zz", "%0d%0aX:1", "%D9%A3", "+", "%25", "_", "%22", "*"),
    *("%27--", "(" * 99, "a" * 10_000, "%E4%B8%80" * 900, "%C4%B0%C4%B0", "NEAR(a)", "\\"),
    *("%EF%BF%BF", "%EE%80%80"),
]
METHODS = [
    *("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PRI"),
    *("", "G\0T", "A" * 5000, "GET\t", "\xff", "_", "M-SEARCH"),
]
VERSIONS = [
    *("HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/1", "http/1.1", "", "X"),
]
CHUNKS = [
    *(b"2\r\n{}\r\n0\r\n\r\n", b"2;a=b\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\nA: b\r\n\r\n"),
    *(b"0\r\n\r\n", b"-1\r\n", b"zz\r\n", b"0x2\r\n{}\r\n0\r\n\r\n", b"2 \r\n{}\r\n0\r\n\r\n"),
    *(b"2\n{}\n0\n\n", b"\r\n", b"ffffffffffffffffff\r\n", b"7fffffff\r\n"),
    *(b"2\r\n{}x\r\n0\r\n\r\n", b"2\r\n{", b"2" * 5000, b"1\r\n{\r\n" * 2000 + b"0\r\n\r\n"),
    *(b"1;" + b"a" * 5000 + b"\r\n{\r\n", b"2\r\n{}\r\n0\r\n"),
]
PIECES = [
    *(b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"HTTP/1.1"),
    *(b"GET / ", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Host: localhost\r\n", b"%", b"?", b"{", b"}", b'"', b"9" * 30, b"[" * 50, b"0\r\n\r\n"),
    *(b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0"),
]


@dataclass
class Case:
    """Bytes to send. `sound`: they are valid HTTP, so the server must answer with that many
    `responses`. `half`: the client closes its side of the connection afterwards."""

    kind: str
    data: bytes
    sound: bool = False
    half: bool = False
    responses: int = 1


class Requests:
    """Makes cases. `conversation` and `generation` are ids that exist on the server."""

    def __init__(self, rng: Random, conversation: str, generation: str) -> None:
        self.rng = rng
        self.ids = {"{id}": conversation, "{generation}": generation}

    def make(self, large: float = 0.002) -> Case:
        rng = self.rng
        if rng.random() < large:
            return self.large()
        makers: list[Callable[[], Case]] = [
            *(self.members, self.members, self.text, self.read, self.target, self.header),
            *(self.lines, self.framing, self.start_line, self.pipelined, self.mutated),
        ]
        case = rng.choice(makers)()
        case.half = rng.random() < 0.02
        return case

    def members(self) -> Case:
        """The documented members of a route, with values of any type."""
        rng = self.rng
        (method, path), names = rng.choice(list(BODIES.items()))
        chance = min(0.4, 1.5 / len(names))
        members = {name: rng.choice(VALUES) for name in names if rng.random() < chance}
        for name in NEEDED.keys() & set(names):
            if rng.random() < 0.7:
                pieces = rng.choice(NEEDED[name]).split("VALUE")
                members[name] = pieces[0] + "".join(rng.choice(VALUES) + p for p in pieces[1:])
        if "conversation_id" in members and rng.random() < 0.5:
            members["conversation_id"] = f'"{self.ids["{id}"]}"'
        body = ", ".join(f'"{name}": {value}' for name, value in members.items())
        head = {"Content-Type": "application/json"}
        if path.startswith("/v1/"):
            names = ("Idempotency-Key", "Tornado-Stream-Keep", "x-stainless-retry-count")
            head |= {name: rng.choice(HEADERS[name]) for name in names if rng.random() < 0.2}
        return self._request("members", method, path, ("{" + body + "}").encode(), head)

    def text(self) -> Case:
        (method, path), _ = self.rng.choice(list(BODIES.items()))
        headers = {"Content-Type": self.rng.choice(TYPES)}
        return self._request("text", method, path, self.rng.choice(TEXTS), headers)

    def large(self) -> Case:
        return self._large(self.rng.choice(list(BODIES)), self.rng.choice(LARGE), TYPES)

    def every_large(self) -> list[Case]:
        """Every large body as JSON and as a form."""
        kinds = [[TYPES[0]], [FORM], ["multipart/form-data; boundary=x"]]
        return [self._large(("POST", "/stream"), body, kind) for body in LARGE for kind in kinds]

    def _large(self, route: tuple[str, str], body: bytes, types: list[str]) -> Case:
        headers = {"Content-Type": self.rng.choice(types)}
        case = self._request("large", *route, body, headers)
        case.sound = len(body) <= 8 * 1024 * 1024
        return case

    def read(self) -> Case:
        rng = self.rng
        path, names = rng.choice(list(READS.items()))
        arguments = [
            f"{name}={rng.choice(ARGUMENTS)}" for name in (*names, "x") if rng.random() < 0.6
        ]
        if "{generation}" in path and "live" not in path:
            arguments.append("live=0")
        return self._request(
            "read", rng.choice(("GET", "GET", "HEAD")), f"{path}?{'&'.join(arguments)}"
        )

    def target(self) -> Case:
        return self._request("target", "GET", self.rng.choice(TARGETS), sound=False)

    def header(self) -> Case:
        """Well-known header fields with odd values, on any route."""
        rng = self.rng
        names = rng.sample(list(HEADERS), rng.randint(1, 4))
        headers = {name: rng.choice(HEADERS[name]) for name in names}
        sound = not {"Content-Length", "Transfer-Encoding", "Host"} & headers.keys()
        if rng.random() < 0.5:
            return self._request("header", "GET", rng.choice(list(READS)), None, headers, sound)
        method, path = rng.choice(list(BODIES))
        return self._request("header", method, path, b'{"message": "hi"}', headers, sound)

    def lines(self) -> Case:
        """A head with invalid lines, or with very many lines."""
        rng = self.rng
        more = [rng.choice(LINES) for _ in range(rng.randint(1, 3))]
        if rng.random() < 0.2:
            more = [f"X-{n}: {n}" for n in range(rng.choice((90, 200, 900, 3000)))]
        case = self._request("lines", "GET", rng.choice(list(READS)), sound=False)
        head, end = case.data[:-2], case.data[-2:]
        case.data = head + "\r\n".join([*more, ""]).encode("latin-1") + end
        return case

    def framing(self) -> Case:
        """Chunked bodies, valid or not, with or without a Content-Length."""
        rng = self.rng
        (method, path), _ = rng.choice(list(BODIES.items()))
        headers = {"Transfer-Encoding": rng.choice(HEADERS["Transfer-Encoding"][:4])}
        if rng.random() < 0.3:
            headers["Content-Length"] = rng.choice(("0", "2", "20", "99999"))
        case = self._request("framing", method, path, None, headers, False)
        case.data += rng.choice(CHUNKS)
        return case

    def start_line(self) -> Case:
        rng = self.rng
        path = self._fill(rng.choice(list(READS)))
        line = f"{rng.choice(METHODS)} {path} {rng.choice(VERSIONS)}"
        if rng.random() < 0.2:
            line = rng.choice(
                (line.replace(" ", "  "), line + " x", " " + line, line.replace(" ", "\t"))
            )
        data = f"{line}\r\nHost: localhost\r\n\r\n".encode("latin-1")
        return Case("start_line", data)

    def pipelined(self) -> Case:
        rng = self.rng
        paths = [rng.choice([p for p in READS if "{g" not in p]) for _ in range(rng.randint(2, 6))]
        cases = [self._request("", "GET", path) for path in paths]
        return Case("pipelined", b"".join(c.data for c in cases), True, responses=len(cases))

    def mutated(self) -> Case:
        """Any other case, with one to eight random changes of its bytes."""
        rng = self.rng
        makers = (self.members, self.text, self.read, self.header, self.framing, self.pipelined)
        data = bytearray(rng.choice(makers)().data)
        for _ in range(rng.randint(1, 8)):
            start = rng.randint(0, len(data))
            end = min(len(data), start + rng.choice((0, 1, 1, 4, 20)))
            data[start:end] = rng.choice((rng.choice(PIECES), b"", rng.randbytes(end - start)))
        return Case("mutated", bytes(data))

    def _request(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        sound: bool = True,
    ) -> Case:
        fields = {"Host": "localhost"}
        if body is not None:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        fields |= headers or {}
        lines = [f"{name}: {value}" for name, value in fields.items()]
        text = "\r\n".join([f"{method} {self._fill(path)} HTTP/1.1", *lines, "", ""])
        head = text.encode("utf-8" if "٣" in text else "latin-1")
        return Case(kind, head + (body or b""), sound and len(head) < LONGEST_HEAD)

    def _fill(self, path: str) -> str:
        for name, value in self.ids.items():
            path = path.replace(name, value)
        return path


def is_ours(body: bytes) -> bool:
    """Whether this is an error in the API's JSON format."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(error["code"], str) and isinstance(error["message"], str)
