"""Every sentence exists in every language, and is filled with the same figures."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from andante.site.words import LANGUAGES, words_of

ROOMS = ("andante.site", "andante.dashboard", "andante.shopper")
TEMPLATES = {room: Path(str(files(room) / "templates")) for room in ROOMS}
SAID = re.compile(r"""\bw\.(?:text|html)\(\s*"([a-z_]+\.[a-z0-9_]+)"\s*[,)]""")


FIGURE, LETTERS = re.compile(r"\{\w*[^}]*\}"), re.compile("[a-z]{4}")


def _sentences(room, language):
    folder = Path(str(files(room) / "languages"))
    paths = sorted((folder / language).glob("*.toml")) or [folder / f"{language}.toml"]
    found = {}
    for path in paths:
        for part, sentences in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for key, said in sentences.items():
                assert f"{part}.{key}" not in found, f"{part}.{key} is said twice"
                found[f"{part}.{key}"] = said
    return found


def _braces(sentence):
    return sorted(re.findall(r"\{(\w*)[^}]*\}", sentence))


@pytest.mark.parametrize("room", ROOMS)
def test_languages_have_the_same_sentences_with_the_same_figures(room):
    first, *others = (_sentences(room, language) for language in LANGUAGES)
    for other in others:
        assert other.keys() == first.keys()
        assert {key: _braces(said) for key, said in other.items()} == {
            key: _braces(said) for key, said in first.items()
        }


@pytest.mark.parametrize("room", ROOMS)
def test_what_templates_say_exists(room):
    words = words_of("en", room)
    asked = {key for path in TEMPLATES[room].glob("*.html") for key in SAID.findall(path.read_text(encoding="utf-8"))}
    assert asked
    assert asked <= words.sentences.keys()


def test_chinese_is_written_in_chinese():
    for room in ROOMS:
        chinese = _sentences(room, "zh")
        said = {key: FIGURE.sub("", sentence) for key, sentence in _sentences(room, "en").items()}
        same = {key for key, words in said.items() if LETTERS.search(words) and words == FIGURE.sub("", chinese[key])}
        assert same <= {"shared.product", "shared.lang"}
