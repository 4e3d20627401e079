"""The pages' benchmark keeps its pace, counts what it is answered, and looks at a page that really moves."""

import json
import socket

import pytest

from andante.benchmarks import pages_cost, pages_live, pages_load
from andante.benchmarks.pages_browser import NAMES, OBSERVER, chromium, felt, held, opened, show_now, until
from andante.benchmarks.pages_cost import order, viewers
from andante.benchmarks.pages_server import with_dashboard
from andante.benchmarks.service_questions import CONFIG
from andante.vocabulary.fault import Fault


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with with_dashboard(tmp_path_factory.mktemp("bench") / "service.db", CONFIG) as server:
        yield server


def asked(server, **more):
    """Return an order of a short load."""
    given = order(server.url, server.pid, 0.5, **more)
    return {name: value for name, value in given.items() if name not in {"url", "pid"}}


def test_open_loop_asks_as_often_as_it_should_and_says_what_the_server_decided(server, monkeypatch):
    monkeypatch.setattr(pages_load, "WARM_UP_S", 0.1)
    run = pages_load.paced(server.url, server.pid, **asked(server, per_s=100, bodies=pages_live.bodies()))
    assert run["offered"] == run["answers"] == run["decided"] == 50
    assert run["statuses"] == {"200": 50}
    assert sum(run["seen"].values()) == 50
    assert 0 < run["p50_ms"] <= run["p99_ms"] <= run["longest_ms"]
    assert run["server_cpu_s"] >= 0


def test_closed_loop_says_what_the_server_decided_and_spent(server):
    run = pages_load.crowded(server.url, server.pid, **asked(server, connections=4))
    assert run["decided"] >= run["answers"] > 0  # what came before the count is decided too
    assert run["server_cpu_s"] > 0


def test_requests_that_nobody_answers_are_missed(monkeypatch):
    monkeypatch.setattr(pages_load, "PATIENCE_S", 0.05)
    monkeypatch.setattr(pages_load, "WARM_UP_S", 0.0)
    monkeypatch.setattr(pages_load, "_beside", lambda *given: given[-1]())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        run = pages_load.paced(url, 0, ["{}"], per_s=100, seconds=0.1, connections=2, numbered=0)
    assert (run["offered"], run["answers"]) == (10, 0)


def test_viewers_poll_and_are_answered_with_figures_of_their_own(server):
    with viewers(server.url) as answered:
        assert answered() >= len(pages_cost.LOOKS) == len(set(pages_cost.LOOKS)) == 5


def test_viewer_that_is_refused_is_told_of(server, monkeypatch):
    monkeypatch.setattr(pages_cost, "LOOKS", ["/dashboard/now.json?span=century"])
    with pytest.raises(Fault, match="was not answered"), viewers(server.url):
        pass


def test_questions_of_the_page_go_over_channels_and_campaigns():
    asked = [json.loads(body)["candidates"][0] for body in pages_live.bodies()]
    assert {one["channel"] for one in asked} == set(pages_live.CHANNELS)
    assert len({one["campaign_id"] for one in asked}) == pages_live.CAMPAIGNS
    assert all("user-%07d" in body for body in pages_live.bodies())


def test_page_is_watched_while_it_moves(server):
    try:
        started = chromium()
        with started as browser, opened(browser, OBSERVER) as page:
            show_now(page, server.url)
            opening = felt(page)
            until(page, "Number(document.documentElement.dataset.polls) >= 4")
            since, holds = felt(page), held(page.context.new_cdp_session(page))
    except Fault as fault:
        if "Chromium" not in str(fault):
            raise
        pytest.skip(f"none of {NAMES} is on this machine")
    assert opening.bytes > since.bytes > 0
    assert since.polls >= 1
    assert 0 < since.frame_p50_ms <= since.frame_p99_ms
    assert holds.nodes > 100
    assert 1 < holds.heap_mib < 200
