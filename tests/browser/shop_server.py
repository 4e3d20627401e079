"""A server with everything that pages need, in a process of its own: ``shop_server.py DATABASE PORT PEER_PORT``."""

import sys
from pathlib import Path

from andante.channels.catalogue import Means, build
from andante.channels.templates import Templates
from andante.delivery import Dispatcher, Outbox, Receipts
from andante.delivery.feed import Feed
from andante.delivery.rendering import Links, Writer
from andante.live import Engine, SteadyClock
from andante.service.delivering import port as delivery_port
from andante.service.pages_demo import demo
from andante.service.running import Running
from andante.service.secret import kept_secret, secret_file
from andante.service.serving import Serving
from andante.service.stream_assembly import Streams
from andante.service.tokens import Leaving, Tokens
from andante.settings.sections.channels import InAppOptions, WebPushOptions
from andante.settings.sections.delivery import DeliverySettings
from andante.settings.sections.service import Service
from andante.settings.sections.stream import Stream

CONFIG = {
    "experiment": {"holdout": 0.0, "explore": 0.0},
    "gap": {"minimum": "PT0S"},
    "categories": {"receipt": {"transactional": True}},
    "pacing": {
        "default_per_week": 168.0,
        "most_per_week": 168.0,
        "burst": 32.0,
        "patience": 0.0,
        "floor": 0.0,
        "temperature": 0.001,
        "explore_candidates": 0.0,
        "message_cost": 0.0,
        "refusal_loss": 0.0,
        "refusal_loss_pushes": 0.0,
    },
}
"""Whatever the rules allow goes out."""


def main(database, port, peer_port):
    engine, outbox, clock = Engine.open(database, CONFIG), Outbox.open(f"{database}.delivery"), SteadyClock()
    service, lines = Service(port=port, public_url=f"http://127.0.0.1:{port}", drain="PT3S"), Stream()
    kept = secret_file(database)
    tokens = Tokens(kept_secret(kept, "tokens"), service.outcome_token_life, service.public_url)
    serving = Serving(
        engine,
        service,
        tokens,
        database=Path(database),
        delivery=delivery_port(outbox, Receipts(outbox, engine), {}, engine.now_us),
    )
    feed = Feed.open(outbox.database, lines, clock=clock)
    options = {
        "in_app": InAppOptions(provider="in_app"),
        "push": WebPushOptions(
            provider="web_push", subject="mailto:push@shop.example", private_targets=True, ports=[peer_port]
        ),
    }
    channels = build(options, Means(lambda name, make: kept_secret(kept, name, make), feed))

    def links(send):
        leaving = Leaving(send.user_id, send.candidate.channel, send.decision_id)
        return Links(tokens.outcome_url(send.decision_id), tokens.unsubscribe_url(leaving))

    dispatcher = Dispatcher(
        engine,
        outbox,
        channels,
        writer=Writer(outbox.messages, Templates(), links),
        rules=DeliverySettings(lease="PT8S"),
        clock=clock,
    )
    serving.on_news.append(dispatcher.wake)
    streams = Streams(serving, feed, lines)
    more = [*streams.routes(), *demo(service, channels["push", "web_push"].public_key)]
    Running(serving, "0", more=more, described=[streams.ticket], beside=(dispatcher.run, streams.run)).run()
    outbox.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
