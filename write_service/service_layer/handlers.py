"""The handlers: get, ask the company once, save. At the foot, which wire type goes to which."""

from collections.abc import Awaitable, Callable
from typing import Any

from contracts.commands import (
    ActivateCompany,
    AddUser,
    ChangeSeatLimit,
    ChangeUserEmail,
    ChangeUserRole,
    CloseCompany,
    RegisterCompany,
    RemoveUser,
    RenameCompany,
    RenameUser,
    SuspendCompany,
    wire_type,
)
from write_service.domain.membership import User
from write_service.service_layer.ports import Companies


async def register_company(command: RegisterCompany, companies: Companies) -> None:
    company = await companies.new(command.company_id)
    taken = await companies.is_taken(command.data.name, by_other_than=company.id)
    company.register(command.data.name, command.data.seat_limit, name_taken=taken)
    await companies.save(company)


async def rename_company(command: RenameCompany, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    taken = await companies.is_taken(command.data.name, by_other_than=company.id)
    company.rename(command.data.name, name_taken=taken)
    await companies.save(company)


async def activate_company(command: ActivateCompany, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.activate()
    await companies.save(company)


async def suspend_company(command: SuspendCompany, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.suspend(command.data.reason)
    await companies.save(company)


async def close_company(command: CloseCompany, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.close(command.data.reason)
    await companies.save(company)


async def change_seat_limit(command: ChangeSeatLimit, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.change_seat_limit(command.data.seat_limit)
    await companies.save(company)


async def add_user(command: AddUser, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    new = command.data
    company.add_user(User(new.user_id, new.email, new.full_name, new.role))
    await companies.save(company)


async def change_user_role(command: ChangeUserRole, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.change_role(command.data.user_id, command.data.role)
    await companies.save(company)


async def rename_user(command: RenameUser, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.rename_user(command.data.user_id, command.data.full_name)
    await companies.save(company)


async def change_user_email(command: ChangeUserEmail, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.change_email(command.data.user_id, command.data.email)
    await companies.save(company)


async def remove_user(command: RemoveUser, companies: Companies) -> None:
    company = await companies.get(command.company_id)
    company.remove_user(command.data.user_id)
    await companies.save(company)


Handler = Callable[[Any, Companies], Awaitable[None]]

HANDLERS: dict[str, Handler] = {
    wire_type(RegisterCompany): register_company,
    wire_type(RenameCompany): rename_company,
    wire_type(ActivateCompany): activate_company,
    wire_type(SuspendCompany): suspend_company,
    wire_type(CloseCompany): close_company,
    wire_type(ChangeSeatLimit): change_seat_limit,
    wire_type(AddUser): add_user,
    wire_type(ChangeUserRole): change_user_role,
    wire_type(RenameUser): rename_user,
    wire_type(ChangeUserEmail): change_user_email,
    wire_type(RemoveUser): remove_user,
}
