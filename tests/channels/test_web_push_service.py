"""A push service that is not ours, from the npm registry, checks what we sign and reads what we encrypt."""

import asyncio
import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from channel_peers import a_push, an_address

from andante.channels.contract import Content, Status
from andante.channels.guard import Guard
from andante.channels.http import Http
from andante.channels.vapid import new_key, read_key
from andante.channels.web_push import WebPush

PEERS = Path(__file__).parent / "peers"

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="the push service runs on Node.js")


@contextmanager
def push_service(folder):
    """Install the service as it is locked, and run it; yield its port."""
    for name in ("package.json", "package-lock.json", "push_service.js"):
        shutil.copy(PEERS / name, folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, check=True, timeout=120)
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", "push_service.js"], cwd=folder, stdin=pipe, stdout=pipe, text=True) as service:
        try:
            yield next(json.loads(line)["port"] for line in service.stdout if line.startswith("{"))
        finally:
            service.kill()


def called(port, path, **body):
    answer = httpx.post(f"http://localhost:{port}/{path}", json=body, trust_env=False)
    answer.raise_for_status()
    return answer.json().get("data") if answer.text.startswith("{") else None


def test_a_push_service_of_others_accepts_decrypts_and_tells_what_is_gone(tmp_path):
    key = read_key(new_key(), "mailto:push@shop.example")
    with push_service(tmp_path) as port:
        subscription = called(port, "subscribe", userVisibleOnly="true", applicationServerKey=key.public)
        foreign = called(port, "subscribe", applicationServerKey=read_key(new_key(), "mailto:x@y.example").public)
        pushes = [
            a_push(),
            a_push(content=Content(title="特价 🎉", image_url="https://shop.example/i.png", form="card")),
        ]

        async def tried():
            guard = Guard(frozenset({port}), private=True)
            web_push = WebPush(Http(guard=guard), key, guard, ttl_s=60, ttl_transactional_s=60)
            to = an_address("web_push", web_push.checked(subscription))
            taken = [await web_push.send(push, to) for push in pushes]
            other = await web_push.send(a_push(), an_address("web_push", foreign))
            called(port, f"expire-subscription/{subscription['clientHash']}")
            gone = await web_push.send(a_push(), to)
            await web_push.close()
            return taken, other, gone

        taken, other, gone = asyncio.run(tried())
        read = [
            json.loads(one)
            for one in called(port, "get-notifications", clientHash=subscription["clientHash"])["messages"]
        ]
    assert [(answer.status, answer.code) for answer in taken] == [(Status.ACCEPTED, "201")] * 2
    assert [one["content"]["title"] for one in read] == ["Sale", "特价 🎉"]
    assert (other.status, other.code) == (Status.REFUSED, "400"), "subscribed with another key than ours"
    assert (gone.status, gone.code) == (Status.GONE, "410")
