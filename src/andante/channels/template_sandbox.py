"""The sandbox of templates: Liquid that says, chooses and repeats, with bounds on all that it makes."""

from __future__ import annotations

from functools import wraps
from itertools import chain
from typing import TYPE_CHECKING, Any

from liquid import Environment
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.context import RenderContext
from liquid.exceptions import LiquidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liquid import BoundTemplate, Expression, Node

OUTPUT_BYTES_MAX = 131_072
LOOPS_MAX = 200
LOCALS_BYTES_MAX = 65_536
TEXT_MAX = 4_096
"""The most characters that pass through a filter, so that no filter makes more than their product."""

ELEMENTS_MAX = 1_000
NUMBER_MAX = 10**15
TAGS = frozenset(
    {"if", "unless", "case", "for", "break", "continue", "assign", "capture", "comment", "raw", "#"}
    | {"content", "output", "illegal"}  # what the parser itself needs: literal text, ``{{ }}`` and what is neither
)
"""The tags there are: no other templates, no counters."""

FILTERS = frozenset(
    [
        "abs",
        "append",
        "at_least",
        "at_most",
        "capitalize",
        "ceil",
        "compact",
        "concat",
        "default",
        "divided_by",
        "downcase",
        "escape",
        "escape_once",
        "first",
        "floor",
        "join",
        "last",
        "lstrip",
        "map",
        "minus",
        "modulo",
        "newline_to_br",
        "plus",
        "prepend",
        "remove",
        "remove_first",
        "replace",
        "replace_first",
        "reverse",
        "round",
        "rstrip",
        "size",
        "slice",
        "sort",
        "split",
        "strip",
        "strip_html",
        "strip_newlines",
        "sum",
        "times",
        "truncate",
        "truncatewords",
        "uniq",
        "upcase",
        "url_decode",
        "url_encode",
        "where",
    ]
)
"""The filters there are: none that reads the clock (``date``), and none that takes escaping back (``safe``)."""


def sandbox(*, autoescape: bool) -> Environment:
    """Return Liquid with what is allowed, and with bounds."""
    environment = _Bounded(autoescape=autoescape)
    for name in [name for name in environment.tags if name not in TAGS]:
        del environment.tags[name]
    environment.filters = {name: _bounded(environment.filters[name]) for name in FILTERS}
    return environment


def parsed(environment: Environment, source: str) -> BoundTemplate:
    """Return a template. Raises LiquidError, also for one that counts: a range may be longer than any bound."""
    template = environment.from_string(source)
    if any(isinstance(one, RangeLiteral) for one in _expressions(template)):
        raise LiquidError("a template does not count: list what is repeated", token=None)
    return template


class _Bounded(Environment):
    """Liquid whose templates end, and make no more than they may."""

    loop_iteration_limit = LOOPS_MAX
    local_namespace_limit = LOCALS_BYTES_MAX
    output_stream_limit = OUTPUT_BYTES_MAX
    block_nesting_limit = 10
    context_depth_limit = 10


def _bounded(one: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that takes and gives only so much."""

    @wraps(one)  # carries over what the filter asks to be given
    def bounded(*arguments: Any, **named: Any) -> Any:
        for argument in chain(arguments, (value for name, value in named.items() if name != "environment")):
            _refuse_large(argument)
        result = one(*arguments, **named)
        _refuse_large(result)
        return result

    return bounded


def _refuse_large(value: object) -> None:
    if isinstance(value, str) and len(value) > TEXT_MAX:
        raise LiquidError(f"more than {TEXT_MAX} characters pass through a filter", token=None)
    if isinstance(value, list | tuple | range) and len(value) > ELEMENTS_MAX:
        raise LiquidError(f"more than {ELEMENTS_MAX} elements pass through a filter", token=None)
    if isinstance(value, int | float) and abs(value) > NUMBER_MAX:
        raise LiquidError("a number is too large", token=None)


def _expressions(template: BoundTemplate) -> Iterator[Expression]:
    """Yield every expression of a template."""
    context = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context))
        expressions = list(node.expressions())
        while expressions:
            expression = expressions.pop()
            yield expression
            expressions.extend(expression.children())
