import numpy as np
import pytest

from andante.evaluation.measures.concentration import concentration
from andante.vocabulary.fault import InputFault, NotEnoughData


def test_an_account_with_87_percent_of_all_opens_is_named():
    opens = np.random.default_rng(1).poisson(1.5, 900).astype(float)
    opens[17] = 0
    opens[17] = 0.87 / 0.13 * opens.sum()

    found = concentration(opens, names=[f"u{k}" for k in range(900)], seed=1)

    assert [bot.user for bot in found.bot_like] == ["u17"]
    assert found.bot_like[0].share == pytest.approx(0.87)
    assert "u17 holds 87%" in found.sentence
    assert found.users_effective < 1.5


def test_clipping_leaves_the_mean_to_the_many():
    opens = np.append(np.random.default_rng(2).poisson(1.5, 999), 100_000).astype(float)

    found = concentration(opens, seed=1)

    assert opens.mean() > 100
    assert found.clipped_mean.value == pytest.approx(1.5, abs=0.1)
    assert found.active_share.value == pytest.approx(1 - np.exp(-1.5), abs=0.05)


def test_several_such_accounts_are_named_largest_first():
    opens = np.append(np.ones(1000), [400.0, 900.0])

    assert [bot.user for bot in concentration(opens, seed=1).bot_like] == ["1001", "1000"]


@pytest.mark.parametrize("draw", ["poisson", "lognormal"])
def test_heavy_users_are_no_bots(draw):
    rng = np.random.default_rng(3)
    opens = rng.poisson(2, 5000) if draw == "poisson" else rng.lognormal(0, 1.15, 5000)

    assert concentration(opens, seed=1).bot_like == ()


def test_equal_users_are_as_many_as_they_seem():
    found = concentration(np.full(200, 3.0), seed=1)

    assert found.users_effective == pytest.approx(200)
    assert found.top_percent_share == pytest.approx(0.01)


def test_one_active_user_holds_all():
    assert concentration([0.0, 5.0, 0.0], seed=1).top_percent_share == 1


def test_what_is_no_amount_is_refused():
    with pytest.raises(InputFault):
        concentration([1.0, -1.0], seed=1)
    with pytest.raises(InputFault):
        concentration([1.0, 2.0], names=["a"], seed=1)
    with pytest.raises(NotEnoughData, match="nobody"):
        concentration([0.0, 0.0], seed=1)
