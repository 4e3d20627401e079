"""The digest's content: several contents as one push. Which pushes ride together is the engine's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from andante.channels.contract import Content

LIST, TEXT = "list", "text"


def digest(contents: Sequence[Content], forms: Collection[str]) -> Content:
    """Return the first content with all of them listed in it, in order.

    It is a list where the channel can show one (``forms``), else text with a line for each: nothing is left out. The
    title, the picture and where a click leads are the first one's; its own layout goes, as it would show no other.

    >>> from andante.channels.contract import Content
    >>> shown = digest([Content(title="Shoe sale"), Content(title="Hat sale", body="-20 %")], ["text"])
    >>> print(shown.body)
    • Shoe sale
    • Hat sale: -20 %
    """
    head = contents[0]
    if len(contents) == 1:
        return head
    head = head.without_html()
    if LIST in forms:
        return replace(head, form=LIST, entries=tuple(_entry(content) for content in contents))
    lines = [f"• {content.title}: {content.body}" if content.body else f"• {content.title}" for content in contents]
    return replace(head, form=TEXT, body="\n".join(lines))


def _entry(content: Content) -> dict[str, str]:
    said = {"title": content.title, "body": content.body, "url": content.url, "image_url": content.image_url}
    return {name: value for name, value in said.items() if value}
