"""`andante serve` needs nothing but a file, says where it listens, and refuses to be open to all."""

import json
import re
import signal
import subprocess
import sys

import httpx

from andante.service.keys import Keyring
from andante.settings.sections.service import ServiceKey

ANDANTE = [sys.executable, "-m", "andante"]


class serving:  # noqa: N801  a block
    """A server in a process of its own."""

    def __init__(self, db, *more):
        self._command = [*ANDANTE, "serve", "--db", str(db), "--port", "0", *more]

    def __enter__(self):
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline()
        self.url = re.search(r"http://\S+?(?= )", self.said)[0]
        self.healthy = httpx.get(f"{self.url}/readyz", timeout=30).json()
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        with self.process.stdout, self.process.stderr:
            self.rest, self.errors = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait(30)
        assert self.process.returncode == 0, self.errors


def test_it_serves_a_file_that_is_not_there_yet_and_says_what_it_does(tmp_path):
    db = tmp_path / "shop.db"
    with serving(db) as server:
        assert server.healthy["ready"]
        wishes = {"consent": {"push": True}}
        assert httpx.put(f"{server.url}/v1/users/ann/preferences", json=wishes).status_code == 200
    assert db.exists()
    assert (tmp_path / "shop.db.secret").stat().st_mode & 0o077 == 0
    assert "no API key is configured: only this machine may call" in server.rest
    with serving(db) as again:
        assert httpx.get(f"{again.url}/v1/users/ann").json()["consent"] == {"push": True}


def test_it_refuses_to_be_open_to_all(tmp_path):
    command = [*ANDANTE, "serve", "--db", str(tmp_path / "shop.db"), "--host", "0.0.0.0"]  # noqa: S104
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no API key is configured" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "shop.db").exists()


def test_a_port_that_is_taken_is_one_clear_line(tmp_path):
    with serving(tmp_path / "one.db") as server:
        port = server.url.rpartition(":")[2]
        command = [*ANDANTE, "serve", "--db", str(tmp_path / "two.db"), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "cannot be listened on" in done.stderr


def test_a_key_that_was_made_opens_what_its_scopes_say(tmp_path):
    done = subprocess.run([*ANDANTE, "key", "--json"], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    ring = Keyring([ServiceKey(name="shop", sha256=made["sha256"], scopes=("decisions",))])
    shown = {b"authorization": f"Bearer {made['key']}".encode()}
    assert ring.admit(shown, "decisions").name == "shop"
    shown_text = subprocess.run([*ANDANTE, "key"], capture_output=True, text=True, check=True).stdout
    assert "[[service.keys]]" in shown_text


def test_a_configuration_with_a_key_locks_the_server_and_without_it_only_this_machine_may_call(tmp_path):
    done = subprocess.run([*ANDANTE, "key", "--json"], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout)
    config = tmp_path / "andante.toml"
    config.write_text(f'[[service.keys]]\nname = "shop"\nsha256 = "{made["sha256"]}"\nscopes = ["users.read"]\n')
    with serving(tmp_path / "shop.db", "--config", str(config)) as server:
        assert httpx.get(f"{server.url}/v1/users/ann").status_code == 401
        shown = {"authorization": f"Bearer {made['key']}"}
        assert httpx.get(f"{server.url}/v1/users/ann", headers=shown).status_code == 404
    assert made["key"] not in server.rest + server.errors
    command = [*ANDANTE, "serve", "--db", str(tmp_path / "shop.db"), "--host", "0.0.0.0"]  # noqa: S104
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
