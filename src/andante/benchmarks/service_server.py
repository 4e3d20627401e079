"""The service under load, in a process of its own: a real ``andante serve``, and beside it a constant answer.

The constant is plain ASGI on the same server, without a door, a router or headers of ours: the least that a call of
HTTP can cost there.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

CONSTANT = "/constant"
_ANSWER = msgspec.json.encode(
    {
        "decision_id": "3fa2c1-1b-7", "action": "send", "candidate_id": "push", "channel": "push",
        "send_at": "2026-06-01T17:00:00Z", "reasons": ["best"], "propensity": 1.0, "plan_per_week": 3.0,
        "policy_version": "1.1.0123456789abcdef",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    url: str
    pid: int

    def memory_mib(self, mark: str = "VmRSS") -> float:
        """Return its resident memory now, or with ``VmHWM`` at its highest."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return float("nan")
        line = next(line for line in status.read_text("ascii").splitlines() if line.startswith(f"{mark}:"))
        return int(line.split()[1]) / 1024


@contextmanager
def served(database: Path, config: dict[str, Any], **service: Any) -> Iterator[Server]:
    """Serve a database from a process of its own until the end of the block."""
    order = json.dumps({"database": str(database), "config": config, "service": service})
    with subprocess.Popen(
        [sys.executable, "-m", "andante.benchmarks.service_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101  both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(order + "\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            yield Server(told["url"], process.pid)
        finally:
            process.stdin.close()
            process.wait(60)


class Constant:
    """Answers one path with the same bytes, and leaves all others to the service."""

    def __init__(self, app: Any) -> None:
        """Store the service."""
        self._app = app
        length = str(len(_ANSWER)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._body = {"type": "http.response.body", "body": _ANSWER}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        if scope["type"] == "http" and scope["path"] == CONSTANT:
            while (await receive()).get("more_body"):
                pass
            await send(self._start)
            await send(self._body)
        else:
            await self._app(scope, receive, send)


def main() -> None:
    """Serve what is ordered until standard input ends."""
    from andante.service.opening import open_service

    order = json.loads(sys.stdin.readline())
    database = Path(order["database"])
    config = database.with_suffix(".toml")
    config.write_text(_toml({**order["config"], "service": {"port": 0, **order["service"]}}), encoding="utf-8")
    running = open_service(database, config)
    around = running._server.config  # noqa: SLF001  the one place where an application can be put around it
    around.app = Constant(around.app)

    def watch() -> None:
        sys.stdin.read()
        running.end()

    threading.Thread(target=watch, daemon=True).start()
    print(json.dumps({"url": running.url}), flush=True)
    running.run()


def _toml(sections: dict[str, Any]) -> str:
    """Return sections as TOML, each on one line.

    >>> print(_toml({"caps": [{"limit": 1}], "gap": {"minimum": "PT0S", "on": True}}), end="")
    caps = [{limit = 1}]
    gap = {minimum = "PT0S", on = true}
    """
    return "".join(f"{name} = {_inline(value)}\n" for name, value in sections.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_inline(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)


if __name__ == "__main__":
    main()
