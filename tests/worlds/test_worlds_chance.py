import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy.stats import kstest

from andante.worlds.chance import drawn, keys, normal, normals, roughly_normal, uniform

MOMENTS = st.integers(0, 2**40)


@njit
def many(key, moments, purpose):
    return [
        (uniform(key, m, purpose), roughly_normal(key, m, purpose), normal(key, m, purpose, purpose + 1))
        for m in range(moments)
    ]


@given(seed=st.integers(0, 2**63), users=st.integers(1, 50), more=st.integers(0, 50))
def test_a_users_key_does_not_depend_on_how_many_others_there_are(seed, users, more):
    assert (keys(seed, users) == keys(seed, users + more)[:users]).all()


@settings(deadline=None)  # the first example compiles
@given(seed=st.integers(0, 2**63), moment=MOMENTS, purpose=st.integers(0, 63))
def test_compiled_draws_are_those_drawn_by_arrays(seed, moment, purpose):
    key = keys(seed, 3)
    one_by_one = [uniform(one, moment, purpose) for one in key]
    assert np.allclose(drawn(key, moment, purpose), one_by_one, rtol=0, atol=1e-15)
    assert all(0 <= one < 1 for one in one_by_one)


def test_draws_of_a_user_over_moments_are_what_their_names_say():
    even, rough, bell = np.array(many(keys(7, 1)[0], 20_000, 3)).T
    assert kstest(even, "uniform").pvalue > 0.001
    assert kstest(bell, "norm").pvalue > 0.001
    assert abs(rough.mean()) < 0.03
    assert abs(rough.std() - 1) < 0.02
    assert abs(np.corrcoef(even[1:], even[:-1])[0, 1]) < 0.03


def test_users_seeds_moments_and_purposes_draw_apart():
    key = keys(7, 20_000)
    columns = [drawn(key, 5, 3), drawn(key, 5, 4), drawn(key, 6, 3), drawn(keys(8, 20_000), 5, 3)]
    assert np.abs(np.corrcoef(columns) - np.eye(4)).max() < 0.03
    assert kstest(columns[0], "uniform").pvalue > 0.001
    assert kstest(normals(key, 5, 3), "norm").pvalue > 0.001
