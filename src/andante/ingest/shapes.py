"""Shapes: the public forms of shop logs that are recognised by their header, one entry each.

A shape says, for each canonical column, which source columns hold it (the first that holds something wins),
and what the source's own words for event types mean. Names are compared without regard to case. Nested fields
of JSON and Parquet are named by their path: ``properties.product_id``, ``items[0].item_id``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from andante.vocabulary.event import EventType
from andante.vocabulary.message import SENT, OutcomeType


@dataclass(frozen=True, slots=True)
class Shape:
    """How one kind of source is read.

    ``columns`` maps canonical columns to alternatives of source columns; ``required`` lists further source
    columns that tell this shape from others. ``product`` names quantity and price where value is their
    product, ``cancelled_by`` a column that begins with C on cancellations. ``headerless`` holds one pattern a
    field for files that come without a header, whose columns are then ``names``.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    types: Mapping[str, str] = field(default_factory=dict)
    type: str | None = None
    required: tuple[str, ...] = ()
    product: tuple[str, str] | None = None
    cancelled_by: str | None = None
    currency: tuple[str, ...] = ()
    float_users: bool = False
    """User ids passed through a column of floats: ``17850.0`` is user 17850."""
    money_only: bool = True
    """Value counts on purchases only: other rows carry list prices there."""
    headerless: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def needs(self) -> list[tuple[str, ...]]:
        """Return the groups of alternatives of which the header must hold one each."""
        groups = [self.columns[name] for name in ("decision_id", "user_id", "at", "type") if name in self.columns]
        groups += [(name,) for name in (*self.required, *(self.product or ()))]
        return list(dict.fromkeys(groups))

    def sources(self) -> list[str]:
        """Return all source columns that the shape knows."""
        named = [name for names in self.columns.values() for name in names]
        named += [*self.required, *(self.product or ()), *self.currency]
        return list(dict.fromkeys(named + ([self.cancelled_by] if self.cancelled_by else [])))


_VIEW, _SEARCH, _CART, _FAVORITE = EventType.VIEW, EventType.SEARCH, EventType.CART, EventType.FAVORITE
_SHARE, _PURCHASE, _VISIT, _COMMENT = EventType.SHARE, EventType.PURCHASE, EventType.VISIT, EventType.COMMENT

ANDANTE = Shape(
    name="andante",
    columns={
        "event_id": ("event_id",),
        "user_id": ("user_id",),
        "type": ("type",),
        "at": ("at",),
        "item_id": ("item_id",),
        "category": ("category",),
        "query": ("query",),
        "value": ("value",),
    },
    types={kind: kind for kind in EventType},
    money_only=False,
)

_UCI = {"user_id": ("CustomerID", "Customer ID"), "at": ("InvoiceDate",), "item_id": ("StockCode",)}
# Description is no category: it names one item, as StockCode does, so rules between categories would be rules
# between items. UCI logs therefore have none.

EVENT_SHAPES: tuple[Shape, ...] = (
    ANDANTE,
    Shape(
        name="rees46",
        columns={
            "user_id": ("user_id",),
            "type": ("event_type",),
            "at": ("event_time",),
            "item_id": ("product_id",),
            "category": ("category_code", "category_id"),
            "value": ("price",),
        },
        types={"view": _VIEW, "cart": _CART, "purchase": _PURCHASE},
        required=("product_id",),
    ),
    Shape(
        name="taobao",
        columns={
            "user_id": ("user_id",),
            "type": ("behavior",),
            "at": ("timestamp",),
            "item_id": ("item_id",),
            "category": ("category_id",),
        },
        types={"pv": _VIEW, "buy": _PURCHASE, "cart": _CART, "fav": _FAVORITE},
        required=("item_id",),
        headerless=(r"\d+", r"\d+", r"\d+", r"pv|buy|cart|fav", r"-?\d+"),
        names=("user_id", "item_id", "category_id", "behavior", "timestamp"),
    ),
    Shape(
        name="tmall",
        columns={
            "user_id": ("user_id",),
            "type": ("type",),
            "at": ("visit_datetime",),
            "item_id": ("brand_id",),
        },
        types={"0": _VIEW, "1": _PURCHASE, "2": _FAVORITE, "3": _CART},
        required=("brand_id",),
    ),
    Shape(
        name="retailrocket",
        columns={"user_id": ("visitorid",), "type": ("event",), "at": ("timestamp",), "item_id": ("itemid",)},
        types={"view": _VIEW, "addtocart": _CART, "transaction": _PURCHASE},
        required=("itemid",),
    ),
    Shape(
        name="uci-retail",
        columns=_UCI,
        type=_PURCHASE,
        required=("InvoiceNo", "StockCode"),
        product=("Quantity", "UnitPrice"),
        cancelled_by="InvoiceNo",
        float_users=True,
    ),
    Shape(
        name="uci-retail-2",
        columns=_UCI,
        type=_PURCHASE,
        required=("Invoice", "StockCode"),
        product=("Quantity", "Price"),
        cancelled_by="Invoice",
        float_users=True,
    ),
    Shape(
        name="ga4",
        columns={
            "user_id": ("user_id", "user_pseudo_id"),
            "type": ("event_name",),
            "at": ("event_timestamp",),
            "item_id": ("items[0].item_id", "items.item_id", "item_id"),
            "category": ("items[0].item_category", "items.item_category", "item_category"),
            "query": ("event_params.search_term", "search_term"),
            "value": (
                "ecommerce.purchase_revenue",
                "ecommerce_purchase_revenue",
                "purchase_revenue",
                "event_value_in_usd",
            ),
        },
        types={
            "view_item": _VIEW,
            "select_item": _VIEW,
            "view_search_results": _SEARCH,
            "search": _SEARCH,
            "add_to_cart": _CART,
            "add_to_wishlist": _FAVORITE,
            "share": _SHARE,
            "purchase": _PURCHASE,
            "in_app_purchase": _PURCHASE,
            "ecommerce_purchase": _PURCHASE,
            "page_view": _VISIT,
            "screen_view": _VISIT,
            "session_start": _VISIT,
            "first_visit": _VISIT,
        },
        required=("user_pseudo_id",),
        currency=("ecommerce.currency", "currency"),
    ),
    Shape(
        name="segment",
        columns={
            "event_id": ("messageId",),
            "user_id": ("userId", "anonymousId"),
            "type": ("event", "type"),
            "at": ("timestamp", "originalTimestamp", "sentAt"),
            "item_id": ("properties.product_id", "properties.products[0].product_id", "properties.sku"),
            "category": ("properties.category", "properties.products[0].category"),
            "query": ("properties.query",),
            "value": ("properties.revenue", "properties.total", "properties.price"),
        },
        types={
            "product viewed": _VIEW,
            "product clicked": _VIEW,
            "products searched": _SEARCH,
            "product added": _CART,
            "product added to wishlist": _FAVORITE,
            "product shared": _SHARE,
            "product reviewed": _COMMENT,
            "order completed": _PURCHASE,
            "product list viewed": _VISIT,
            "page": _VISIT,
            "screen": _VISIT,
        },
        currency=("properties.currency",),
    ),
)
"""The shapes of events, most general last where two would fit equally well."""

MESSAGE_SHAPES: tuple[Shape, ...] = (
    Shape(
        name="andante-messages",
        columns={
            "decision_id": ("decision_id",),
            "user_id": ("user_id",),
            "type": ("type",),
            "at": ("at",),
            "channel": ("channel",),
            "category": ("category",),
            "rating": ("rating",),
        },
        types={SENT: SENT, **{outcome: outcome for outcome in OutcomeType}},
    ),
)
"""The shapes of message logs."""
