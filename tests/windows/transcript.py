"""Prints a session of everyday commands on Windows, from the installation by pip to the demo: `tests/windows/run --transcript`.

Each command is one line to `cmd`, as a user types it. The instance is the stand-in; secrets are in the Windows credential
vault, and are removed at the end.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the embeddable interpreter does not look there

from windows_home import user_environment

from omniprofile.standin.server import Standin

KEY = "omni_osk_windows_0123456789abcdef"
EDITOR = """import sys
with open(sys.argv[-1], "ab") as file:
    file.write(b'description = "mine"\\r\\n')
"""


def main(wheel: str) -> None:
    """Print every command with its output and exit status."""
    with tempfile.TemporaryDirectory() as temporary, Standin() as standin:
        standin.add_key(KEY, role="MEMBER")
        home = Path(temporary) / "Jürgen Weiß"
        home.mkdir()
        scripts = Path(sys.executable).parent / "Scripts"
        path = f"{scripts};{scripts.parent};{os.environ['PATH']}"
        environ = user_environment(home) | {"PATH": path, "CI_KEY": KEY, "EDITOR": f'"{sys.executable}" editor.py'}
        (home / "editor.py").write_text(EDITOR, encoding="utf-8")
        (home / "omni.cmd").write_text(
            "@echo the vendor's omni with %OMNI_BASE_URL%, arguments: %*\r\n", encoding="utf-8"
        )
        (home / ".env").write_text(f"OMNI_BASE_URL=https://play.omniapp.co\nOMNI_API_KEY={KEY}\n", encoding="utf-8")
        address = standin.base_url
        for line in (
            f'python -m pip install --quiet --no-deps --no-index --force-reinstall --no-warn-script-location "{wheel}"',
            "omniprofile --version",
            f"omniprofile init --name staging --base-url {address} --allow-insecure --no-login",
            f"echo {KEY}| omniprofile login staging",
            f"omniprofile add ci --base-url {address} --allow-insecure --key-env CI_KEY",
            "omniprofile use staging",
            "omniprofile list",
            "omniprofile explain",
            "omniprofile exec -- cmd /c echo %OMNI_PROFILE% has a token of %OMNI_BASE_URL%",
            "omniprofile exec ci -- .\\omni.cmd models list",
            "omniprofile exec ci --gateway -- cmd /c set OMNI_BASE",
            "omniprofile each --all -- cmd /c echo hello",
            "omniprofile test --all",
            "omniprofile edit",
            "omniprofile import dotenv .env --name play",
            "omniprofile lint",
            "omniprofile log",
            "omniprofile doctor",
            "omniprofile demo",
            "omniprofile logout staging",
            "omniprofile logout play",
        ):
            print(f"> {line.replace(wheel, Path(wheel).name)}", flush=True)
            script = home / "line.cmd"
            # In a batch file, double the `%` of a variable that the child should expand.
            script.write_text(f"@chcp 65001 >nul\r\n@{line.replace('%', '%%')}\r\n", encoding="utf-8")
            ran = subprocess.run(
                ["cmd", "/c", str(script)],
                env=environ, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
            print(ran.stdout.decode("utf-8", "replace").replace("\r\n", "\n"), end="")
            print(f"[ended with {ran.returncode}]\n" if ran.returncode else "", flush=True)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # it is a text stream
    main(sys.argv[1])
