"""The command line of the private stack: python -m deploy.local [--root DIR] up|down|status|demo|servers …"""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local import demo, servers, services
from deploy.local.stack import DEFAULT_ROOT, Stack, Trouble, changing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="Registrar on this machine.")
    parser.add_argument("--root", type=Path, help="the stack's folder (.local of the checkout)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = _command(commands, "up", "start servers and services, or change the number of replicas", _up)
    up.add_argument("--write", type=int, default=1, metavar="N", help="replicas of the write service")
    up.add_argument("--read", type=int, default=1, metavar="N", help="replicas of the read service")
    _wipes(_command(commands, "down", "stop everything of this stack", _down))
    _command(commands, "status", "say what runs, and what has died", _status)
    _command(commands, "demo", "a fresh stack, sample companies, what readers see; then everything stops", _demo)
    only = commands.add_parser("servers", help="the servers without the services")
    actions = only.add_subparsers(required=True, metavar="ACTION")
    starting = _command(actions, "up", "start RabbitMQ, PostgreSQL and MongoDB", _servers_up)
    starting.add_argument("--test", action="store_true", help="with virtual hosts and rights for the test suite")
    _wipes(_command(actions, "down", "stop everything of this stack", _down))
    _command(actions, "status", "say what runs, and what has died", _status)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    does: str,
    run: Callable[[argparse.Namespace], bool],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=does, description=does)
    parser.set_defaults(run=run)
    return parser


def _wipes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wipe", action="store_true", help="remove data, logs and passwords too")


def _root(arguments: argparse.Namespace) -> Path:
    return arguments.root or DEFAULT_ROOT


def _up(arguments: argparse.Namespace) -> bool:
    with changing(_root(arguments)) as stack:
        addresses = servers.up(stack)
        services.up(stack, addresses, {services.WRITE: arguments.write, services.READ: arguments.read})
        _point_to(stack)
    return True


def _servers_up(arguments: argparse.Namespace) -> bool:
    with changing(_root(arguments)) as stack:
        stack.test = stack.test or arguments.test
        servers.up(stack)
        _point_to(stack)
    return True


def _down(arguments: argparse.Namespace) -> bool:
    with changing(_root(arguments)) as stack:
        servers.down(stack)
        if arguments.wipe:
            servers.wipe(stack)
    return True


def _status(arguments: argparse.Namespace) -> bool:
    with changing(_root(arguments)) as stack:
        return servers.status(stack)


def _demo(arguments: argparse.Namespace) -> bool:
    return demo.run(arguments.root or DEFAULT_ROOT / "demo")


def _point_to(stack: Stack) -> None:
    print(f"The addresses are in {stack.environment_file}")


def main() -> int:
    """Run one command. 0 when all is well, 1 when something is dead or failed."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what has to be stopped is stopped
    try:
        return 0 if arguments.run(arguments) else 1
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
