"""The command line of the private stack: python -m deploy.local [--root DIR] servers up|down|status."""

import argparse
import sys
from pathlib import Path

from deploy.local import servers
from deploy.local.stack import DEFAULT_ROOT, Stack, Trouble, changing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="Registrar's servers on this machine.")
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT, help="the stack's folder (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    only = commands.add_parser("servers", help="the servers without the services").add_subparsers(
        dest="action", required=True
    )
    starting = only.add_parser("up", help="start RabbitMQ, PostgreSQL and MongoDB")
    starting.add_argument("--test", action="store_true", help="with virtual hosts and rights for the test suite")
    _wipes(only.add_parser("down", help="stop everything of this stack"))
    only.add_parser("status", help="say what runs")
    return parser


def _wipes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wipe", action="store_true", help="remove data, logs and passwords too")


def _servers_up(stack: Stack, arguments: argparse.Namespace) -> bool:
    stack.test = stack.test or arguments.test
    servers.up(stack)
    print(f"Addresses are in {stack.environment_file}")
    return True


def _down(stack: Stack, arguments: argparse.Namespace) -> bool:
    servers.down(stack)
    if arguments.wipe:
        servers.wipe(stack)
    return True


def _status(stack: Stack, _: argparse.Namespace) -> bool:
    return servers.status(stack)


_COMMANDS = {"servers up": _servers_up, "servers down": _down, "servers status": _status}


def main() -> int:
    """Run one command. 0 when all is well, 1 when something is dead or failed."""
    arguments = _parser().parse_args()
    name = " ".join(filter(None, (arguments.command, getattr(arguments, "action", None))))
    try:
        with changing(arguments.root) as stack:
            return 0 if _COMMANDS[name](stack, arguments) else 1
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
