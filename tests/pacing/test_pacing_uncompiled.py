import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("pacing_history.py")


def digest(*, compiled):
    environment = os.environ | {"NUMBA_DISABLE_JIT": "0" if compiled else "1"}
    command = [sys.executable, "-W", "error::RuntimeWarning", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def test_compiled_and_uncompiled_learning_and_pacing_give_the_same_bits():
    compiled = digest(compiled=True)
    assert len(compiled.strip()) == 64
    assert digest(compiled=False) == compiled
