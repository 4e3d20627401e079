"""The peer ``cue-notify`` as a server: its own application under its own server, ready to be asked over HTTP.

Run by the peer's own interpreter: an order comes as one line of JSON on standard input, the answer says where the
server listens and with which key, and the server ends when standard input does. Templates, limits and users are there
before the first question, so that only the decision is left to it; nothing delivers what it lets out.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

CATEGORY, TEMPLATE, CHANNEL = "promotion", "push", "push"

SETTINGS = f"""
log_level = "ERROR"

[channels.{CHANNEL}]
provider = "console"
"""


def main() -> None:
    """Do what is ordered."""
    order = json.loads(sys.stdin.readline())
    os.chdir(order["folder"])
    Path("cue.toml").write_text(SETTINGS, encoding="utf-8")
    key = asyncio.run(_made_ready(order["users"], order["caps"]))
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    print(json.dumps({"url": f"http://{host}:{port}", "key": key, **_versions()}), flush=True)
    _serve(listener)


def question(user_id: str) -> dict[str, Any]:
    """Return the body of a question about a user, in the shape that costs the server least."""
    return {"recipient": user_id, "template": TEMPLATE, "category": CATEGORY, "channels": [CHANNEL]}


async def _made_ready(users: list[str], caps: list[list[Any]]) -> str:
    """Bring the database up to date, fill it, and return an API key."""
    from cue_notify.api.schemas import CategoryIn, TemplateIn  # type: ignore[import-not-found]  # the peer's alone
    from cue_notify.core.enums import Scope  # type: ignore[import-not-found]
    from cue_notify.db.models import Category, Template  # type: ignore[import-not-found]
    from cue_notify.runtime import Runtime  # type: ignore[import-not-found]
    from cue_notify.services import api_keys, recipients  # type: ignore[import-not-found]
    from cue_notify.settings import get_settings  # type: ignore[import-not-found]

    settings = get_settings()
    await asyncio.to_thread(_migrate, settings.database.url)
    runtime = Runtime.create(settings)
    try:
        async with runtime.transaction() as session:
            limits = [{"period": window, "limit": limit} for window, limit in caps]
            category = CategoryIn(key=CATEGORY, frequency_caps=limits, respect_quiet_hours=False)
            session.add(Category(**category.model_dump(mode="json")))
            wanted = TemplateIn(key=TEMPLATE, locales={"en": {"title": "A", "body": "B"}})
            locales = {name: text.model_dump(exclude_none=True) for name, text in wanted.locales.items()}
            session.add(Template(key=TEMPLATE, default_locale="en", locales=locales, ai_attributes=[]))
            for user in users:
                address = {"channel": CHANNEL, "value": f"token-{user}"}
                await recipients.upsert(session, recipients.RecipientIn(external_id=user, addresses=[address]))
            _, key = await api_keys.create(session, "bench", [Scope.ADMIN])
        return str(key)
    finally:
        await runtime.aclose()


def _migrate(url: str) -> None:
    from alembic import command  # type: ignore[import-not-found]
    from cue_notify.db.migrations import alembic_config  # type: ignore[import-not-found]

    command.upgrade(alembic_config(url), "head")


def _serve(listener: socket.socket) -> None:
    """Serve as the peer's own command does, until standard input ends."""
    import uvicorn

    config = uvicorn.Config("cue_notify.api.app:create_app", factory=True, proxy_headers=True, log_config=None)
    server = uvicorn.Server(config)

    def watch() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    server.run(sockets=[listener])


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"version": version("cue-notify"), "python": sys.version.split()[0]}


if __name__ == "__main__":
    main()
