"""What holds for all pages: no dead links, no names of one machine, two languages that show the same."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import andante

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```.*?^```$|^<!-- .*?-->$", flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HOSTS_WE_NAME = {
    "www.apache.org",
    "www.w3.org",  # the name of SVG
    # Providers of pushes, and their documentation.
    "api.jpush.cn",
    "api.push.apple.com",
    "api.sandbox.push.apple.com",
    "developer.apple.com",
    "developer.huawei.com",
    "fcm.googleapis.com",
    "firebase.google.com",
    "oauth-login.cloud.huawei.com",
    "push-api.cloud.huawei.com",
    "shopify.github.io",
    "www.googleapis.com",
    "www.standardwebhooks.com",
    # Addresses in examples: of this machine, and such as are refused.
    "127.0.0.1",
    "169.254.169.254",
    "2130706433",
    "0x7f.1",
}


def test_both_languages_of_the_readme_show_the_same_blocks(page):
    english, chinese = (BLOCK.findall(page(name)) for name in ("README.md", "README.zh-CN.md"))
    assert english == chinese
    assert len(english) >= 5


def test_both_languages_of_the_readme_have_the_same_sections_and_tables(page):
    def shape(text):
        plain = BLOCK.sub("", text)
        return [line.partition(" ")[0] for line in plain.splitlines() if line.startswith(("#", "|"))]

    assert shape(page("README.md")) == shape(page("README.zh-CN.md"))


def test_both_languages_of_the_readme_state_the_same_figures(page):
    def figures(text):
        return sorted(re.findall(r"\d+\.\d{3}", BLOCK.sub("", text)))

    assert figures(page("README.md")) == figures(page("README.zh-CN.md"))


def test_every_relative_link_leads_somewhere(page, pages):
    dead = []
    for path in pages:
        for target in LINK.findall(BLOCK.sub("", page(path))):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            aim = (ROOT / path).parent / name if name else ROOT / path
            if not aim.exists() or (anchor and anchor not in _anchors(aim.read_text("utf-8"))):
                dead.append(f"{path}: {target}")
    assert dead == []


KEPT = ("*.md", "docs", "requirements", "examples", "scripts", "Makefile", "pyproject.toml", "src", ".ci")


@pytest.mark.parametrize("kept", KEPT)
def test_nothing_names_a_path_of_one_machine_or_a_host(kept):
    listing = ["git", "ls-files", "-co", "--exclude-standard", kept]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix not in {".png", ".parquet", ".gz"} and path.is_file():
            text = path.read_text("utf-8", errors="replace")
            found += [f"{name}: {word}" for word in _places(text) if not _may_be_named(word)]
    assert found == []


def test_the_architecture_shows_every_room_on_its_floor(page):
    (contract,) = tomllib.loads(page("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    floors = [sorted(layer.split(" | ")) for layer in contract["layers"]]
    shown = re.findall(r"^\| (\d+) \| (.*?) \|", page("docs/architecture.md"), re.MULTILINE)
    assert [sorted(re.findall(r"`(\w+)`", rooms)) for _floor, rooms in shown] == floors
    assert [int(floor) for floor, _rooms in shown] == list(range(len(floors) - 1, -1, -1))


def test_every_room_has_a_page_of_reference(page):
    faces = {"cli", "benchmarks"}
    rooms = {path.parent.name for path in (ROOT / "src/andante").glob("*/__init__.py")} - faces
    assert {path.stem for path in (ROOT / "docs/reference").glob("*.md")} == rooms
    for room in rooms:
        assert f"andante.{room}" in page(f"docs/reference/{room}.md")


def test_records_of_decisions_are_numbered_short_and_of_one_form(page):
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = page(path)
        assert text.startswith(f"# {int(path.name[:4])}. "), path
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequence"], path
        assert len(text.splitlines()) <= 30, path


def test_the_changelog_opens_with_this_version(page):
    assert re.search(r"^## \[(.*?)\]", page("CHANGELOG.md"), re.MULTILINE)[1] == andante.__version__


def _anchors(text):
    """The anchors of a page's headings, as Markdown readers make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _may_be_named(word):
    """A provider of pushes, a host that cannot be (RFC 2606), or no host at all."""
    return word in HOSTS_WE_NAME or word.endswith(".example") or ("." not in word.strip(".") and "/" not in word)


def _places(text):
    """Paths below folders that only one machine has, and names of hosts on the network."""
    yield from re.findall(r"(?<![\w.$}-])/(?:home|root|work|tmp|Users|mnt|var)/[\w.-]+", text)
    yield from re.findall(r"https?://([\w.-]+)", text)
    yield from re.findall(r"\b(?:[\w-]+\.)+(?:org|com|io|dev)\b(?!\()", text)
