"""The tables of what went wrong: messages in custody, and commands that run under suspicion."""

from alembic import context, op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The columns with ids are text: they hold what a sender wrote, which may be anything.
PARKED = """
CREATE TABLE parked (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    digest bytea NOT NULL CONSTRAINT parked_digest UNIQUE,
    kind text NOT NULL,
    reason text NOT NULL,
    body bytea NOT NULL,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    content_type text,
    message_id text,
    properties jsonb NOT NULL,
    command_id text,
    command_type text,
    company_id text,
    parked_at timestamptz NOT NULL DEFAULT now(),
    tries integer NOT NULL DEFAULT 1,
    resent_at timestamptz,
    dropped_at timestamptz,
    history jsonb NOT NULL DEFAULT '[]'
)"""

CLOSED = """
CREATE INDEX parked_closed ON parked (coalesce(resent_at, dropped_at))
    WHERE coalesce(resent_at, dropped_at) IS NOT NULL"""

SUSPECTS = """
CREATE TABLE suspects (
    command_id uuid PRIMARY KEY,
    deaths integer NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
)"""

INDEXES = (
    "CREATE INDEX parked_open ON parked (parked_at, id) WHERE resent_at IS NULL AND dropped_at IS NULL",
    "CREATE INDEX parked_kind ON parked (kind, parked_at)",
    "CREATE INDEX parked_type ON parked (command_type, parked_at)",
    "CREATE INDEX parked_company ON parked (company_id) WHERE company_id IS NOT NULL",
    "CREATE INDEX parked_command ON parked (command_id) WHERE command_id IS NOT NULL",
    CLOSED,
)

GRANTS = (
    "SELECT, INSERT, UPDATE, DELETE ON parked",
    "SELECT, INSERT, UPDATE, DELETE ON suspects",
)


def upgrade() -> None:
    role = context.config.attributes["service_role"]
    for statement in (PARKED, SUSPECTS, *INDEXES):
        op.execute(statement)
    for grant in GRANTS:
        op.execute(f'GRANT {grant} TO "{role}"')


def downgrade() -> None:
    raise NotImplementedError("messages in custody would be lost: restore a backup")
