"""Personas are found, named so that people understand them, and found again for new users."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andante.profiles import personas as module
from andante.profiles.persona_names import EVERYONE, label
from andante.profiles.personas import Personas, find_personas
from andante.vocabulary.fault import Fault

FEATURES = [
    "recency_days",
    "tenure_days",
    "views_30d",
    "purchases_30d",
    "purchases",
    "spend_30d",
    "active_days_30d",
    "share_evening",
    "share_weekend",
    "query_similarity_self",
]
KINDS = {
    #                    recency tenure views buys all  spend active evening weekend
    "loyal": (1.0, 300.0, 60.0, 12.0, 90.0, 600.0, 20.0, 0.25, 0.28),
    "evening": (2.0, 300.0, 24.0, 4.0, 30.0, 80.0, 9.0, 0.75, 0.28),
    "browser": (2.0, 280.0, 60.0, 0.1, 2.0, 3.0, 9.0, 0.25, 0.28),
    "occasional": (9.0, 300.0, 6.0, 1.0, 8.0, 20.0, 2.0, 0.25, 0.28),
    "gone": (120.0, 320.0, 0.1, 0.05, 12.0, 1.0, 0.05, 0.25, 0.28),
    "new": (3.0, 12.0, 9.0, 1.0, 1.0, 20.0, 3.0, 0.25, 0.28),
}


def shop(users_per_kind=80, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for centre in KINDS.values():
        days = np.array(centre[:2]) * rng.gamma(30, 1 / 30, (users_per_kind, 2))
        counts = np.array(centre[2:7]) * rng.gamma(30, 1 / 30, (users_per_kind, 5))
        shares = np.array(centre[7:]) + rng.normal(0, 0.03, (users_per_kind, 2))
        rows.append(np.hstack([days, counts, shares, rng.random((users_per_kind, 1))]))
    return np.vstack(rows), np.repeat(np.arange(len(KINDS)), users_per_kind)


def test_kinds_of_users_that_were_planted_are_found_and_named():
    X, kind = shop()
    found = find_personas(X, FEATURES, seed=1)
    names = {name: found.personas[np.bincount(found.labels[kind == k]).argmax()].name for k, name in enumerate(KINDS)}
    assert names == {
        "loyal": "Loyal big spenders",
        "evening": "Regulars in the evening",
        "browser": "Browsers who rarely buy",
        "occasional": "Occasional buyers",
        "gone": "Gone quiet",
        "new": "Newcomers",
    }
    assert [persona.size for persona in found.personas] == [80] * 6


def test_a_persona_says_in_both_languages_what_its_users_do():
    X, kind = shop()
    found = find_personas(X, FEATURES, seed=1)
    evening = found.personas[found.labels[kind == 1][0]]
    assert evening.name_zh == "常客（晚间）"
    assert "17% of users" in evening.description
    assert "of it in the evening, against 33% for all" in evening.description
    assert "发生在晚间" in evening.description_zh
    assert evening.traits[0].feature in FEATURES
    assert evening.centroid["purchases_30d"] == pytest.approx(4, rel=0.1)


def test_traits_are_what_sets_a_persona_apart():
    X, kind = shop()
    found = find_personas(X, FEATURES, seed=1)
    new = found.personas[found.labels[kind == 5][0]]
    assert "tenure_days" in {trait.feature for trait in new.traits[:2]}
    assert new.traits[0].centre < new.traits[0].population


def test_the_same_seed_gives_the_same_personas():
    X, _ = shop()
    one, two = (find_personas(X, FEATURES, seed=3) for _ in range(2))
    assert np.array_equal(one.labels, two.labels)
    assert one.to_dict() == two.to_dict()


def test_new_users_get_the_persona_of_those_who_are_like_them():
    X, _ = shop()
    new, kind = shop(users_per_kind=20, seed=9)
    found = find_personas(X, FEATURES, seed=1)
    labels = found.assign(new)
    assert all(len(set(labels[kind == k])) == 1 for k in range(len(KINDS)))
    assert np.array_equal(found.assign(X), found.labels)


def test_personas_survive_json():
    X, _ = shop()
    found = find_personas(X, FEATURES, seed=1)
    read = Personas.from_dict(json.loads(json.dumps(found.to_dict())))
    assert read.personas == found.personas
    assert read.to_dict() == found.to_dict()
    assert np.array_equal(read.assign(X), found.labels)
    assert len(read.labels) == 0


def test_personas_of_another_version_are_refused():
    with pytest.raises(Fault, match="run the plan again"):
        Personas.from_dict({"version": 99})


@pytest.mark.parametrize("users", [0, 1, 9])
def test_few_users_are_one_persona(users):
    X, _ = shop()
    found = find_personas(X[:users], FEATURES, seed=1)
    assert [(persona.name, persona.name_zh) for persona in found.personas] == [EVERYONE]
    assert found.personas[0].size == users == len(found.labels)
    assert set(found.assign(X)) == {0}


def test_users_who_do_not_differ_are_one_persona():
    found = find_personas(np.ones((500, len(FEATURES))), FEATURES, seed=1)
    assert [persona.name for persona in found.personas] == ["Everyone"]
    assert Personas.from_dict(json.loads(json.dumps(found.to_dict()))).assign(np.ones((3, len(FEATURES)))).tolist() == [
        0,
        0,
        0,
    ]


def test_a_constant_feature_takes_no_part():
    X, _ = shop()
    X[:, FEATURES.index("views_30d")] = 4.0
    found = find_personas(X, FEATURES, seed=1)
    assert FEATURES.index("views_30d") not in found.space.columns
    assert len(found.personas) >= 3


def test_features_that_measure_no_behaviour_take_no_part():
    X, _ = shop()
    found = find_personas(X, FEATURES, seed=1)
    shuffled = X.copy()
    shuffled[:, -1] = X[::-1, -1]
    assert np.array_equal(found.assign(shuffled), found.labels)


def test_an_unknown_recency_counts_as_never_and_an_unknown_share_as_usual():
    X, kind = shop()
    found = find_personas(X, FEATURES, seed=1)
    user = X[kind == 4][:1].copy()
    user[0, FEATURES.index("recency_days")] = np.nan
    user[0, FEATURES.index("share_evening")] = np.nan
    assert found.personas[found.assign(user)[0]].name == "Gone quiet"


def test_one_bot_makes_no_persona_of_its_own():
    X, _ = shop()
    X[0, 2:7] *= 10_000
    found = find_personas(X, FEATURES, seed=1)
    assert min(persona.size for persona in found.personas) > 20


def test_a_matrix_that_does_not_fit_the_names_is_refused():
    X, _ = shop()
    with pytest.raises(Fault, match=r"\(480 by 10\) does not have 2 columns"):
        find_personas(X, FEATURES[:2], seed=1)
    with pytest.raises(Fault, match="does not have 10 columns"):
        find_personas(X, FEATURES, seed=1).assign(X[:, :4])


def test_a_large_population_is_clustered_on_a_sample_and_assigned_in_chunks(monkeypatch):
    X, kind = shop(users_per_kind=300)
    monkeypatch.setattr(module, "SAMPLE_USERS", 500)
    monkeypatch.setattr(module, "SILHOUETTE_USERS", 200)
    monkeypatch.setattr(module, "CHUNK_USERS", 7)
    found = find_personas(X, FEATURES, seed=1)
    assert sum(persona.size for persona in found.personas) == len(X) == len(found.labels)
    assert all(np.bincount(found.labels[kind == k]).max() > 290 for k in range(len(KINDS)))


NUMBERS = st.one_of(st.floats(0, 1000), st.just(np.nan), st.just(0.0), st.just(-5.0), st.just(np.inf))


@given(
    X=st.integers(0, 30).flatmap(
        lambda users: st.lists(st.lists(NUMBERS, min_size=10, max_size=10), min_size=users, max_size=users)
    )
)
@settings(deadline=None, max_examples=40)
def test_any_matrix_gives_uniquely_named_personas_that_hold_every_user_once(X):
    matrix = np.array(X, dtype=float).reshape(len(X), 10)
    found = find_personas(matrix, FEATURES, seed=0)
    assert 1 <= len(found.personas) <= 8
    assert len({persona.name for persona in found.personas}) == len(found.personas)
    assert len({persona.name_zh for persona in found.personas}) == len(found.personas)
    assert np.bincount(found.labels, minlength=len(found.personas)).tolist() == [p.size for p in found.personas]
    json.dumps(found.to_dict(), allow_nan=False)


@given(
    centres=st.lists(
        st.fixed_dictionaries({name: st.floats(0, 100) for name in FEATURES[:7]} | {"share_evening": st.floats(0, 1)}),
        min_size=2,
        max_size=8,
    )
)
def test_names_are_unique_whatever_the_centres(centres):
    population = {name: float(np.mean([centre[name] for centre in centres])) for name in centres[0]}
    names = label(centres, population)
    assert len({name for name, _ in names}) == len({zh for _, zh in names}) == len(centres)


def test_personas_of_one_kind_are_told_apart_by_what_differs_most():
    population = {
        "recency_days": 10.0,
        "tenure_days": 200.0,
        "active_days_30d": 5.0,
        "purchases": 9.0,
        "spend_30d": 50.0,
    }
    regular = {**population, "active_days_30d": 6.0}
    frugal, lavish = {**regular, "spend_30d": 10.0}, {**regular, "spend_30d": 60.0}
    assert [name for name, _ in label([frugal, lavish], population)] == [
        "Regulars, spending less",
        "Regulars, spending more",
    ]
    assert [name for name, _ in label([frugal, regular, lavish], population)][1] == "Regulars, in between"
