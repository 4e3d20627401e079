"""What holds on any page: it has a name, fits its screen, speaks one language, and axe finds nothing serious on it."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

from walking import LOUD, NARROW, PHONE, SPRING

_AXE_SERIOUS = {"serious", "critical"}


def reads_well(page, look):
    """Assert that nothing is wrong with the page that is open."""
    wrong = wrong_with(page, look)
    assert not wrong, "\n".join(wrong)


def wrong_with(page, look):
    """Return what is wrong with the page that is open, in words: how it reads, its form, its width."""
    found = [*_form(page), *_width(page, look), *_shade(page, look), *_words(page, look), *_axe(page)]
    return [
        f"{look} {re.sub(r'/p/[^/]+', '/p/…', page.url.partition('//')[2].partition('/')[2])}: {one}" for one in found
    ]


def _form(page):
    titles, heads = page.title(), page.locator("h1").all_inner_texts()
    if not titles.strip() or len(heads) != 1 or not heads[0].strip():
        yield f"title {titles!r}, h1 {heads}"
    charts, pictures = page.locator("[data-chart]").count(), page.locator("[data-chart] svg").count()
    if charts != pictures or page.locator("figure.failed").count():
        yield f"{pictures} of {charts} charts are drawn"


def _width(page, look):
    for width in {look.viewport["width"], *((NARROW["width"],) if look.viewport is PHONE else ())}:
        page.set_viewport_size({**look.viewport, "width": width})
        wide = page.evaluate(_WIDE, width)
        if wide:
            yield f"at {width} px it scrolls sideways, to {wide}"
    page.set_viewport_size(look.viewport)


_WIDE = """width => {
  const wide = Math.max(document.documentElement.scrollWidth, window.innerWidth);
  if (wide <= width) return "";
  const out = [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > width + 1);
  return `${wide} px: ${out.slice(0, 4).map(one => `${one.tagName}.${one.className}`).join(" ")}`;
}"""


def _shade(page, look):
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(map(int, re.findall(r"\d+", paper)[:3])) / 3
    if (lightness > 128) != (look.scheme == "light"):
        yield f"it is not {look.scheme}: {paper}"


def _words(page, look):
    for text in page.evaluate(_TEXTS):
        if look.language == "en" and re.search("[\u4e00-\u9fff]", text):
            yield f"Chinese: {text!r}"
        if look.language == "zh" and (strange := _strange(text)):
            yield f"not Chinese: {strange} in {text!r}"
        if key := next((word for word in re.findall(r"\b[a-z_]+\.[a-z_]+\b", text) if word in _keys()), None):
            yield f"a key: {key}"
    if page.locator("html").get_attribute("lang") not in {"en", "zh", "zh-CN", "zh-Hans"}:
        yield "no language"


_TEXTS = """() => {
  const given = "[lang=en], [lang=zh], code, pre, textarea, blockquote, time, input, .said, script, style, noscript";
  const texts = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    if (!node.parentElement.closest(given) && node.textContent.trim()) texts.push(node.textContent.trim());
  }
  for (const one of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
    if (one.closest(given)) continue;
    for (const name of ["aria-label", "placeholder", "title", "alt"]) texts.push(one.getAttribute(name) || "");
  }
  return [document.title, ...texts];
}"""

NAMES = {"andante", "utc", "api", "toml", "csv", "sha", "http", "https", "id", "json", "english", "exp"}
"""Latin words that Chinese pages write as they are."""

DATA = {*("push", "email", "promotion", "news", "receipt", "shopper", "item", "mia", "noa", SPRING, LOUD)}
DATA |= {*("spring", "too", "many", "enough", "nonsense")}
"""Names of this shop's own."""


def _strange(text):
    """Return the Latin words of a text that are neither names nor data: words of ours that nobody translated."""
    plain = re.sub(r"(GET|POST|PUT|DELETE) /\S+", " ", text)
    plain = re.sub(r"(shopper|item|campaign|news|policy|step|andante)[-\w.:/]*\d[-\w.:]*", " ", plain)
    plain = re.sub(r"\b[A-Z]\w+/[A-Z]\w+", " ", plain)
    for name in (SPRING, LOUD):
        plain = plain.replace(name, " ")
    return [
        word
        for word in re.findall(r"[A-Za-z][A-Za-z_]{2,}", plain)
        if word.lower() not in NAMES | DATA and not re.fullmatch(r"[a-f]+", word)
    ]


@cache
def _keys():
    """Return every key of every sentence."""
    found = set()
    for room in ("andante.site", "andante.dashboard", "andante.shopper"):
        for path in Path(str(files(room))).glob("languages/**/*.toml"):
            for part, sentences in tomllib.loads(path.read_text("utf-8")).items():
                found |= {f"{part}.{key}" for key in sentences}
    return frozenset(found)


def _axe(page):
    """Return what axe finds that is serious, and with it what is moderate; nothing where all of it is small."""
    page.evaluate(f"{_axe_script()};0")
    violations = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    MODERATE.update((one["id"], one["impact"]) for one in violations if one["impact"] not in _AXE_SERIOUS)
    said = [(one["impact"], one["id"], [node["target"] for node in one["nodes"][:3]]) for one in violations]
    if any(one["impact"] in _AXE_SERIOUS for one in violations):
        yield f"axe: {said}"


MODERATE: set[tuple[str, str]] = set()
"""What axe found that is not serious, on any page of this run."""


@cache
def _axe_script():
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
