"""A provider in one file: it accepts every push, and its id of the push is what it would say."""

from andante.channels.catalogue import Means
from andante.channels.contract import Address, Answer, Push, Status
from andante.channels.fitness import unfit
from andante.settings.sections.channels import PluginOptions


class Echo:
    """Channel to nobody."""

    provider = "echo"
    forms = ("text",)
    of_users = True

    def __init__(self, greeting: str) -> None:
        """Store what is said first."""
        self._greeting = greeting

    async def send(self, push: Push, address: Address) -> Answer:
        """Accept the push."""
        return unfit(push, self.forms, push.sent_at_s) or Answer(
            status=Status.ACCEPTED, provider_id=f"{self._greeting} {address.user_id}: {push.content.title}"
        )

    async def close(self) -> None:
        """Do nothing: there is no line."""


def echo(options: PluginOptions, means: Means) -> Echo:
    """Open the channel, given ``[channels.NAME.options]`` with a ``greeting``."""
    del means
    return Echo(str(options.options.get("greeting", "Hello")))
