"""Where replies go: queues made for replies, and addresses that a broker has given; nothing that looks like one."""

import base64

import pytest

from contracts.reply_queues import may_receive

OF_3_10 = "amq.rabbitmq.reply-to.g1h2AA5yZXBseUAyMjcyMDMwOAAAB5sAAAAAawZGKw==.6SLApnQxVSmYGJrMGKPmbw=="
OF_4_0 = "amq.rabbitmq.reply-to.g1h2AA9yZXBseUAxMTQ3MDIyODUAAAAKAAAAAGsGRuw=.6SLApnQxVSmYGJrMGKPmbw=="


def direct(process: bytes) -> str:
    return f"amq.rabbitmq.reply-to.{base64.b64encode(process).decode()}.a2tra2tra2tra2tra2trAA=="


RECEIVE = (
    OF_3_10,
    OF_4_0,
    direct(b"\x83Xw\x07reply@1" + b"\xff" * 12),
    direct(b"\x83Xv\x00\x0bgenerated@1" + b"\n" * 12),
    "amq.gen-JzTY20BRgKO-HjmUJj0wLg",
    "reply.mine",
    "reply." + "x" * 249,
)
NO_REPLY_QUEUES = ("", "reply", "reply.", "amq.gen-", "write_service.commands", "read_service.events.g1", " reply.mine")
TOO_LONG = ("reply." + "x" * 250, "reply." + "é" * 125)
BROKEN = (
    "amq.rabbitmq.reply-to",
    "amq.rabbitmq.reply-toX",
    "amq.rabbitmq.reply-to.",
    "amq.rabbitmq.reply-to.!!.!!",
    "amq.rabbitmq.reply-to.AAAA.BBBB",
    f"{OF_3_10}\n",
    f"{OF_3_10}.x",
    OF_3_10.rpartition(".")[0],
    OF_3_10.replace("==.", "."),
    OF_3_10.replace("==.", "==\n."),
    OF_3_10.replace(".g1h2", "..g1h2"),
    OF_3_10.replace("g1h2", "g1hk"),
    OF_3_10.replace("g1h2", "g1\ud8002"),
    direct(b"\x83gd\x00\x07reply@1" + b"\x00" * 9),
    direct(b"\x83Xw\x08reply@1" + b"\x00" * 12),
    direct(b"\x83Xw\x07reply@1" + b"\x00" * 11),
    direct(b"\x83Xw\x07reply@1" + b"\x00" * 13),
    direct(b"\x83Xw\x07reply@x" + b"\x00" * 12),
    direct(b"\x83Xw\x05reply" + b"\x00" * 12),
)


@pytest.mark.parametrize("reply_to", RECEIVE)
def test_a_queue_that_was_made_for_replies_receives_them(reply_to: str) -> None:
    assert may_receive(reply_to)


@pytest.mark.parametrize("reply_to", NO_REPLY_QUEUES + TOO_LONG + BROKEN)
def test_nothing_else_does(reply_to: str) -> None:
    assert not may_receive(reply_to)
