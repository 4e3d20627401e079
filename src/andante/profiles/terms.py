"""The term ledger: the words a user searched for and the words of what they bought, and how alike these are.

Words are hashed into a fixed number of buckets, weighted by TF-IDF and compared by cosine (first seed §3.2
and §5.2.2, whose diagonal of a similarity matrix is always 1). All sums are over whole numbers, so that no
order of rows changes a result.
"""

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from andante.profiles.ledger import Ledger
from andante.vocabulary.event import EventType

BUCKETS = 2**20
IDF_UNIT = 1 << 10
"""Inverse document frequencies are rounded to 1/1024 and kept as whole numbers."""

WORDS = r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Hebrew}\p{Devanagari}\p{Hangul}\p{N}]+|\p{L}"
"""A word is a run of letters or digits; in scripts that are written without spaces, every character is one."""

_ = ibis._


@ibis.udf.scalar.builtin
def regexp_extract_all(text: str, pattern: str) -> list[str]:
    """Find all matches of a pattern (a function of the engine itself)."""
    raise NotImplementedError  # pragma: no cover  (ibis translates the call, it never runs here)


def _terms(events: ir.Table) -> ir.Table:
    """Fold events into words: one row per user, day and bucket, with how often it was searched and bought."""
    searched = events.filter(_.query.notnull()).select("user_id", "at", text=_.query, searched=1, bought=0)
    bought = events.filter((_["type"] == EventType.PURCHASE) & _.category.notnull()).select(
        "user_id", "at", text=_.category, searched=0, bought=1
    )
    said = searched.union(bought).group_by("user_id", "text", day=_["at"].date())
    texts = said.aggregate(searched=_.searched.sum(), bought=_.bought.sum())
    words = texts.select("text").distinct()  # each text is split once, however often it was typed
    words = words.select("text", word=regexp_extract_all(_.text.lower(), ibis.literal(WORDS)).unnest())
    words = words.select("text", bucket=(_.word.hash().abs() % BUCKETS).cast("int32"))
    counted = texts.inner_join(words, "text").group_by("user_id", "day", "bucket")
    sums = counted.aggregate(searched=_.searched.sum(), bought=_.bought.sum())
    return sums.cast({"searched": "int32", "bought": "int32"})


TERMS = Ledger(
    table="term_ledger",
    keys=("user_id", "day", "bucket"),
    merge={"searched": "sum", "bought": "sum"},
    make=_terms,
)


def similarity(terms: ir.Table, cutoff: date, recent_days: int = 30) -> ir.Table:
    """Compare each user's words at a cut-off: two similarities in [0, 1], null where one side has no words.

    ``query_similarity_self`` compares the queries of the last ``recent_days`` with the user's own older ones,
    ``query_similarity_bought`` all queries with the words of what was bought. Only days before the cut-off are read.
    """
    past = terms.filter(_.day < cutoff)
    recent = _.day >= ibis.literal(cutoff) - ibis.interval(days=recent_days)
    per_user = past.group_by("user_id", "bucket").aggregate(
        query=_.searched.sum(),
        recent=_.searched.sum(where=recent).coalesce(0),
        older=_.searched.sum(where=~recent).coalesce(0),
        bought=_.bought.sum(),
    )
    users = per_user.aggregate(users=_.user_id.nunique()).users.as_scalar()
    weights = per_user.group_by("bucket").aggregate(
        idf=((((users + 1) / (per_user.count() + 1)).ln() + 1) * IDF_UNIT).round().cast("int64")
    )
    weighed = per_user.inner_join(weights, "bucket").select(
        "user_id", **{side: _[side] * _.idf for side in ("query", "recent", "older", "bought")}
    )
    sums = weighed.group_by("user_id").aggregate(
        self_dot=(_.recent * _.older).sum(),
        recent_norm=(_.recent * _.recent).sum(),
        older_norm=(_.older * _.older).sum(),
        bought_dot=(_.query * _.bought).sum(),
        query_norm=(_.query * _.query).sum(),
        bought_norm=(_.bought * _.bought).sum(),
    )
    return sums.select(
        "user_id",
        query_similarity_self=_cosine(_.self_dot, _.recent_norm, _.older_norm),
        query_similarity_bought=_cosine(_.bought_dot, _.query_norm, _.bought_norm),
    )


def _cosine(dot: Any, one_norm: Any, other_norm: Any) -> Any:
    """Divide a dot product by both lengths; null where a length is 0."""
    length = one_norm.cast("float64").sqrt() * other_norm.cast("float64").sqrt()
    return dot.cast("float64") / length.nullif(0)
