"""The program that runs the local model: llama.cpp's HTTP server in a process of its own.

A crash of the native library ends only this process, and its memory holds no secret except its
own key. The server runs this file by its path, so it must not import anything of this package.

Input: one line of JSON on stdin, `{"model", "key", "threads", "parallel", "context"}`; `context` is
in tokens, for each of `parallel` slots. The key comes on stdin because other users of the machine
can read arguments and environment variables. Output: one line of JSON on stdout, `{"ready": url}`
or `{"failed": reason}`, among the lines that the library prints. The process ends, in every phase,
when its stdin is closed, so it never outlives its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from typing import Any

MODEL_ID = "smollm2-135m-instruct"

# Unlike the model's own template, this one adds no default system prompt: answers are better.
TEMPLATE = (
    "{% for m in messages %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def main() -> None:
    config = json.loads(sys.stdin.buffer.readline() or "{}")
    if not config:
        return
    try:
        exit_with_parent()
        server = serve(config)
    except Exception as error:
        say(failed=explain(error))
        sys.exit(1)
    say(ready=server.listening_address)
    threading.Event().wait()  # until `watch_stdin` ends the process


def exit_with_parent() -> None:
    """Let the kernel end this process when the parent closes stdin, on systems with O_ASYNC.

    While it loads, the library holds the interpreter's lock, so `watch_stdin` cannot run. SIGIO
    needs no thread: its default action ends the process.
    """
    if hasattr(os, "O_ASYNC"):
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
            fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def watch_stdin() -> None:
    """Wait for the end of stdin, then end this process. This works on every platform."""
    sys.stdin.buffer.read()
    os._exit(0)


def serve(config: dict[str, Any]) -> Any:
    """Load the model and listen on a free port of the loopback interface."""
    check_weights(config["model"])
    import xllamacpp

    # After the import: on Windows, loading a library while a thread reads stdin hangs.
    threading.Thread(target=watch_stdin, daemon=True).start()
    params = xllamacpp.CommonParams()
    params.model.path = config["model"]
    params.model_alias = {MODEL_ID}
    params.chat_template = TEMPLATE
    set_limits(params, config)
    restrict_access(params, config["key"])
    return xllamacpp.Server(params)  # returns when the model is loaded and the port is open


def set_limits(params: Any, config: dict[str, Any]) -> None:
    params.n_parallel = config["parallel"]
    params.n_ctx = config["parallel"] * config["context"]
    # Small batches, because an abandoned request stops only between two batches of its prompt.
    params.n_batch, params.n_ubatch = 256, 128
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config["threads"]
    params.cache_ram_mib = 0
    # Defaults for requests that set nothing. At the usual temperatures a small model digresses,
    # and a penalty on repetition makes its facts worse.
    params.sampling.temp, params.sampling.top_p = 0.2, 0.9
    # Seconds. A queued request gets pings, which show that its server is alive.
    params.sse_ping_interval = 5
    params.verbosity = 1


def restrict_access(params: Any, key: str) -> None:
    """Listen only on loopback, require the key, and serve no page that shows prompts."""
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys = [key]
    params.endpoint_slots = params.ui = False
    params.cors_origins = ""


def check_weights(path: str) -> None:
    with open(path, "rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path} is not a GGUF file.")


def explain(error: Exception) -> str:
    """One line for a person: the cause and, if there is one, the remedy."""
    text = " ".join(str(error).split()) or type(error).__name__
    match error:
        case ModuleNotFoundError(name="xllamacpp"):
            return "The package xllamacpp is not installed."
        case ImportError() if "libgomp" in text:
            return "The system library libgomp is missing: apt-get install libgomp1"
        case ImportError():
            return f"xllamacpp cannot be loaded: {text}."
        case OSError():
            return f"The weights cannot be read: {text}."
        case ValueError():
            return text
        case _:
            return f"llama.cpp could not load the model: {text}"


def say(**message: str) -> None:
    # The leading newline ends a line that the library may have left unfinished.
    sys.stdout.write("\n" + json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
