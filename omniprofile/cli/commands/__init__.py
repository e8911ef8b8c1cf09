"""The commands, one module each, with `HELP`, `configure(parser)` and `run(args, app, console)`."""
