"""`andante serve --demo`: simulated shoppers live against a real server, at any speed, and never outlive it."""

import json
import re
import signal
import subprocess
from datetime import datetime

import httpx
import psutil
import pytest
from demo_desk import ANDANTE, Demo

from andante.monitoring import Watch
from andante.runners.replaying import replay

REASONS = "SELECT DISTINCT reason FROM decisions WHERE action <> 'send'"
ACTIONS = "SELECT DISTINCT action FROM decisions"
OUTCOMES = "SELECT DISTINCT type FROM outcomes"
CAMPAIGNS = "SELECT DISTINCT campaign_id FROM sends WHERE campaign_id LIKE 'spring-sale-%' OR campaign_id LIKE 'last-%'"
LEFT = "SELECT count(*) FROM outcomes WHERE type = 'unsubscribed'"
WISHES = "SELECT DISTINCT key FROM preference_changes WHERE key IN ('max_per_week', 'paused_until')"
LATEST_PLAN = """SELECT user_id, body FROM log JOIN users ON users.number = log.user
WHERE kind = 6 AND at_us = (SELECT max(at_us) FROM log WHERE kind = 6)"""
LAST = "SELECT coalesce(max(at), '') FROM decisions"


@pytest.fixture(scope="module")
def lively(tmp_path_factory):
    """A demonstration that has shown everything; it is paused."""
    with Demo(tmp_path_factory.mktemp("demo") / "demo.db") as demo:
        demo.until(lambda: len(demo.rows(CAMPAIGNS)) == 2, "both campaigns went out")
        demo.until(lambda: demo.rows(LEFT)[0][0] >= 5, "five shoppers left")
        demo.until(lambda: len(demo.rows(WISHES)) == 2, "some turned their dial down, or paused")
        demo.until(lambda: alarms(demo), "monitoring raises an alarm")
        demo.runs_at(0)
        yield demo


def alarms(demo):
    """Return the campaigns whose opt-outs monitoring warns of."""
    (now_us,) = demo.rows("SELECT max(at_us) FROM log")[0]
    watch = Watch(demo.db)
    while watch.look(now_us):
        pass
    return {alarm.name for alarm in watch.alarms(now_us) if (alarm.kind, alarm.scope) == ("optouts", "campaign")}


def test_within_its_first_days_everything_has_been_seen(lively):
    assert {action for (action,) in lively.rows(ACTIONS)} == {"send", "defer", "suppress"}
    assert len(lively.rows(REASONS)) >= 5
    assert {"delivered", "opened", "unsubscribed"} <= {kind for (kind,) in lively.rows(OUTCOMES)}


def test_monitoring_warns_of_the_bad_campaign_and_of_no_other(lively):
    assert {name.rpartition("-")[0].rpartition("-")[0] for name in alarms(lively)} == {"last-chance"}


def test_what_waits_is_asked_again_when_it_is_due_by_the_clock_of_the_demonstration(lively):
    (released,) = lively.rows("SELECT count(*) FROM decisions WHERE kind = 'release' AND action = 'send'")[0]
    assert released > 0
    late = "SELECT count(*) FROM waiting WHERE due_s < ?"
    now_s = int(datetime.fromisoformat(lively.steering()["now"]).timestamp())
    lively.until(lambda: lively.rows(late.replace("?", str(now_s)))[0][0] == 0, "nothing that is due waits")


def test_the_bad_campaign_loses_far_more_shoppers_than_all_else(lively):
    campaign_of = "SELECT decision_id, coalesce(campaign_id, '') LIKE 'last-chance-%' AS bad FROM sends"
    sent = dict(lively.rows(f"SELECT bad, count(*) FROM ({campaign_of}) GROUP BY bad"))
    left = dict(
        lively.rows(
            f"SELECT bad, count(*) FROM ({campaign_of}) JOIN outcomes USING (decision_id)"
            " WHERE type = 'unsubscribed' GROUP BY bad"
        )
    )
    assert left[1] / sent[1] > 10 * left.get(0, 0) / sent[0]


def test_shoppers_are_learned_about_one_by_one(lively):
    users = [lively.client.get(f"/v1/users/shopper-{row:03}").json() for row in range(0, 400, 8)]
    assert len({user["open_rate"] for user in users}) > 5
    assert len({user["pace_per_week"] for user in users}) > 1


def test_every_shopper_who_agreed_has_a_plan_and_plans_differ(lively):
    users = [lively.client.get(f"/v1/users/shopper-{row:03}").json() for row in range(0, 400, 8)]
    plans = [user["plan_per_week"] for user in users if user["known"]]
    assert None not in plans
    assert len(set(plans)) > 5
    assert 1 <= min(plans) < 3 < max(plans) <= 14


def test_members_are_planned_for_by_the_formula_of_everybody(lively):
    found = lively.rows(LATEST_PLAN)
    plans = {user_id: json.loads(body) for user_id, body in found}
    some = [user_id for user_id, plan in plans.items() if 1 < plan["per_week"] < 14]
    member = {lively.client.get(f"/v1/users/{user_id}").json()["member"] for user_id in some}
    assert member == {True, False}
    assert len({plan["theta"] for plan in plans.values()}) == 1
    for plan in plans.values():
        usual = 3.0 * plan["interest"] / plan["theta"]
        assert plan["per_week"] == pytest.approx(min(max(usual, 1.0), 14.0), rel=1e-4)


def test_the_page_of_the_plan_shows_it(lively):
    told = lively.client.get("/dashboard/plan.json?language=en").json()
    assert "The plan gives" in told["texts"]["headline"]
    shares = [row["now"] for row in told["charts"]["plan_distribution"]["values"]]
    assert sum(shares) == pytest.approx(1, abs=0.01)
    assert len([share for share in shares if share > 0]) > 4
    assert "planned" in told["charts"]["plan_distribution"]["says"]


def test_a_day_brings_another_plan(lively):
    assert len(lively.rows("SELECT DISTINCT at_us FROM log WHERE kind = 6")) >= 3


def test_nothing_that_happens_is_ahead_of_the_clock(lively):
    (last,) = lively.rows("SELECT max(at_us) FROM log")[0]
    now = datetime.fromisoformat(lively.steering()["now"])
    assert last <= (now.timestamp() + 1) * 1e6


def test_a_pause_pauses_and_another_speed_takes_effect(lively):
    lively.runs_at(0)
    before = lively.steering()
    assert before == lively.steering()
    lively.runs_at(3600)
    lively.until(lambda: lively.steering()["now"] > before["now"], "the clock goes on")
    said = lively.rows(LAST)
    lively.until(lambda: lively.rows(LAST) > said, "shoppers go on")
    paused = lively.runs_at(0)
    assert paused["speed"] == 0
    assert lively.steering() == paused


def test_operators_set_the_speed_on_the_page_now(lively):
    with httpx.Client(base_url=lively.url, timeout=60, follow_redirects=True) as browser:
        browser.post("/dashboard/sign-in", data={"given": "Mia", "next": "/dashboard/"})
        token = re.search(r'name="form_token" value="([^"]*)"', browser.get("/dashboard/").text)[1]
        browser.post("/dashboard/speed", data={"speed": "60", "form_token": token})
        assert lively.steering()["speed"] == 60
    lively.runs_at(0)


@pytest.mark.parametrize("speed", [-1, 14_401, "fast", None, 1e999])
def test_a_speed_that_is_none_is_refused(lively, speed):
    before = lively.steering()
    answer = lively.client.put(
        "/demo/speed", content=json.dumps({"speed": speed}), headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}
    assert lively.steering() == before


@pytest.mark.parametrize("header", [{"origin": "https://elsewhere.example"}, {"host": "elsewhere.example"}])
def test_pages_of_others_steer_nothing(lively, header):
    before = lively.steering()
    assert lively.client.put("/demo/speed", json={"speed": 1}, headers=header).status_code == 403
    assert lively.client.get("/demo/pushes?after=0&told=0", headers=header).status_code == 403
    assert lively.steering() == before


def test_the_page_of_a_phone_stays_where_it_was_and_the_document_names_the_speed(lively):
    assert lively.client.get("/demo/").status_code == 200
    assert "/demo/speed" in lively.client.get("/openapi.json").json()["paths"]


def test_shoppers_who_died_are_followed_by_others_who_go_on(lively):
    (before,) = lively.children()
    lively.runs_at(14_400)
    before.kill()
    lively.until(lambda: [one for one in lively.children() if one.pid != before.pid], "others come")
    said = lively.rows(LAST)
    lively.until(lambda: lively.rows(LAST) > said, "shoppers go on")
    lively.runs_at(0)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_ends_without_an_orphan_and_goes_on_in_time(tmp_path, told):
    db = tmp_path / "demo.db"
    with Demo(db) as demo:
        demo.until(lambda: demo.rows("SELECT count(*) FROM sends")[0][0] > 20, "pushes go out")
        assert len(demo.children()) == 1
        left = demo.steering()
        assert demo.stop(told) == (-signal.SIGKILL if told == signal.SIGKILL else 0)
    with Demo(db) as again:
        assert again.steering()["now"] >= left["now"]
        said = again.rows(LAST)
        again.until(lambda: again.rows(LAST) > said, "shoppers go on")
        users = again.rows("SELECT count(*) FROM users")[0][0]
        assert users <= 400
    assert replay(db).differences == []


def test_a_server_that_cannot_open_leaves_no_shoppers_behind(tmp_path):
    with Demo(tmp_path / "one.db", speed=0) as demo:
        port = demo.url.rpartition(":")[2]
        command = [*ANDANTE, "serve", "--db", str(tmp_path / "two.db"), "--port", port, "--demo"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            said = process.stderr.read()
        assert (process.returncode, len(said.splitlines())) == (2, 1)
        ours = {child.pid for child in demo.children()}
        others = [
            one
            for one in psutil.process_iter(["pid", "cmdline", "environ"])
            if one.info["cmdline"] and "andante.demonstration.shoppers" in one.info["cmdline"] and one.ppid() == 1
        ]
        assert not [one for one in others if one.pid not in ours]


def test_where_callers_need_keys_the_shoppers_have_one_and_nobody_else(tmp_path):
    made = json.loads(subprocess.run([*ANDANTE, "key", "--json"], capture_output=True, check=True).stdout)
    config = tmp_path / "andante.toml"
    config.write_text(f'[[service.keys]]\nname = "shop"\nsha256 = "{made["sha256"]}"\nscopes = ["users.read"]\n')
    with Demo(tmp_path / "demo.db", "--config", str(config)) as demo:
        demo.until(lambda: demo.rows("SELECT count(*) FROM decisions")[0][0] > 20, "shoppers live")
        assert httpx.put(f"{demo.url}/demo/speed", json={"speed": 1}).status_code == 401
        shown = {"authorization": f"Bearer {made['key']}"}
        assert httpx.put(f"{demo.url}/demo/speed", json={"speed": 1}, headers=shown).status_code == 403
        assert all("andante_" not in part for child in demo.children() for part in child.cmdline())
