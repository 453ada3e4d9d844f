"""The tables of the write service's core: companies, users, events, outbox, command_log."""

from alembic import context, op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The name as people wrote it is in `name`; `name_key` is a hash of the form in which names compare, because that form
# can outgrow what an index takes. It is checked at the commit, so that one transaction can swap two names.
COMPANIES = """
CREATE TABLE companies (
    id uuid PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    status text NOT NULL CHECK (status IN ('registered', 'active', 'suspended', 'closed')),
    name text NOT NULL,
    name_key bytea NOT NULL,
    seat_limit integer NOT NULL,
    user_count integer NOT NULL CHECK (user_count BETWEEN 0 AND seat_limit),
    owner_count integer NOT NULL CHECK (owner_count BETWEEN 0 AND user_count),
    registered_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT companies_name EXCLUDE USING btree (name_key WITH =) WHERE (status <> 'closed')
        DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 80)"""

# No foreign key to companies: users are written under the lock of their company's row alone, and a key would lock and
# read that row again for every user.
USERS = """
CREATE TABLE users (
    company_id uuid NOT NULL,
    user_id uuid NOT NULL,
    email text NOT NULL,
    full_name text NOT NULL,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    PRIMARY KEY (company_id, user_id),
    CONSTRAINT users_email UNIQUE (company_id, email) DEFERRABLE INITIALLY DEFERRED
)"""

# The primary key is the order in which the log is replayed. The digest stays with the event for ever, so that an id
# that is used again for another command is found out for ever.
EVENTS = """
CREATE TABLE events (
    position bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    company_id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL,
    command_id uuid NOT NULL,
    digest bytea NOT NULL,
    correlationid text,
    actor text,
    traceparent text,
    tracestate text,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (company_id, version),
    CONSTRAINT events_command UNIQUE (command_id)
)"""

# Event ids are UUIDs of version 7: their order is that of time. Rows live for milliseconds, so vacuum follows the
# number of dead rows, not the size of the table.
OUTBOX = """
CREATE TABLE outbox (
    event_id uuid PRIMARY KEY,
    type text NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    recorded_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000)"""

# Every outcome goes through this table, so that its primary key decides between two replicas that run one command at
# the same moment. Accepted ones may be purged, because the events keep them; those without an event never are.
COMMAND_LOG = """
CREATE TABLE command_log (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    digest bytea NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'rejected', 'unchanged')),
    version integer,
    code text,
    message text,
    details jsonb,
    recorded_at timestamptz NOT NULL
)"""

INDEXES = (
    "CREATE INDEX events_recorded ON events (recorded_at)",
    "CREATE INDEX command_log_purge ON command_log (recorded_at) WHERE outcome <> 'unchanged'",
)

# The log is append-only by right, not by habit. UPDATE on the outbox is what FOR UPDATE asks for.
GRANTS = (
    "SELECT, INSERT, UPDATE ON companies",
    "SELECT, INSERT, UPDATE, DELETE ON users",
    "SELECT, INSERT ON events",
    "SELECT, INSERT, UPDATE, DELETE ON outbox",
    "SELECT, INSERT, DELETE ON command_log",
    "SELECT ON alembic_version",
)


def upgrade() -> None:
    role = context.config.attributes["service_role"]
    for statement in (COMPANIES, USERS, EVENTS, OUTBOX, COMMAND_LOG, *INDEXES):
        op.execute(statement)
    for grant in GRANTS:
        op.execute(f'GRANT {grant} TO "{role}"')


def downgrade() -> None:
    raise NotImplementedError("there is no way back from the log of events: restore a backup")
