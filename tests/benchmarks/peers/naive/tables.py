"""The usual tables of a command service, mapped by SQLAlchemy's ORM."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The registry of the tables."""

    type_annotation_map = {dict[str, Any]: JSONB}  # noqa: RUF012 - SQLAlchemy's own spelling


class Company(Base):
    """A company."""

    __tablename__ = "companies"
    __table_args__ = (Index("companies_name", "name_key", unique=True, postgresql_where=text("status <> 'closed'")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str]
    seat_limit: Mapped[int]
    user_count: Mapped[int] = mapped_column(default=0)
    owner_count: Mapped[int] = mapped_column(default=0)


class User(Base):
    """A user of a company."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("company_id", "email"),)

    company_id: Mapped[UUID] = mapped_column(ForeignKey("companies.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    full_name: Mapped[str]
    role: Mapped[str]


class Event(Base):
    """What happened, for ever."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("company_id", "version"),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity())
    company_id: Mapped[UUID]
    version: Mapped[int]
    type: Mapped[str]
    data: Mapped[dict[str, Any]]
    command_id: Mapped[UUID] = mapped_column(unique=True)
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())


class OutboxMessage(Base):
    """An event that is still to be published."""

    __tablename__ = "outbox"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    type: Mapped[str]
    body: Mapped[dict[str, Any]]


class HandledCommand(Base):
    """A command that was handled, and what was answered."""

    __tablename__ = "command_log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reply: Mapped[dict[str, Any]]
