"""Replicas whose transactions keep meeting each other take turns.

MongoDB has no lock to wait for: of two transactions on one document the later one fails at once, and its work is lost.
Where most batches share companies, replicas would spend their time on work that fails. So a lane that has met another
replica first writes a document of the lane, its turn, in the transaction: who has not got it has lost nothing yet. It
waits for the turn with the same write outside of any transaction, because such a one the server tries again until it
succeeds.

A turn guards nothing, positions do: a replica that does not get it in time goes on without.
"""

from dataclasses import dataclass

from read_service.adapters.collections import TURNS, name_of
from read_service.adapters.mongo import Database, Document, OutOfTime, Session, run_alone

MOST_TURNS = 64  # in a row before it is tried without: that one may be in vain, or all of them were
WAIT_SECONDS = 1.0  # a frozen replica keeps its turn until the server ends its transaction, after ten seconds or sixty


@dataclass(slots=True)
class Crowding:
    """Whether to take turns: twice as many after a transaction that met another, half as many after one that did not.

    Where meetings are rare, transactions run side by side; where they are certain, one of `MOST_TURNS` finds out.
    """

    _stretch: int = 1
    left: int = 0  # so many transactions take turns before one does not

    def met(self) -> None:
        """A transaction met another replica's."""
        if not self.left:
            self.left = self._stretch
            self._stretch = min(MOST_TURNS, 2 * self._stretch)

    def passed(self) -> None:
        """A transaction has committed."""
        if self.left:
            self.left -= 1
        else:
            self._stretch = max(1, self._stretch // 2)

    def waited_in_vain(self) -> None:
        """Nobody gave the turn up in time: who has it may be frozen, and need not be met."""
        self.left = 0


class Turns:
    """The turn of one lane, the same for every replica."""

    def __init__(self, database: Database, generation: int, lane: int) -> None:
        self._database = database
        self._name = name_of(TURNS, generation)
        self._lane = lane
        self.crowding = Crowding()

    @property
    def take(self) -> Document:
        """The command that takes the turn, first in a transaction; who is late has met another replica."""
        update: Document = {"q": {"_id": self._lane}, "u": {"$inc": {"taken": 1}}, "upsert": True}
        return {"update": self._name, "updates": [update]}

    async def come(self, session: Session) -> bool:
        """Where replicas meet, wait until nobody has the turn; whether to take it. Raises StoreAway.

        On the session of the transaction to come, which then sees what was committed until now.
        """
        if not self.crowding.left:
            return False
        try:
            await run_alone(self._database, session, self.take, WAIT_SECONDS)
        except OutOfTime:
            self.crowding.waited_in_vain()
            return False
        return True
