"""The program that holds the local model: llama.cpp's HTTP server in a process of its own.

A crash of the native library costs this process only, and its memory holds no secret but its own
key. It is run as a file, by path, and must import nothing of this package.

In: one line of JSON on stdin, `{"model", "key", "threads", "parallel", "context"}` (`context` is in
tokens, for each of `parallel` slots). The key comes this way because an argument or an environment
variable could be read by others. Out: one line of JSON on stdout, `{"ready": url}` or
`{"failed": why}`, between whatever the library prints. It ends when stdin does, in every phase, so
it never outlives whoever started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from typing import Any

MODEL_ID = "smollm2-135m-instruct"

# Without the model's own default system prompt, with which it answers worse.
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
    threading.Event().wait()  # the watcher ends the process


def exit_with_parent() -> None:
    """Have the kernel end this process when the other end of stdin is closed, where it can.

    The library holds the interpreter's lock while it loads: no thread of ours runs then. SIGIO
    needs none; its default action ends the process.
    """
    if hasattr(os, "O_ASYNC"):
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
            fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def watch_stdin() -> None:
    """Wait for the end of stdin, then end this process: the way that works on every platform."""
    sys.stdin.buffer.read()
    os._exit(0)


def serve(config: dict[str, Any]) -> Any:
    """Load the model and listen on a free port of the loopback interface."""
    check_weights(config["model"])
    import xllamacpp

    # Not before the import: on Windows a library that is loaded while a thread reads stdin hangs.
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
    # Small batches: a request that is dropped while its prompt is read stops after the next one.
    params.n_batch, params.n_ubatch = 256, 128
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config["threads"]
    params.cache_ram_mib = 0
    # What a request does not say. A small model drifts at the usual temperatures, and a penalty
    # on repetition makes its facts worse.
    params.sampling.temp, params.sampling.top_p = 0.2, 0.9
    # Seconds: a queued request hears from the server well before a reader's patience ends.
    params.sse_ping_interval = 5
    params.verbosity = 1


def restrict_access(params: Any, key: str) -> None:
    """Loopback, a key, and none of the pages that show other people's prompts."""
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys = [key]
    params.endpoint_slots = params.ui = False
    params.cors_origins = ""


def check_weights(path: str) -> None:
    with open(path, "rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path} is not a GGUF file.")


def explain(error: Exception) -> str:
    """The cause and, where there is one, the remedy, in one line."""
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
    # A line of its own, even if the library left one unfinished.
    sys.stdout.write("\n" + json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
