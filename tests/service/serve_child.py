"""A process to be killed: it serves a file, and says where."""

import json
import sys
from pathlib import Path

from andante import Engine
from andante.service import journal
from andante.service.running import Running
from andante.service.serving import Serving
from andante.service.tokens import Tokens
from andante.settings.sections.service import Service


def main() -> None:
    path, config, drain = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
    settings = Service(port=0, drain=drain)
    engine = Engine.open(path, config)
    serving = Serving(engine, settings, Tokens("x" * 32, settings.outcome_token_life), database=path)
    running = Running(serving, "0")
    journal.begin()
    print(running.url, flush=True)  # noqa: T201  its parent reads it
    running.run()


if __name__ == "__main__":
    main()
