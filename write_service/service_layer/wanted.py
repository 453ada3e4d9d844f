"""From commands to what has to be read before they can be handled."""

from collections.abc import Sequence

from contracts.commands import (
    AddUser,
    ChangeUserEmail,
    ChangeUserRole,
    Command,
    RegisterCompany,
    RemoveUser,
    RenameCompany,
    RenameUser,
)
from write_service.domain.values import name_key
from write_service.service_layer.records import Wanted


def wanted_by(commands: Sequence[Command]) -> Wanted:
    """The companies, command ids, names and users that these commands name."""
    wanted = Wanted()
    for command in commands:
        company_id, data = command.subject, command.data
        wanted.company_ids.add(company_id)
        wanted.command_ids.add(command.id)
        match command:
            case RegisterCompany() | RenameCompany():
                wanted.name_keys.add(name_key(data.name))
            case AddUser() | ChangeUserEmail():
                wanted.user_ids.add((company_id, data.user_id))
                wanted.emails.add((company_id, data.email))
            case ChangeUserRole() | RenameUser() | RemoveUser():
                wanted.user_ids.add((company_id, data.user_id))
            case _:
                pass
    return wanted
