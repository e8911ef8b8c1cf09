"""`omniprofile gateway`: run a gateway in the foreground, for programs that `exec` cannot start."""

import argparse
import json

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_option, add_overrides, add_profile, add_yes, port_number, request_of
from omniprofile.cli.console import Console
from omniprofile.cli.corrected_lines import with_yes
from omniprofile.credentials.intent import Intent

HELP = Help(
    description='Prints `{"base_url": …, "token": …}` and then answers at that address: a request with this token is '
    "forwarded to the profile's instance, and nowhere else, with the real credential, which is renewed when "
    "needed. The token is good for this run and this port only. Only programs on this machine can reach the "
    "address.\n\n"
    'Use it for editors, MCP clients and other programs that `exec` cannot start. With `access = "read-only"` in '
    "the profile, only requests that read get through, and those that `allow` adds. The gateway ends with Ctrl-C "
    "or its terminal.",
    examples=(
        ("omniprofile gateway staging", "on a free port"),
        ("omniprofile gateway staging --port 8790", "on a port that a program is set up for"),
    ),
    exits=(
        (1, "the port cannot be listened on"),
        (4, "no usable credential was found"),
        (5, "the profile does not exist"),
        (6, "token and host do not belong together, or the profile is protected and was not confirmed"),
        (130, "it was ended by Ctrl-C"),
    ),
    see=("exec",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    add_overrides(parser)
    add_option(parser, "--port", "N", "the port (default: a free one)", type=port_number, default=0)
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    resolution = app.resolve(request_of(args), "run")
    intent = Intent("run", "open a gateway to it", with_yes(args), yes=args.yes, remember=True, guarded=True)
    credential = app.obtain(resolution, intent, interactive=console.interactive)
    with app.gateway(resolution, credential, port=args.port) as gateway:
        gateway.start()
        console.give(json.dumps({"base_url": gateway.base_url, "token": gateway.token}) + "\n")
        console.note(f"requests to {gateway.base_url} go to {resolution.origin} until Ctrl-C")
        gateway.wait()
