#!/usr/bin/env python
"""Run the command line: `python -m omniprofile`, and the installed `omniprofile` script, which is this same file."""

import sys

# Keep this short: Python compiles the installed script at every start.
if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - no installer checks this for someone who runs the file itself
        sys.exit("omniprofile: error: Python 3.11 or newer is needed, and this is " + sys.version.split()[0])
    try:
        from omniprofile.cli.fast_path import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run())
