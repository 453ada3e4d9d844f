"""Whether the database takes anything at all: asked before a lone command is accused."""

import uuid

from contracts.commands import RegisterCompany
from write_service.service_layer.batch import Batch
from write_service.service_layer.ports import Transactions
from write_service.service_layer.wanted import wanted_by


class _Enough(Exception):
    """Ends the probe's transaction without a commit."""


async def takes_others(transactions: Transactions) -> bool:
    """Whether a company of our own making could be registered at this moment; it is not."""
    data = {"name": f"Probe {uuid.uuid4()}"}
    facts = {"specversion": "1.0", "source": "/registrar/write_service", "type": "company.register.v1", "data": data}
    probe = RegisterCompany.model_validate({**facts, "id": str(uuid.uuid4()), "subject": str(uuid.uuid4())})
    try:
        async with transactions.begin() as transaction:
            batch = Batch(await transaction.load(wanted_by([probe])))
            await batch.handle([probe])
            await transaction.write(batch.changes())
            await transaction.check()
            raise _Enough
    except _Enough:
        return True
    except Exception:  # noqa: BLE001 - refused like the command, or away meanwhile: neither accuses it
        return False
