"""A log is recognised by what it holds; what it shows is right where the truth is known, and what is wrong is found."""

from __future__ import annotations

import gzip
import json
import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from judged_shop import EXPLORING, START, Shop, changed

from andante import Engine
from andante.runners.counterfactual.log import read_log
from andante.runners.evaluating.audit import audit_propensities, calibration
from andante.runners.evaluating.engine import evaluate_engine
from andante.runners.evaluating.evaluate import evaluate
from andante.vocabulary.fault import Fault, InputFault, UnknownShape

USERS, DAYS = 200, 21
CONFIG = changed(EXPLORING, experiment={"explore": 0.4, "holdout": 0.25}, pacing={"arms": [1.0, 7.0]})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Three weeks in which every push brings visits; a third of the users are members."""
    path = tmp_path_factory.mktemp("log") / "shop.db"
    with Engine.open(path, CONFIG) as engine:
        for user in range(0, USERS, 3):
            engine.set_preferences(f"u{user}", {"member": True, "at": START})
    Shop(USERS, DAYS, seed=9, lift=0.5).live(path, CONFIG)
    return path


@pytest.fixture(scope="module")
def found(path):
    return evaluate(path, within="P1D")


def figure(found, name, title=""):
    (one,) = [
        figure
        for section in found.sections
        if title in section.title
        for figure in section.figures
        if figure.name == name
    ]
    return one


def check(found, name):
    (one,) = [check for check in found.checks if check.name == name]
    return one


def test_an_engine_s_log_shows_what_was_counted_in_it(path, found):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    (decisions,) = connection.execute("SELECT count(*) FROM decisions").fetchone()
    (sends,) = connection.execute("SELECT count(*) FROM sends").fetchone()
    (opened,) = connection.execute("SELECT count(*) FROM outcomes WHERE type = 'opened'").fetchone()
    connection.close()
    assert figure(found, "decisions").value == decisions
    assert figure(found, "pushes").value == sends
    opens = figure(found, "opens per push")
    assert opens.value == pytest.approx(opened / sends)
    assert opens.low < opens.value < opens.high


def test_the_holdout_shows_what_pushes_bring(found):
    per_push = 0.5  # visits that a push adds
    pushes = figure(found, "pushes per user-week").value * USERS / figure(found, "users who may be pushed").value
    lift = figure(found, "visits per user-week that pushes bring")
    assert lift.low < per_push * pushes < lift.high
    assert check(found, "lift").answer == "good"


def test_what_was_left_to_lot_is_as_configured_and_the_log_is_believed(found):
    assert check(found, "shares").answer == "good"
    assert check(found, "propensities").answer == "good"
    assert figure(found, "users: held out").expected == 0.25
    assert "Nothing contradicts" in found.verdict


def test_each_random_pace_shows_how_often_it_pushed(found):
    pushes = [one for section in found.sections for one in section.figures if one.name == "… pushes per user-week"]
    assert len(pushes) == 2
    assert pushes[0].high < pushes[1].low


def test_members_are_compared_with_others(found):
    assert figure(found, "members").value > 0
    gap = figure(found, "members less others")
    assert gap.low < 0.0 < gap.high
    assert check(found, "members").answer != "look"


def test_probabilities_that_were_not_drawn_from_are_found(path):
    log = read_log(path)
    verdicts = log.drawn.verdicts.copy()
    drawn = verdicts["propensity"] < 1.0
    verdicts["propensity"][drawn] *= 0.7
    _, wrong = audit_propensities(replace(log, drawn=log.drawn._replace(verdicts=verdicts)))
    assert audit_propensities(log)[1].answer == "good"
    assert wrong.answer == "bad"
    assert "do not judge policies" in wrong.sentence


def test_expected_opens_that_come_true_are_good_and_others_are_not(path):
    log = read_log(path)
    assert calibration(log, 86_400)[1].answer == "look"  # the engine has not learned yet that this shop opens so much
    verdicts = log.drawn.verdicts.copy()
    places = log.candidates["category"]
    for code, name in enumerate(log.names.categories):
        verdicts["open"][places == code] = {"promotion": 0.3, "news": 0.1}[name]
    assert calibration(replace(log, drawn=log.drawn._replace(verdicts=verdicts)), 86_400)[1].answer == "good"


def test_one_account_that_opens_everything_is_seen(tmp_path):
    shop = Shop(12, 70, seed=2, open_rate=(1e-6, 1e-6))
    shop.chance[7] = shop.chance[8, 0] = 0.0  # one opens all, another one a single push
    shop.live(tmp_path / "bot.db", EXPLORING)
    found = evaluate_engine(tmp_path / "bot.db", 86_400)
    assert check(found, "one account").answer == "look"
    assert "u7 holds" in check(found, "one account").sentence
    assert figure(found, "largest share of opens of one account").value > 0.1


def test_a_log_without_chance_says_what_it_cannot_tell(tmp_path):
    sure = changed(EXPLORING, pacing={"floor": 0.0, "temperature": 0.0, "explore_candidates": 0.0})
    Shop(30, 8, seed=2).live(tmp_path / "sure.db", sure)
    found = evaluate_engine(tmp_path / "sure.db", 86_400)
    assert check(found, "chance").answer == "look"
    assert check(found, "lift").answer == "unknown"
    assert "experiment.holdout" in check(found, "lift").sentence
    assert check(found, "random paces").answer == "unknown"


def _open_bandit(folder, policy, rate, seed):
    """Write a log of the sample's form: item 0 is clicked three times as often, and Thompson sampling knows it."""
    draw, rows, items = np.random.default_rng(seed), 3000, 5
    place = folder / policy / "all"
    place.mkdir(parents=True)
    shares = np.full(items, 1 / items) if policy == "random" else np.array([0.6, 0.1, 0.1, 0.1, 0.1])
    item = draw.choice(items, rows, p=shares)
    click = draw.random(rows) < np.where(item == 0, 3 * rate, rate)
    position = draw.integers(1, 4, rows)
    lines = [",timestamp,item_id,position,click,propensity_score"]
    lines += [
        f"{n},2019-11-24 00:00:{n:06d},{item[n]},{position[n]},{int(click[n])},{shares[item[n]]}" for n in range(rows)
    ]
    (place / "all.csv").write_text("\n".join(lines))
    (place / "item_context.csv").write_text("item_id\n" + "\n".join(map(str, range(items))))


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("obd")
    for seed, policy in enumerate(("random", "bts")):
        _open_bandit(folder, policy, 0.05, seed)
    return folder


@pytest.mark.parametrize("where", ["", "random/all/all.csv", "bts/all/all.csv"])
def test_one_policy_of_open_bandit_is_predicted_from_the_other(sample, where):
    found = evaluate(sample / where)
    assert found.shape == "open_bandit"
    truth = 0.05 * (0.6 * 3 + 0.4)
    for method in ("IPS", "SNIPS", "DR"):
        estimate = figure(found, f"bts by random, {method}")
        assert estimate.low < truth < estimate.high
    assert check(found, "all: bts predicted from random").answer == "good"
    assert check(found, "all: propensities").answer == "good"


def test_a_file_of_open_bandit_alone_or_out_of_its_place_says_what_is_missing(sample, tmp_path):
    alone = tmp_path / "random" / "all"
    alone.mkdir(parents=True)
    for name in ("all.csv", "item_context.csv"):
        (alone / name).write_bytes((sample / "random" / "all" / name).read_bytes())
    assert check(evaluate(alone / "all.csv"), "other policy").answer == "unknown"
    moved = tmp_path / "moved.csv"
    moved.write_bytes((alone / "all.csv").read_bytes())
    with pytest.raises(UnknownShape, match="out of its place"):
        evaluate(moved)


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A trial of Hillstrom's form: men's mail lifts visits from 10 to 20 %, women's from 10 to 15 %."""
    draw = np.random.default_rng(4)
    rows = ["recency,history,mens,womens,newbie,segment,visit,conversion,spend"]
    for _ in range(6000):
        arm = draw.integers(3)
        visit = int(draw.random() < (0.1, 0.2, 0.15)[arm])
        bought = int(visit and draw.random() < 0.2)
        arms = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
        mens = int(draw.integers(2))
        rows.append(f"1,{draw.integers(500)},{mens},{1 - mens},0,{arms[arm]},{visit},{bought},{bought * 50.0}")
    path = tmp_path_factory.mktemp("trial") / "mails.csv"
    path.write_text("\n".join(rows))
    return path


def test_the_lifts_of_a_trial_and_a_rule_judged_two_ways(trial):
    found = evaluate(trial, reward="visit")
    assert found.shape == "hillstrom"
    for arm, truth in (("Mens E-Mail", 0.10), ("Womens E-Mail", 0.05)):
        lift = figure(found, f"{arm}, lift")
        assert lift.low < truth < lift.high
        assert check(found, f"visit, {arm}").answer == "good"
    assert figure(found, "rule of targeting, SNIPS").value == pytest.approx(
        figure(found, "rule of targeting, mean of who got it").value
    )
    assert check(found, "visit, rule of targeting").answer == "good"


def test_what_is_of_no_known_shape_is_one_fault_that_names_the_shapes(tmp_path):
    (tmp_path / "events.csv").write_text("user_id,at,type\n1,2,view\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    with gzip.open(tmp_path / "events.csv.gz", "wt") as file:
        file.write("user_id,at,type\n")
    (tmp_path / "folder").mkdir()
    for name in ("events.csv", "empty", "bytes", "events.csv.gz", "folder"):
        with pytest.raises(UnknownShape, match=r"engine's file.*Open Bandit.*Hillstrom") as fault:
            evaluate(tmp_path / name)
        assert len(str(fault.value).splitlines()) == 1


def test_what_cannot_be_opened_is_a_fault(tmp_path):
    (tmp_path / "cut.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04")
    for name in ("cut.gz", "cut.zip", "nothing.db"):
        with pytest.raises(InputFault):
            evaluate(tmp_path / name)


def test_a_reward_goes_with_the_trial_alone(path, sample, trial):
    for log in (path, sample):
        with pytest.raises(InputFault, match="Hillstrom"):
            evaluate(log, reward="visit")
    with pytest.raises(Fault, match="visit, conversion, spend"):
        evaluate(trial, reward="clicks")


def test_a_changed_log_is_not_believed(path, tmp_path):
    changed_log = tmp_path / "changed.db"
    changed_log.write_bytes(path.read_bytes())
    connection = sqlite3.connect(changed_log)
    position, text = connection.execute(
        "SELECT position, body FROM log WHERE kind = 2 AND action = 2 LIMIT 1"
    ).fetchone()
    body = json.loads(text)
    body["decision"]["propensity"] = 0.5
    connection.execute("UPDATE log SET body = ? WHERE position = ?", (json.dumps(body), position))
    connection.commit()
    connection.close()
    found = evaluate(changed_log)
    assert check(found, "replay").answer == "bad"
    assert found.verdict.startswith("Do not rely on this log")
