#!/usr/bin/env python
"""Run the command line: `python -m omniprofile`, and the installed `omniprofile` script, which is this very file."""

import sys

# Compiled at every start where it is the installed script: the less here, the better.
if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs the file itself has not asked an installer
        sys.exit("omniprofile: error: Python 3.11 or newer is needed, and this is " + sys.version.split()[0])
    try:
        from omniprofile.cli.fast_path import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run())
