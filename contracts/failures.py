"""What can go wrong for a client. Whatever it raises is a ClientError; outcomes of commands are replies, not errors."""


class ClientError(Exception):
    """The caller's wish was not carried out, or it is not known whether it was; the text says what to do."""


class Unreachable(ClientError):
    """No connection to the broker."""


class TimedOut(ClientError):
    """The time is over. What was sent may still be handled: sending it again with the same id is safe."""


class Unroutable(ClientError):
    """The broker knows no queue, or no exchange, for the message."""


class Refused(ClientError):
    """The broker does not let this user publish there."""


class BadReply(ClientError):
    """Something was answered that is no reply of this service."""
