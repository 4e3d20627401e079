"""Every command and option is on the page of the command line, and nothing else is."""

import re

import pytest
from typer.main import get_command

from andante.cli.main import app


def commands(command, name="andante"):
    yield name, command
    for word, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{name} {word}")


COMMANDS = dict(commands(get_command(app)))


def section(page, name):
    """The text below a command's heading, up to the next heading; the head of the page for the command itself."""
    text = page("docs/cli.md")
    if name != "andante":
        text = re.split(rf"^#+ `{name}`$", text, maxsplit=1, flags=re.MULTILINE)[1]
    return re.split(r"^#", text.lstrip("#"), maxsplit=1, flags=re.MULTILINE)[0]


def test_every_command_has_a_heading(page):
    headings = re.findall(r"^#+ `(.+)`$", page("docs/cli.md"), re.MULTILINE)
    assert ["andante", *headings] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_lists_the_options_that_there_are(page, name):
    shown = re.findall(r"^\| (`--.*?) \|", section(page, name), re.MULTILINE)
    listed = {option for cell in shown for option in re.findall(r"--[\w-]+", cell)}
    there = {opt for param in COMMANDS[name].params for opt in param.opts if opt.startswith("--")}
    assert listed - {"--help"} == there


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_states_the_defaults_that_there_are(page, name):
    rows = dict(re.findall(r"^\| `(--[\w-]+)` \| (.*?) \|", section(page, name), re.MULTILINE))
    for param in COMMANDS[name].params:
        option = param.opts[0]
        if option in rows and isinstance(param.default, int) and not isinstance(param.default, bool):
            assert rows[option].replace(",", "") == str(param.default), option


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_names_the_arguments_that_there_are(page, name):
    for param in COMMANDS[name].params:
        if param.param_type_name == "argument":
            assert f"`{name} {param.name.upper()}" in section(page, name)
