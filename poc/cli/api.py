"""``poc api serve``: look-ups for programs on this machine, over HTTP on loopback; read only."""

from __future__ import annotations

import argparse
import sys

from poc.cli.context import Context
from poc.cli.output import Result
from poc.errors import UsageError


def add(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of this noun."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    serve = verbs.add_parser(
        "serve", help="serve /registry, /lookup, /contacts/ID and /inbox on 127.0.0.1, until SIGTERM",
        epilog="A program sends `Authorization: Bearer` with the content of `api.token` in the home. The "
        "address is printed once it listens; the port is `api_port` of the settings, or --port.",
    )  # fmt: skip
    serve.add_argument("--port", metavar="N", type=int, help="another port; 0 takes a free one")
    serve.set_defaults(run=_serve)


async def _serve(context: Context, arguments: argparse.Namespace) -> Result:
    from poc.desk.api import serve
    from poc.logs import start_logs
    from poc.serving.process import stop_asked

    if arguments.port is not None and not 0 <= arguments.port <= 65535:
        raise UsageError("usage", "--port takes a number from 0 to 65535")
    start_logs("warning")
    stopped = stop_asked()
    address = ""

    def told(text: str) -> None:
        nonlocal address
        address = text
        stream = sys.stderr if context.as_json else sys.stdout
        stream.write(f"listening on {text}\n")
        stream.flush()

    async with context.desk() as desk:
        port = desk.settings.api_port if arguments.port is None else arguments.port
        await serve(desk, port, stopped, told)
    return Result({"stopped": True, "address": address}, ["stopped"])
