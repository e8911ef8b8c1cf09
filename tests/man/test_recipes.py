"""Runs every command of the recipes, each recipe in a temporary home, with stand-ins for Omni's hosts.

Programs that cannot be installed for a test (`omni`, `op`, `vault`) are scripts that check the recipe's arguments;
`pass`, `stow`, `git` and the SDK are real.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import CANARY
from tests.man.programs import needs
from tests.standin import Standin

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "man/recipes.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))
PROD_KEY, STAGING_KEY = CANARY + "P", CANARY + "S"
EMBED_SECRET = CANARY.ljust(40, "E")

SHOWS: dict[str, list[str]] = {
    "Two instances and the vendor's CLI": ["omni at {staging}", "omni at {prod}"],
    "Many instances at once": ["2 tested: 2 ok", "staging | omni at {staging}", "2 of 2 ok", "  prod     exec"],
    "Dotfiles with stow": ["the active profile is now `staging`"],
    "Dotfiles with chezmoi": ["the active profile is now `staging`", "patching file"],
    "Dotfiles with home-manager": ["the active profile is now `staging`", "patching file"],
    "CI on GitHub Actions": [],
    "Keys from a password manager": ["by-op", "by-pass", "by-vault", "3 tested: 3 ok"],
    "Embedded dashboards": [
        "present, 2 secrets",
        "OMNI_EMBED_SECRET for {staging_host} has 40 characters\nBRAND_EMBED_SECRET for {staging_host} has 40 characters",
    ],
    "MCP clients that are configured by variables": ["codex has a token for {staging}"],
    "MCP clients that send headers": ["cursor: 200", "code: 200", "3 files checked: no errors, no warnings"],
    "Containers": [
        "run --rm report\ncontainer at {staging}",
        "OMNI_API_KEY report\ncontainer at {staging}",
        "\ncontainer by file at {staging}",
    ],
    "A folder that pins its profile": ["\nstaging\n", "project pin"],
    "A Python program": ["\n200\n", "sdk.py\n{staging}\n", "started for {staging}"],
    "A program or agent that must not prompt": ['"status": "ok"', "\n{staging}\n", "refused with 6"],
    "Agents that follow the vendor's skills": [
        '"defaultProfile": "staging"',
        "`staging` is the current profile here already",
        "omni at {staging}",
        "refused with 6",
    ],
    "An agent on production that only reads": ['"orgRole": "ORG_ADMIN"', '"rule": "read-only"', "refused with 6"],
    "Claude Code and Cursor over a gateway": ["claude at http://127.0.0.1:", "cursor at http://127.0.0.1:"],
    "A job that runs all night": ["all pages are saved"],
    "curl and Postman": ['"orgRole": "MEMBER"'],
    "Promote staging to production": ["{staging} MEMBER", "{prod} ORG_ADMIN"],
    "Terraform and Dagster": ["plan at {staging}", "apply at {prod}", "job at {staging}"],
    "Keys encrypted in the dotfiles": ["no errors, no warnings", "ok  staging"],
    "Moving from omni config": ["ok  My-team", "the secrets were removed"],
    "One repository of profiles for a team": ["mine", "\n{staging}\n"],
    "Leaving a machine, and a new one": [
        "2 tested: 2 ok",
        "the key of `staging` was deleted",
        "the key of `prod` was deleted",
        "revoke it in Omni, {prod}",
    ],
    "Keys from a central manager, fleets and many jobs": ["\nnightly\n", "\nhourly-report\n"],
}
"""What the output of each recipe must hold, so that it is known to have done what it is there for."""

EDITOR = """[ "$*" = . ] && "{python}" - <<'EOF'
import json, os, re, httpx
with open("FOLDER/mcp.json") as file:
    server = json.load(file)["SERVERS"]["omni"]
for name, value in server["headers"].items():
    server["headers"][name] = re.sub(r"\\$[{]env:(\\w+)[}]", lambda match: os.environ[match[1]], value)
answer = httpx.get(server["url"].replace("/mcp/https", "/api/v1/whoami"), headers=server["headers"])
print("NAME:", answer.status_code)
EOF"""
"""An editor that reads its settings as the real ones do: it puts variables into a server's headers."""

SCRIPTS = {
    "python": 'exec "{python}" "$@"',
    "omni": '[ "$*" = "whoami whoami" ] || exit 64; echo "omni at $OMNI_BASE_URL"',
    "claude": '[ $# = 0 ] || exit 64; echo "claude at $OMNI_BASE_URL"',
    "op": '[ "$*" = "read op://Work/Omni staging/credential" ] || exit 64; echo "$STAGING_KEY"',
    "codex": 'if [ $# = 0 ]; then test -n "$OMNI_API_KEY" && echo "codex has a token for $OMNI_BASE_URL"; else\n'
    '[ "$1 $2 $3 $4 $6 $7" = "mcp add omni --url --bearer-token-env-var OMNI_API_KEY" ] || exit 64; fi',
    "npx": '[ "$*" = "@omni-co/mcp" ] || exit 64; test -n "$MCP_API_KEY" && echo "bridge to $MCP_SERVER_URL"',
    "docker": 'exec "{python}" - "$@" <<\'END\'\n{docker}\nEND',
    "cursor": '[ "$*" = "--wait ." ] && exec echo "cursor at $OMNI_BASE_URL"\n'
    + EDITOR.replace("FOLDER", ".cursor").replace("SERVERS", "mcpServers").replace("NAME", "cursor"),
    "code": EDITOR.replace("FOLDER", ".vscode").replace("SERVERS", "servers").replace("NAME", "code"),
    "terraform": 'case "$*" in "plan -out staging.plan") ;; "apply prod.plan") ;; *) exit 64;; esac\n'
    '[ -n "$OMNI_API_KEY" ] && echo "$1 at $OMNI_BASE_URL"',
    "dagster": '[ "$*" = "job execute -m pipelines -j omni_sync" ] || exit 64\n'
    '[ -n "$OMNI_API_KEY" ] && echo "$1 at $OMNI_BASE_URL"',
    "chezmoi": '[ "$*" = apply ] && mkdir -p ~/.config && cp -R ~/.local/share/chezmoi/dot_config/. ~/.config/',
    "home-manager": '[ "$*" = switch ] && cd ~/.config/home-manager && mkdir -p ~/store ../omniprofile || exit 64\n'
    'source=$(sed -n "s/.*profiles.toml.*source = \\(.*\\);.*/\\1/p" omniprofile.nix)\n'
    'cp "$source" ~/store/profiles.toml && chmod 444 ~/store/profiles.toml\n'
    "ln -s ~/store/profiles.toml ../omniprofile/profiles.toml",
    "vault": 'case "$*" in "kv get -field=key secret/omni/staging") echo "$STAGING_KEY";;\n'
    '"kv get -field=key secret/omni/nightly") echo "$PROD_KEY";; *) exit 64;; esac',
}


DOCKER = """\
import os, re, sys
match sys.argv[1:]:  # what Docker's reference says of these forms: a name takes its value from here, a file's values are literal
    case ["run", "--rm", "-e", "OMNI_BASE_URL", "-e", "OMNI_API_KEY", "report"]:
        how, given = "", {name: os.environ[name] for name in ("OMNI_BASE_URL", "OMNI_API_KEY")}
    case ["compose", "run", "--rm", "report"]:
        names = re.search(r"environment: \\[(.*)\\]", open("compose.yaml").read())[1].split(", ")
        how, given = "", {name: os.environ[name] for name in names}
    case ["run", "--rm", "--env-file", path, "report"]:
        how, given = " by file", dict(line.rstrip("\\n").split("=", 1) for line in open(path))
    case _:
        sys.exit(64)
assert given["OMNI_API_KEY"].startswith("omni_osk_")
print(f"container{how} at {given['OMNI_BASE_URL']}")
"""


@dataclass(frozen=True)
class Stage:
    """A place to run a recipe in: two instances, a home, a working folder, programs."""

    prod: Standin
    staging: Standin
    folder: Path

    @property
    def home(self) -> Path:
        return Path(os.environ["HOME"])

    def local(self, text: str) -> str:
        """Return a recipe's text with stand-ins for Omni's hosts, and plain http allowed."""
        for host, instance in (("acme-staging", self.staging), ("acme", self.prod)):
            url = f"https://{host}.omniapp.co"
            text = text.replace(f'base_url = "{url}"', f'base_url = "{instance.base_url}"\nallow_insecure = true')
            text = text.replace(url, instance.base_url)
        return text.replace("import omni-cli", "import omni-cli --allow-insecure").replace(
            "/etc/omni", str(self.folder / "etc")
        )

    def path(self, name: str) -> Path:
        name = name.replace("/etc/omni", str(self.folder / "etc"))
        return self.home / name[2:] if name.startswith("~/") else self.folder / "work" / name

    def run(self, script: list[str], **environ: str) -> str:
        """Run lines of bash; each must succeed, and no output may hold a key."""
        binary = self.folder / "bin"
        variables = {
            **os.environ,
            "PATH": f"{binary}{os.pathsep}{os.environ['PATH']}",
            "OMNIPROFILE_SECRET_STORE": "file",
            "STAGING_KEY": STAGING_KEY,
            "PROD_KEY": PROD_KEY,
            "READER_KEY": STAGING_KEY,
            "EMBED_SECRET": EMBED_SECRET,
            "BRAND_SECRET": EMBED_SECRET,
            "OMNI_BASE_URL": "",
            **environ,
        }
        ran = subprocess.run(
            ["bash", "-c", "\n".join(["set -eu", *script])],
            env=variables,
            cwd=self.folder / "work",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        assert "Traceback" not in ran.stdout, ran.stdout
        assert CANARY not in ran.stdout, ran.stdout
        return ran.stdout


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    (tmp_path / "bin").mkdir()
    for name, script in SCRIPTS.items():
        (tmp_path / "bin" / name).write_text(
            "#!/bin/sh\n" + script.replace("{python}", sys.executable).replace("{docker}", DOCKER) + "\n"
        )
        (tmp_path / "bin" / name).chmod(0o755)
    warm.install(tmp_path / "bin/omniprofile")
    with Standin() as prod, Standin() as staging:
        prod.add_key(PROD_KEY, role="ORG_ADMIN")
        staging.add_key(STAGING_KEY, role="MEMBER")
        yield Stage(prod, staging, tmp_path)


def _blocks(recipe: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", recipe, re.DOTALL | re.MULTILINE)


def _files(recipe: str) -> dict[str, str]:
    """Return a recipe's files: blocks whose first line is a comment with a path, and JSON after a line that ends with one."""
    found = (re.match(r"# (\S+)\n", text) for _, text in _blocks(recipe))
    settings = re.findall(r"`([^`\s]+)`:\n\n```json\n(.*?)^```$", recipe, re.DOTALL | re.MULTILINE)
    return {match[1]: match.string for match in found if match} | dict(settings)


def _commands(recipe: str) -> list[str]:
    lines = (line for language, text in _blocks(recipe) if language == "console" for line in text.splitlines())
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def _script(stage: Stage, recipe: str) -> list[str]:
    """Return the commands of a recipe after writing its files: unchanged for `lint`, with local addresses for everything else."""
    stash = stage.folder / "stash"
    stash.mkdir()
    copies: dict[str, list[str]] = {"written": [], "local": []}
    for number, (name, text) in enumerate(_files(recipe).items()):
        target = stage.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        for kind, content in (("written", text), ("local", stage.local(text))):
            (stash / f"{number}.{kind}").write_text(content)
            copies[kind].append(f"cat '{stash}/{number}.{kind}' > '{target}'")
    script = []
    for command in _commands(recipe):
        script += copies["written" if command.startswith("omniprofile lint") else "local"]
        script += [f"echo '+ {command.replace(chr(39), chr(34))}'", stage.local(command)]
    return script


def test_every_recipe_is_tested() -> None:
    assert list(SHOWS) == list(RECIPES)


@pytest.mark.parametrize(
    "title", [title for title in SHOWS if title not in ("Moving from omni config", "CI on GitHub Actions")]
)
def test_a_recipe_does_what_it_says(title: str, stage: Stage) -> None:
    setup = []
    if "age" in RECIPES[title].split():
        needs("age")
    if "stow" in title:
        needs("stow")
    if "curl" in RECIPES[title]:
        needs("curl")
    if "| patch" in RECIPES[title] and not shutil.which("patch"):
        pytest.skip("`patch` is not installed")
    gnupg = tempfile.mkdtemp(prefix="omni-gpg-")  # short, for the agent's socket lies there
    environ = {"GNUPGHOME": gnupg, "PASSWORD_STORE_DIR": f"{gnupg}/store"}
    if "pass " in RECIPES[title]:
        needs("pass")
        setup = ["gpg-agent --daemon >/dev/null 2>&1"]  # gpg waits only seconds for one
        setup += ["gpg --batch -q --passphrase '' --quick-gen-key a@example.invalid default default never 2>/dev/null"]
        setup += ["pass init a@example.invalid >/dev/null"]
    try:
        out = stage.run([*setup, *_script(stage, RECIPES[title])], **environ)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, **environ}, check=False, capture_output=True)
        shutil.rmtree(gnupg, ignore_errors=True)
    for words in SHOWS[title]:
        prod, staging = stage.prod.base_url, stage.staging.base_url
        assert words.format(prod=prod, staging=staging, staging_host=staging.partition("://")[2]) in out, out
    if "stow" in title:
        link = stage.home / ".config/omniprofile/profiles.toml"
        assert link.is_symlink()
        assert "dotfiles" in str(link.resolve())


def test_the_entry_of_claude_desktop_starts_the_bridge(stage: Stage) -> None:
    recipe = RECIPES["MCP clients that are configured by variables"]
    (entry,) = (json.loads(text)["mcpServers"]["omni"] for language, text in _blocks(recipe) if language == "json")
    _script(stage, recipe)
    profiles = stage.path("~/.config/omniprofile/profiles.toml")
    profiles.write_text(stage.local(_files(recipe)["~/.config/omniprofile/profiles.toml"]))
    out = stage.run([shlex.join([entry["command"], *entry["args"]])])
    assert out == f"bridge to {stage.staging.base_url}/mcp/https\n"


def test_two_people_share_profiles_and_no_secret(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people follow the team's recipe; then a change of the shared file would send a key elsewhere."""
    other_key = CANARY + "O"
    stage.staging.add_key(other_key, role="ORG_ADMIN")
    script = _script(stage, RECIPES["One repository of profiles for a team"])
    role = "omniprofile test staging"
    assert "MEMBER" in stage.run([*script, role])
    home = stage.folder / "other"
    for name, folder in (
        ("HOME", ""),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_STATE_HOME", ".state"),
        ("XDG_CACHE_HOME", ".cache"),
    ):
        (home / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(home / folder))
    shutil.rmtree(stage.folder / "stash")
    assert "ORG_ADMIN" in stage.run(
        [*_script(stage, RECIPES["One repository of profiles for a team"]), role], STAGING_KEY=other_key
    )
    shared = stage.path("team/profiles.d/acme.toml")
    shared.write_text(shared.read_text().replace(stage.staging.base_url, stage.prod.base_url))
    assert "status 6" in stage.run(["omniprofile exec staging -- true || echo status $?"])


def test_the_move_from_the_vendors_config_does_what_it_says(stage: Stage) -> None:
    config = stage.home / ".config/omni-cli/config.json"
    config.parent.mkdir(parents=True)
    profile = {"apiEndpoint": stage.staging.base_url, "authMethod": "api-key", "apiKey": STAGING_KEY}
    config.write_text(json.dumps({"version": 1, "defaultProfile": "My team", "profiles": {"My team": profile}}))
    config.chmod(0o600)
    out = stage.run(_script(stage, RECIPES["Moving from omni config"]))
    assert "My-team" in out
    assert all(words in out for words in SHOWS["Moving from omni config"]), out
    assert CANARY not in config.read_text()


def test_the_job_of_the_ci_recipe_runs_and_fails_when_the_key_does(stage: Stage) -> None:
    recipe = RECIPES["CI on GitHub Actions"]
    workflow = _files(recipe)[".github/workflows/report.yml"]
    steps = re.findall(r"- run: (.*?)(?:\s+#.*)?$", workflow, re.MULTILINE)
    assert steps.pop(0).startswith("pipx install"), "the one step that is not run here"
    assert steps == [
        "omniprofile lint --strict --format github",
        "omniprofile test ci",
        "omniprofile exec ci -- python report.py",
    ]
    assert "OMNIPROFILE_CONFIG: omni/profiles.toml" in workflow
    (stage.folder / "work/report.py").write_text("import os; print('at', os.environ['OMNI_BASE_URL'])\n")
    profiles = stage.path("omni/profiles.toml")
    profiles.parent.mkdir()
    profiles.write_text(_files(recipe)["omni/profiles.toml"])
    job = {"CI": "true", "OMNIPROFILE_CONFIG": "omni/profiles.toml", "OMNIPROFILE_SECRET_STORE": ""}
    stage.run([steps[0]], **job)
    profiles.write_text(stage.local(_files(recipe)["omni/profiles.toml"]))
    out = stage.run(steps[1:], ACME_OMNI_KEY=PROD_KEY, **job)
    assert f"at {stage.prod.base_url}" in out
    status = stage.run([f"{steps[1]} >&2 || echo status $?"], ACME_OMNI_KEY=STAGING_KEY, **job)
    assert "status 8" in status


def test_the_helper_of_claude_code_gives_it_its_headers(stage: Stage) -> None:
    """It is started by a shell, as its client does."""
    recipe = RECIPES["MCP clients that send headers"]
    profiles = stage.path("~/.config/omniprofile/profiles.toml")
    profiles.parent.mkdir(parents=True)
    profiles.write_text(stage.local(_files(recipe)["~/.config/omniprofile/profiles.toml"]))
    code = json.loads(stage.local(_files(recipe)[".mcp.json"]))["mcpServers"]["omni"]
    (stage.folder / "work" / "client.py").write_text(
        "import httpx, json, subprocess, sys\n"
        "headers = json.loads(subprocess.run(sys.argv[1], shell=True, capture_output=True, check=True).stdout)\n"
        "print('status', httpx.get(sys.argv[2].replace('/mcp/https', '/api/v1/whoami'), headers=headers).status_code)\n"
    )
    assert "status 200" in stage.run([f"python client.py '{code['headersHelper']}' {code['url']}"])
