#!/usr/bin/env python
"""Run the command line: `python -m omniprofile`, and the installed `omniprofile` script, which is this very file."""

import sys

if __name__ == "__main__":
    from omniprofile.cli.main import run

    sys.exit(run())
