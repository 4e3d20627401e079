"""The catalogue: items with prices, and search phrases, as flat arrays that are drawn from by index."""

from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
import pyarrow as pa

from andante.simulation.categories import MODIFIERS, Category
from andante.simulation.chance import Floats, Ints, named_generator, zipf_shares
from andante.simulation.columns import numbered
from andante.vocabulary.fault import SettingsFault

ITEM_EXPONENT = 1.05
"""Popularity of items within a category falls as rank to this power: the head sells, the tail is long."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a shop sells and how people ask for it.

    Item ``k`` of category ``c`` has the index ``c * items_per_category + k``, the most popular first. The
    phrases of category ``c`` in language ``l`` begin at ``phrase_starts[c, l]``: ``phrase_counts[c, l]`` of
    them.
    """

    names: tuple[str, ...]
    items_per_category: int
    item_ids: Any  # pyarrow strings, one per item
    item_categories: Any  # pyarrow strings, one per item
    item_prices: Floats
    item_cumulative: Floats  # over the ranks within a category
    phrases: Any  # pyarrow strings
    phrase_starts: Ints  # categories x languages
    phrase_counts: Ints  # categories x languages


def stock(
    categories: tuple[Category, ...], languages: tuple[str, ...], items_per_category: int, seed: int
) -> Catalogue:
    """Return the catalogue of these categories; item prices are drawn from ``seed``.

    Raises SettingsFault where a category has no words in a language.
    """
    names = tuple(category.name for category in categories)
    tables = [[_phrases(category, language) for language in languages] for category in categories]
    counts = np.array([[len(phrases) for phrases in row] for row in tables], dtype=np.int64)
    starts = (np.cumsum(counts) - counts.ravel()).reshape(counts.shape)
    return Catalogue(
        names=names,
        items_per_category=items_per_category,
        item_ids=numbered("i", np.arange(len(names) * items_per_category, dtype=np.int64), 7),
        item_categories=pa.array(np.repeat(np.array(names, dtype=object), items_per_category), pa.string()),
        item_prices=_prices(categories, items_per_category, seed),
        item_cumulative=np.cumsum(zipf_shares(items_per_category, ITEM_EXPONENT)),
        phrases=pa.array([phrase for row in tables for phrases in row for phrase in phrases], pa.string()),
        phrase_starts=starts,
        phrase_counts=counts,
    )


def _prices(categories: tuple[Category, ...], items_per_category: int, seed: int) -> Floats:
    noise = named_generator(seed, "prices").standard_normal((len(categories), items_per_category))
    medians = np.array([category.price_median for category in categories])[:, None]
    spreads = np.array([category.price_spread for category in categories])[:, None]
    prices: Floats = np.maximum(np.round(medians * np.exp(spreads * noise), 2), 0.5).ravel()
    return prices


def _phrases(category: Category, language: str) -> list[str]:
    """Return what people type for a category, the short and common first."""
    words = category.words.get(language, ())
    if not words:
        known = ", ".join(sorted(category.words)) or "none"
        raise SettingsFault("language", language, f"has no words in category {category.name!r}", f"use {known}")
    before = MODIFIERS.get(language, ())
    space = "" if language == "zh" else " "  # a Chinese modifier is written onto its word
    modified = [f"{modifier}{space}{word}" for modifier, word in product(before, words)]
    return [*words, *modified, *(" ".join(pair) for pair in permutations(words, 2))]
