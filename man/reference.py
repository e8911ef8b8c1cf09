"""The reference in words: precedence, variables, files, exit statuses. The README and the manual quote it from here.

Each text stands once. Tests hold the README to it, the manual is generated from it, and other tests hold it to the code:
the layers are in the order of `model.provenance.Layer`, every variable of the code is in the table, and so is every status.
Backticks mark what is typed.
"""

from omniprofile.cli import exit_statuses
from omniprofile.model.provenance import Layer

SELECTION: tuple[tuple[Layer, str], ...] = (
    (Layer.FLAG, "the command line: `NAME`, `-p NAME`"),
    (Layer.ENVIRONMENT, "`OMNI_PROFILE`"),
    (Layer.PROJECT, "the project pin, `.omniprofile.toml`, the nearest one upward"),
    (Layer.STATE, "the active profile: `omniprofile use NAME`"),
    (Layer.DEFAULTS, "`default` in the file"),
    (Layer.BUILTIN, "the only profile there is"),
)
"""What chooses the profile: the first that names one. A name that does not exist is an error, and nothing falls through."""

VALUES: tuple[tuple[tuple[Layer, ...], str, str], ...] = (
    ((Layer.FLAG,), "`--base-url URL`, `--token-file FILE` (`-` is standard input)", "to this call"),
    (
        (Layer.ENVIRONMENT,),
        "`OMNI_PROFILE_<NAME>_TOKEN`, `OMNI_PROFILE_<NAME>_BASE_URL`",
        "to that profile, always",
    ),
    (
        (Layer.ENVIRONMENT,),
        "`OMNI_API_TOKEN` (or `OMNI_API_KEY`), `OMNI_BASE_URL`",
        "to the current profile, unless one is named on the command line",
    ),
    (
        (Layer.PROFILE, Layer.PARENT, Layer.INSTANCE, Layer.DEFAULTS, Layer.BUILTIN),
        "the profile, its parents (`extends`), its instance, `[defaults]`, what is built in",
        "in this order",
    ),
)
"""Where a value comes from: the layers, what they are called, what they apply to. The first that has the value wins."""

TOGETHER = (
    "A token and its host are one unit. A stored key is bound to the origin that it was stored for; a token of "
    "the environment goes with the base URL of the environment. A key that a profile inherits from a table with a"
    " `base_url` or `instance` of its own goes to that address only, unless the profile repeats the key. What "
    "`env` or `exec` exported is the credential of that profile at that address, and no key of another. A secret of a "
    "profile's `env` is bound as its key is. Where "
    "token and host do not belong together, omniprofile refuses, names both and says what to do. Tokens go by `https` to "
    "Omni's own domains or to `allowed_hosts`; by `http` only to a loopback address with `allow_insecure = true`."
)

VARIABLES: tuple[tuple[str, str], ...] = (
    ("OMNI_PROFILE", "the profile to use, when none is named on the command line"),
    (
        "OMNI_PROFILE_<NAME>_TOKEN, OMNI_PROFILE_<NAME>_BASE_URL",
        "token and base URL of one profile, always. `<NAME>` is its name in capitals, with `_` for every other character",
    ),
    (
        "OMNI_API_TOKEN, OMNI_API_KEY",
        "a token for the current profile; ignored, with a note, when a profile is named on the command line",
    ),
    ("OMNI_BASE_URL", "the base URL for the current profile, as above; it may end in `/api`"),
    ("OMNIPROFILE_CONFIG", "the profile file"),
    ("OMNIPROFILE_STATE_DIR", "the state folder"),
    ("OMNIPROFILE_SECRET_STORE", "`keyring` or `file`: where omniprofile keeps secrets, whatever the file says"),
    ("OMNIPROFILE_KEYRING_TIMEOUT", "seconds that the keyring may take to answer, at most 600 (default 10)"),
    ("OMNIPROFILE_PICKER", "how `use` lets you choose: `screen` (the default), `fzf` if it is installed, or `list`"),
    ("OMNIPROFILE_SHELL", "the shell that `env` and `use --shell` print for, if they cannot tell"),
    (
        "OMNIPROFILE_CHILD, OMNIPROFILE_PYTHON, OMNIPROFILE_ENTERED",
        "set by `exec` for the `omni` in its child: what was handed over, with a checksum of the token, and what to run",
    ),
    (
        "OMNIPROFILE_EXPORTED, OMNIPROFILE_PREVIOUS",
        "set by what `env` and `use --shell` print: which variables in this shell are omniprofile's, and the previous profile",
    ),
    ("OMNIPROFILE_HOOK, OMNIPROFILE_EVAL, OMNIPROFILE_PROMPT", "set by the shell hook for the commands that it runs"),
    ("OMNIPROFILE_COMMAND_CHAIN", "set for key commands, so that one that calls omniprofile again does not loop"),
    (
        "XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME",
        "where the folders named `omniprofile` are; `APPDATA` and `LOCALAPPDATA` on Windows",
    ),
    (
        "HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE",
        "the proxy for an instance, and certificates to use instead of the operating system's",
    ),
    (
        "VISUAL, EDITOR, BROWSER",
        "the editor of `edit`, and the browser of `login` and `open` where a profile has none of its own",
    ),
    ("SHELL, COMSPEC", "the shell that `exec` starts without a command; `COMSPEC` on Windows"),
    ("OMNI_CONFIG_PATH, OMNI_CONFIG_DIR", "where the vendor's CLI has its config, for `import`, `export` and `doctor`"),
    ("GITHUB_ENV", "the file that `env --shell github` appends to; GitHub Actions sets it"),
    ("NO_COLOR", "when not empty: no colour"),
    ("FORCE_COLOR, CLICOLOR_FORCE", "when neither empty nor `0`: colour even where the output is not a terminal"),
    ("COLUMNS", "the width of help, and of tables on a terminal"),
)
"""The variables that omniprofile reads. An empty one counts as unset, everywhere."""

FILES: tuple[tuple[str, str, str], ...] = (
    (
        "profiles",
        "`--config FILE`, `$OMNIPROFILE_CONFIG`, or `$XDG_CONFIG_HOME/omniprofile/profiles.toml` (`~/.config/…`)",
        "and `profiles.d/*.toml` beside it. No secret; may be read-only or a symbolic link",
    ),
    (
        "project pin",
        "`.omniprofile.toml`, the nearest one upward from the working directory",
        'holds `profile = "NAME"` and nothing else',
    ),
    (
        "active profile",
        "`$OMNIPROFILE_STATE_DIR` or `$XDG_STATE_HOME/omniprofile/` (`~/.local/state/…`): `active`",
        "two lines of plain text: the active profile, and the previous one",
    ),
    (
        "keys, sessions, secrets of `env`",
        "the OS keyring, service `omniprofile`",
        "or a file of mode 0600 in the state folder, only when asked for: `OMNIPROFILE_SECRET_STORE=file`",
    ),
    (
        "backups",
        "the state folder: `backups/`",
        "what `import --scrub` and `export` replaced in other programs' files, including secrets (mode 0600), for you to delete",
    ),
    (
        "the rest of the state",
        "the state folder",
        (
            "no secret: the list of keyring entries, what the shell's prompt reads, which protected profiles "
            "were confirmed in the last hour, an interrupted change, what `edit` did not save (`drafts/`), a `crash-report.txt`"
        ),
    ),
    (
        "locks",
        "`~/.local/state/omniprofile/locks/`, else `/tmp/omniprofile-UID/`, and beside what they guard",
        "empty files, for all of your processes",
    ),
    ("cache", "`$XDG_CACHE_HOME/omniprofile/` (`~/.cache/…`)", "no secret, and free to delete"),
)
"""What is stored: what it is, where, and what to know of it."""

EXIT_STATUSES: tuple[tuple[int, str], ...] = (
    (exit_statuses.DONE, "done"),
    (exit_statuses.FINDINGS, "findings, or a failed check"),
    (exit_statuses.USAGE, "wrong usage"),
    (exit_statuses.CONFIG_INVALID, "the configuration is invalid"),
    (exit_statuses.NO_CREDENTIAL, "no usable credential: log in"),
    (exit_statuses.NO_PROFILE, "no such profile, or none selected"),
    (exit_statuses.REFUSED, "refused for safety"),
    (exit_statuses.UNREACHABLE, "the instance cannot be reached"),
    (exit_statuses.CREDENTIAL_REFUSED, "the instance refuses the credential"),
    (exit_statuses.STORE_UNAVAILABLE, "the secret store cannot be used"),
    (exit_statuses.INTERRUPTED, "interrupted"),
)
"""How omniprofile ends, on every command."""

EXEC_STATUS = "`exec` ends as its command does; 127 when the command is not found, 126 when it cannot be run."
