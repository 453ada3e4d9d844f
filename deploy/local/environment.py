"""The addresses that the services, the client and a person's shell use: ours, or those of servers that are there."""

from collections.abc import Mapping

from deploy.local import mongo, postgres, rabbitmq
from deploy.local.stack import Stack, Trouble, write_private

VARIABLES = {
    rabbitmq.NAME: ("REGISTRAR_AMQP_URL",),
    postgres.NAME: ("REGISTRAR_POSTGRES_URL", "REGISTRAR_POSTGRES_SETUP_URL"),
    mongo.NAME: ("REGISTRAR_MONGO_URL", "REGISTRAR_MONGO_VIEWS_URL"),
}
HTTP = "REGISTRAR_HTTP_URL"
FIRST_READER = "read-service-1"


def own(stack: Stack) -> dict[str, str]:
    """The addresses of the private servers."""
    return {
        "REGISTRAR_AMQP_URL": rabbitmq.url(stack),
        "REGISTRAR_POSTGRES_URL": postgres.url(stack),
        "REGISTRAR_POSTGRES_SETUP_URL": postgres.url(stack, postgres.OWNER),
        "REGISTRAR_MONGO_URL": mongo.url(stack),
        "REGISTRAR_MONGO_VIEWS_URL": mongo.url(stack, mongo.VIEWS),
        HTTP: f"http://127.0.0.1:{stack.port(FIRST_READER)}",
    }


def given(stack: Stack, environ: Mapping[str, str]) -> dict[str, str]:
    """The addresses of existing servers that the environment names; whoever sourced stack.env names none.

    Raises Trouble where a server's variables are set in part.
    """
    ours, found = own(stack), {}
    for server, names in VARIABLES.items():
        values = {name: environ[name] for name in names if environ.get(name)}
        missing = [name for name in names if name not in values]
        if values and missing:
            raise Trouble(f"{', '.join(missing)} is missing beside {', '.join(values)}: set all of {server}'s, or none")
        if any(ours[name] != value for name, value in values.items()):
            found.update(values)
    return found


def servers_of(variables: Mapping[str, str]) -> set[str]:
    """The servers that these variables stand for."""
    return {server for server, names in VARIABLES.items() if names[0] in variables}


def write(stack: Stack, values: Mapping[str, str]) -> None:
    """Write stack.env."""
    write_private(stack.environment_file, "".join(f"{name}={value}\n" for name, value in values.items()))


def read(stack: Stack) -> dict[str, str]:
    """What stack.env says; nothing where there is none."""
    if not stack.environment_file.exists():
        return {}
    lines = stack.environment_file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
