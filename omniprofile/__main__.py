#!/usr/bin/env python
"""Run the command line: `python -m omniprofile`, and the installed `omniprofile` script, which is this very file."""

import sys

# Compiled at every start where it is the installed script: the less here, the better.
if __name__ == "__main__":
    from omniprofile.cli.short import run

    sys.exit(run())
