"""Association rules between categories: who buys this also buys that.

A basket is what one user bought at one instant, as a set of categories (second seed §2.1). Frequent sets are
found by H-mine and turned into rules by mlxtend; the figures are recomputed from whole counts, so that
they are exact and the order of the rules is the same on every run.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, hmine
from scipy.sparse import csr_array

from andante.vocabulary.event import EventType

BASKETS_MIN = 5
"""A rule seen in fewer baskets is an anecdote, whatever its share of a small shop."""
CATEGORIES_MAX = 100
"""Only so many categories are looked at, the commonest: sets of three of them are then at most 161,700."""

Counts = dict[frozenset[str], int]


@dataclass(frozen=True, slots=True)
class Rule:
    """Baskets that hold the antecedent tend to hold the consequent.

    ``support`` is the share of baskets that hold both, ``confidence`` the share among those that hold the
    antecedent, ``lift`` how many times that is the consequent's share of all, ``baskets`` how many hold both.
    """

    antecedent: tuple[str, ...]
    consequent: str
    support: float
    confidence: float
    lift: float
    baskets: int


def associations(  # noqa: PLR0913  thresholds are the caller's, by keyword
    connection: duckdb.DuckDBPyConnection,
    *,
    min_support: float = 0.01,
    min_lift: float = 1.1,
    most: int = 50,
    baskets_max: int = 100_000,
    seed: int = 0,
    before: datetime | None = None,
) -> list[Rule]:
    """Find rules with one or two categories before and one after, strongest lift first.

    Reads purchases with a category from the table ``events``, only those before ``before`` where it is given
    (UTC; naive or aware). More than ``baskets_max`` baskets are sampled by a hash of basket and seed; the
    figures are then those of the sample. A rule with two antecedents is kept only where it is more confident
    than both rules with one of them. Without categories, or without a basket of two, there are no rules: [].

    Shops that log one category an order have no rules. All that a user ever bought is deliberately no basket:
    such rules say "bought by the same people", which the most active buyers inflate because they own a bit of
    everything, and a rule must not change its meaning with the shape of a log.
    """
    counts, baskets = _frequent(
        _baskets(connection, baskets_max, seed, before),
        min_support,
    )
    rules = (rule for rule in _rules(counts, baskets) if rule.lift >= min_lift)
    kept = [rule for rule in rules if _tells_more(rule, counts)]
    kept.sort(key=lambda rule: (-rule.lift, -rule.baskets, len(rule.antecedent), rule.antecedent, rule.consequent))
    return kept[:most]


def _baskets(
    connection: duckdb.DuckDBPyConnection,
    baskets_max: int,
    seed: int,
    before: datetime | None,
) -> pd.DataFrame:
    """Return the lines of the baskets: ``basket`` (a number) and ``category``, each pair once."""
    if before is not None and before.tzinfo is not None:
        before = before.astimezone(UTC).replace(tzinfo=None)
    lines: pd.DataFrame = connection.execute(
        """
        WITH lines AS MATERIALIZED (
            SELECT DISTINCT user_id, "at", category FROM events
            WHERE "type" = $purchase AND category IS NOT NULL AND ($before IS NULL OR "at" < $before)
        ), kept AS (
            SELECT user_id, "at", row_number() OVER () AS basket FROM (
                SELECT user_id, "at" FROM lines GROUP BY user_id, "at"
                ORDER BY md5(concat_ws(chr(31), $seed, user_id, epoch_us("at"))), user_id, "at" LIMIT $most
            )
        )
        SELECT basket, category FROM lines JOIN kept USING (user_id, "at")
        """,
        {"seed": str(seed), "purchase": str(EventType.PURCHASE), "before": before, "most": baskets_max},
    ).df()
    return lines


def _frequent(lines: pd.DataFrame, min_support: float) -> tuple[Counts, int]:
    """Count the sets of up to three categories that enough baskets hold, and all baskets."""
    baskets = int(lines["basket"].nunique())
    if len(lines) == baskets:  # none holds two categories
        return {}, baskets
    least = max(BASKETS_MIN, math.ceil(min_support * baskets - 1e-9))
    sizes = lines.groupby("category").size().sort_index().sort_values(ascending=False, kind="stable")
    often = lines[lines["category"].isin(sizes[sizes >= least].index[:CATEGORIES_MAX])]
    if often.empty:
        return {}, baskets
    rows = pd.factorize(often["basket"])[0]
    columns, names = pd.factorize(often["category"], sort=True)
    held = csr_array((np.ones(len(often), dtype=bool), (rows, columns)))
    sparse: Any = pd.DataFrame.sparse
    frame = sparse.from_spmatrix(held, columns=[str(name) for name in names])
    # Half a basket below the least count: no rounding of shares then decides.
    # Baskets without any frequent category are no rows of the frame, so shares here are of its rows alone.
    sets = hmine(frame, min_support=(least - 0.5) / len(frame), use_colnames=True, max_len=3)
    supports = zip(sets["itemsets"], sets["support"], strict=True)
    return {frozenset(items): round(share * len(frame)) for items, share in supports}, baskets


def _rules(counts: Counts, baskets: int) -> Iterator[Rule]:
    """Turn frequent sets into rules with one consequent."""
    if not counts:
        return
    sets = pd.DataFrame({"support": [n / baskets for n in counts.values()], "itemsets": list(counts)})
    found = association_rules(sets, min_threshold=0.0, support_only=True)
    for before, after in zip(found["antecedents"], found["consequents"], strict=True):
        if len(after) > 1:
            continue
        both, confidence = counts[before | after], counts[before | after] / counts[before]
        yield Rule(
            antecedent=tuple(sorted(before)),
            consequent=next(iter(after)),
            support=both / baskets,
            confidence=confidence,
            lift=both * baskets / (counts[before] * counts[after]),
            baskets=both,
        )


def _tells_more(rule: Rule, counts: Counts) -> bool:
    """Tell whether no simpler rule with the same consequent is as confident."""
    after = frozenset({rule.consequent})
    simpler = (frozenset({one}) for one in rule.antecedent if len(rule.antecedent) > 1)
    return all(rule.confidence > counts[one | after] / counts[one] for one in simpler)
