"""How the command `omniprofile` gets into the wheel.

Windows starts programs by their extension, so its wheel names an entry point, for which installers write `omniprofile.exe`.
Everywhere else the wheel installs a script of the package's own: the one that pip 23 writes for an entry point imports `re`
first, which alone costs more than half of a bare interpreter's start.

A wheel built on Windows, or with `OMNIPROFILE_BUILD_FOR=windows` in the environment, is for Windows.
"""

import os
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

FOR_WINDOWS = os.environ.get("OMNIPROFILE_BUILD_FOR", sys.platform) in ("windows", "win32")


class EntryPoint(MetadataHookInterface):
    """Name the entry point, where the wheel needs one."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `project.scripts`, which `pyproject.toml` declares as dynamic."""
        metadata["scripts"] = {"omniprofile": "omniprofile.__main__:main"} if FOR_WINDOWS else {}


class Script(BuildHookInterface[Any]):
    """Install the package's own script, where there is no entry point; tag the wheel for the systems it serves."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the signature is hatchling's
        """Change `build_data` in place, as hatchling asks of a build hook."""
        if self.target_name != "wheel":
            return
        if FOR_WINDOWS:
            build_data["tag"] = "py3-none-win32.win_amd64.win_arm64"
        else:
            build_data["shared_scripts"]["omniprofile/__main__.py"] = "omniprofile"
