"""The worked example of the first seed, section 4.6, with its sums right.

Users A and B: theta 3 and 5, views 10 and 5, purchases 2 and 1, paces 2 and 3; alpha 0.5, beta 0.3; epsilon
0.1.

============================  =================  ==========================  ===================
what                          the seed prints    its own formula gives       Andante's function
============================  =================  ==========================  ===================
interest of A and B           6 and 3.5          5.6 and 2.8                 score_linear
new pace by section 4.5       2.7 and 2.6        2.1 and 2.9                 additive
2 + 0.1·(6 - 3)               2.7                2.3 (2.26 with I = 5.6)     none: not a rule
3 - 0.1·(3.5 - 5)             2.6                3.15, *more* pushes for B   none: not a rule
============================  =================  ==========================  ===================

The last two lines are not the rule of section 4.5, which adds or takes epsilon, whatever the distance. For B
the seed also turns the sign: epsilon·(I - theta) is negative already, and taking it away raises the pace of a
user whose interest is too low. Added, as for A, it gives 3 + 0.1·(2.8 - 5) = 2.78.
"""

import pytest

from andante.frequency.feedback import additive, multiplicative
from andante.frequency.linear import LinearInterest, score_linear
from andante.frequency.plan import pace
from andante.frequency.satisfaction import Curves

VIEWS, PURCHASES, THETA, PACES = [10, 5], [2, 1], [3.0, 5.0], [2.0, 3.0]
ALPHA, BETA, EPSILON = 0.5, 0.3, 0.1


@pytest.fixture
def interest():
    return score_linear(VIEWS, PURCHASES, ALPHA, BETA)


def test_interest_is_5_6_and_2_8_and_not_6_and_3_5(interest):
    assert interest == pytest.approx([5.6, 2.8])


def test_a_is_above_the_threshold_and_b_below_as_the_seed_concludes(interest):
    assert (interest > THETA).tolist() == [True, False]


def test_the_rule_of_section_4_5_gives_2_1_and_2_9_and_not_2_7_and_2_6(interest):
    assert additive(PACES, interest, THETA, EPSILON, 0.0, 14.0) == pytest.approx([2.1, 2.9])


def test_the_sums_that_the_seed_writes_instead_are_2_3_and_3_15(interest):
    as_printed = [2 + 0.1 * (6 - 3), 3 - 0.1 * (3.5 - 5)]
    assert as_printed == pytest.approx([2.3, 3.15])
    in_proportion = [f + EPSILON * (i - theta) for f, i, theta in zip(PACES, interest, THETA, strict=True)]
    assert in_proportion == pytest.approx([2.26, 2.78])


def test_the_rule_of_section_3_5_gives_2_52_and_2_34(interest):
    assert multiplicative(PACES, interest, THETA, 0.1, 0.0, 14.0) == pytest.approx([2.52, 2.34])


def test_the_formula_of_section_3_4_has_no_unit_until_it_has_a_base_frequency(interest):
    assert pace(interest, THETA, f_base=1.0) == pytest.approx([5.6 / 3, 2.8 / 5])
    assert pace(interest, THETA, f_base=3.0) == pytest.approx([5.6, 1.68])


def test_the_seed_s_satisfaction_leaves_0_to_1_falls_at_theta_s_and_is_greatest_at_the_greatest_pace():
    a, b, c, theta_s = 2.0, 1.0, 0.0, 3.0
    assert (a * theta_s, b * theta_s + c) == (6.0, 3.0)  # from the left, and at it; satisfaction of 600 %
    repaired = Curves.continuous(a / 10, b / 10, theta_s)  # the same slopes in a scale that fits
    assert repaired.c[0] == pytest.approx((a - b) / 10 * theta_s)
    f_star, s_star = repaired.optimum(0.0, 14.0)
    assert (f_star[0], s_star[0]) == pytest.approx((7.0, 1.0))
    assert Curves.continuous(a / 10, -b / 10, theta_s).optimum(0.0, 14.0)[0] == pytest.approx([3.0])


def test_the_example_s_weights_leave_every_active_user_with_interest_1_unless_calibrated():
    X, y = [[0, 0], [1, 0], [5, 1], [10, 2], [20, 2], [0, 0]], [0, 0, 0, 1, 1, 0]
    clipped = LinearInterest(ALPHA, BETA).fit(X, y).predict_proba([*zip(VIEWS, PURCHASES, strict=True)])[:, 1]
    calibrated = LinearInterest(ALPHA, BETA, calibrate=True).fit(X, y)
    of_a, of_b = calibrated.predict_proba([*zip(VIEWS, PURCHASES, strict=True)])[:, 1]
    assert clipped.tolist() == [1.0, 1.0]
    assert 0 < of_b < of_a < 1
