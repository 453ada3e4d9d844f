"""Where a reply may go: to queues that were made for replies, under names that the broker itself has given."""

import base64
import re

DIRECT = "amq.rabbitmq.reply-to"
LONGEST = 255  # bytes of a name

_QUEUE = re.compile(r"(amq\.gen-|reply\.).+", re.DOTALL)
_DIRECT = re.compile(rf"{re.escape(DIRECT)}\.([A-Za-z0-9+/]+=*)\.[A-Za-z0-9+/]+=*")
# A process of Erlang as RabbitMQ 3.9 to 4.x write it: a name that stands for its node, then three numbers of 32 bits.
_PROCESS = re.compile(rb"\x83X(?:v\0|w)(.)([a-z]+@[0-9]{1,9}).{12}", re.DOTALL)


def may_receive(reply_to: str) -> bool:
    """Whether replies go there: never to a queue in which messages do something, never where the broker stumbles.

    RabbitMQ 3.x closes the whole connection of who publishes to `amq.rabbitmq.reply-to.` and something it cannot read.
    """
    if len(reply_to.encode(errors="replace")) > LONGEST:
        return False
    if direct := _DIRECT.fullmatch(reply_to):
        return _is_process(direct[1])
    return _QUEUE.fullmatch(reply_to) is not None


def _is_process(text: str) -> bool:
    try:
        process = _PROCESS.fullmatch(base64.b64decode(text, validate=True))
    except ValueError:
        return False
    return process is not None and process[1][0] == len(process[2])
