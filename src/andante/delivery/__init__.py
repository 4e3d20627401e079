"""Delivery: sends of the log in, attempts at providers and what came of them out.

A send decision is its own outbox row. Behind a cursor over the log stands an outbox in a file of its own: who can be
reached where, what is said, and every attempt, durable before it is made.
"""

from andante.delivery.dispatcher import Dispatcher
from andante.delivery.outbox import Outbox
from andante.delivery.receipts import Receipts

__all__ = ["Dispatcher", "Outbox", "Receipts"]
