"""One module for each command: `HELP`, `configure(parser)` and `run(args, app, console) -> int`."""
