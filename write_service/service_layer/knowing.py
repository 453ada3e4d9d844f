"""The outcome of a command that was handled before, without running it."""

from contracts.commands import Command
from contracts.replies import Reply
from write_service.service_layer.outcomes import known_reply
from write_service.service_layer.ports import Transactions
from write_service.service_layer.records import Wanted


async def reply_of(transactions: Transactions, command: Command) -> Reply | None:
    """The reply to a command that has its outcome, or None. Raises what the transactions raise."""
    async with transactions.begin() as transaction:
        loaded = await transaction.load(Wanted(command_ids={command.id}))
    outcome = loaded.outcomes.get(command.id)
    return None if outcome is None else known_reply(outcome, command, command.digest())
