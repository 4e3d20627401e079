"""The root's conftest.py runs examples: what is right passes, and what is wrong fails."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PASSES = {
    "a_command_and_its_output": "```console\n$ echo one 12.5\none 3\n```",
    "output_that_is_cut": "```console\n$ printf 'a\\nb\\nc\\n'\na\n…\n```",
    "a_command_that_goes_on": "```console\n$ echo one \\\n    two\none two\n```",
    "blocks_that_build_on_each_other": "```python\nopen('f', 'w').write('x')\n```\n\n```console\n$ cat f\nx\n```",
    "a_block_that_is_skipped": "<!-- skip: next -->\n```console\n$ false\n```",
    "a_block_that_is_not_shown": "<!-- invisible-code-block: python\nx = 1\n-->\n\n```python\nassert x\n```",
}
FAILS = {
    "a_command_that_fails": "```console\n$ false\n```",
    "another_output_than_shown": "```console\n$ echo one\ntwo\n```",
    "more_output_than_shown": "```console\n$ printf 'a\\nb\\n'\na\n```",
    "python_that_raises": "```python\nassert not 1\n```",
    "a_doctest_with_another_answer": "```python\n>>> 1 + 1\n3\n\n```",
    "a_console_block_without_a_prompt": "```console\necho one\n```",
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Run a copy of conftest.py on small pages, and return what became of each."""
    root = tmp_path_factory.mktemp("repository")
    shutil.copy(ROOT / "conftest.py", root)
    (root / "pytest.ini").touch()
    (root / "docs").mkdir()
    for name, text in (PASSES | FAILS).items():
        (root / "docs" / f"{name}.md").write_text(f"# Page\n\n{text}\n", "utf-8")
    run = [sys.executable, "-m", "pytest", "-rA", "-q", "-p", "no:cacheprovider", "docs"]
    printed = subprocess.run(run, cwd=root, capture_output=True, text=True, check=False).stdout
    return {name: verdict for verdict, name in re.findall(r"^(PASSED|FAILED) docs/(\w+)\.md", printed, re.MULTILINE)}


@pytest.mark.parametrize("name", PASSES)
def test_what_is_right_passes(verdicts, name):
    assert verdicts[name] == "PASSED"


@pytest.mark.parametrize("name", FAILS)
def test_what_is_wrong_fails(verdicts, name):
    assert verdicts[name] == "FAILED"
