"""A launch that is killed at any moment and taken up again decides nobody twice, misses nobody and exceeds no cap.

``PROMISES_KILLS`` (40) says how many lives are ended.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager, suppress

import launch_child
import pytest
from books_desk import SPRING, books, engine_of, started
from launch_child import CHUNK, CONFIG
from test_campaign_launch import asked

from andante.runners.replaying import replay

KILLS = int(os.environ.get("PROMISES_KILLS", "40"))
USERS = [f"user-{n}" for n in range(60)]
LIVES_MAX = 400


def killed(child):
    """Kill a process, unless it has just ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


@contextmanager
def undertaker():
    """Start a process that launches, and is killed."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, launch_child.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as process:

        def life(after_s=None, **task):
            print(json.dumps(task), file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            killer = threading.Timer(after_s or 30, killed, (child,))
            killer.start()
            status = int(process.stdout.readline())
            killer.cancel()
            return status

        yield life
        process.stdin.close()


def two_campaigns(folder):
    """Two campaigns for the same users, of whom a cap lets each get one push a day."""
    with engine_of(USERS, folder / "shop.db", CONFIG) as engine, books(folder, engine) as opened:
        return [started(opened, {**SPRING, "name": name}) for name in ("one", "two")]


def audit(folder, campaigns):
    """Hold the books against the log."""
    with engine_of(path=folder / "shop.db", config=CONFIG) as engine, books(folder, engine) as opened:
        sent = 0
        for campaign_id in campaigns:
            assert asked(engine, campaign_id) == Counter(USERS), "somebody was asked twice, or never"
            progress = opened.campaigns.progress(campaign_id)
            assert progress.asked == len(USERS), "the books count others than the log"
            assert progress.sent + progress.deferred + progress.suppressed == len(USERS)
            assert sum(progress.reasons.values()) == len(USERS) - progress.sent
            assert opened.campaigns.of(campaign_id).state == "done"
            sent += progress.sent
        by_user = Counter(send.user_id for send in engine.sends().sends if send.candidate.campaign_id in campaigns)
        assert by_user == Counter(USERS), "a cap was exceeded, or a push was lost"
        assert sent == len(USERS)
        assert opened.audit.verify() is None
        done = [one for one in opened.audit.entries() if one.action == "campaign.done"]
        assert len(done) == len(campaigns)
    assert replay(folder / "shop.db").differences == []


@pytest.mark.parametrize("how", ["at any time", "at a statement"])
def test_a_launch_killed_at_any_moment_decides_nobody_twice(how, tmp_path):
    draw = random.Random(how)
    kills = turn = 0
    with undertaker() as life:
        while kills < KILLS // 2:
            folder = tmp_path / str(turn)
            folder.mkdir()
            campaigns, turn = two_campaigns(folder), turn + 1
            for _ in range(LIVES_MAX):
                when = (
                    {"after_s": draw.uniform(0.01, 0.25)}
                    if how == "at any time"
                    else {"statements": draw.randint(40, 260)}
                )
                status = life(folder=str(folder), campaigns=campaigns, **when)
                assert status in {0, -signal.SIGKILL}, "the child ended by itself: see its standard error"
                if status == 0:
                    break
                kills += 1
            else:
                pytest.fail("no launch ever came to its end")
            audit(folder, campaigns)


def test_a_chunk_that_the_log_has_and_the_books_have_not_is_counted_and_not_asked_again(tmp_path, monkeypatch):
    with (
        engine_of(USERS, tmp_path / "shop.db", CONFIG) as engine,
        books(tmp_path, engine, launch_chunk=CHUNK) as opened,
    ):
        campaign_id = started(opened)
        launch = launch_child.Launch(engine, opened)
        end_chunk = opened.campaigns.end_chunk

        def die(*_given):
            monkeypatch.setattr(opened.campaigns, "end_chunk", end_chunk)
            raise KeyboardInterrupt

        monkeypatch.setattr(opened.campaigns, "end_chunk", die)
        with pytest.raises(KeyboardInterrupt):
            launch.run(campaign_id)
        assert opened.campaigns.progress(campaign_id).asked == 0
        assert asked(engine, campaign_id).total() == CHUNK
        assert launch.run(campaign_id).asked == len(USERS)
        assert asked(engine, campaign_id) == Counter(USERS)
