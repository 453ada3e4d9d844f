"""For tests of crashes: handlers that kill the process for the commands of one actor."""

import os
import signal
from collections.abc import Mapping
from typing import Any

from write_service.service_layer.handlers import Handler
from write_service.service_layer.ports import Companies


def dying_for(actor: str, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """The handlers, each of which ends the process when its command carries this actor."""

    def dying(handler: Handler) -> Handler:
        async def handle(command: Any, companies: Companies) -> None:
            if command.actor == actor:
                os.kill(os.getpid(), signal.SIGKILL)
            await handler(command, companies)

        return handle

    return {kind: dying(handler) for kind, handler in handlers.items()}
