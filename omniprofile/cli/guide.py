"""What `--help` and the manual say beyond the arguments: a paragraph, examples, and the exit statuses that matter.

One entry for each command, read only when help is wanted, so that it costs no command anything. Backticks mark what is
typed. Every example is parsed by a test; every command must have two.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guide:
    """Help for one command: paragraphs, command lines with what they do, exit statuses with what they mean here, and where
    to read on.
    """

    about: str
    examples: tuple[tuple[str, str], ...]
    exits: tuple[tuple[int, str], ...] = ()
    see: tuple[str, ...] = ()


GUIDES: dict[str, Guide] = {
    "use": Guide(
        about="Makes NAME the active profile of all your shells; `-` is the one before. Only the state file changes. If "
        "`OMNI_PROFILE`, a project pin or a token in the environment means that this shell will not see the "
        "switch, a warning says so.\n\n"
        "With `--shell` nothing is changed: what this shell must evaluate to switch itself alone is printed, and with the "
        "shell hook evaluated.\n\n"
        "Without NAME, a terminal shows the profiles to choose from: type to filter them. `OMNIPROFILE_PICKER=fzf` leaves "
        "that to fzf, `OMNIPROFILE_PICKER=list` asks for a number.",
        examples=(
            ("omniprofile use", "choose from all"),
            ("omniprofile use staging", "switch"),
            ("omniprofile use -", "switch back"),
            ("omniprofile use prod --test --yes", "only if its credential works, and without asking"),
            ('eval "$(omniprofile use --shell staging)"', "this shell only"),
        ),
        exits=(
            (5, "there is no such profile"),
            (6, "the profile is protected, and neither `--yes` nor a yes on the terminal was given"),
        ),
        see=(
            "current",
            "list",
            "hook",
        ),
    ),
    "current": Guide(
        about="Prints the profile that a command without a name would use. `-v` and `--json` also say what selected it.",
        examples=(
            ("omniprofile current", "the name alone, for a script"),
            ("omniprofile -v current", "and what selected it"),
            ("omniprofile current --json", "the same for a program"),
        ),
        exits=((5, "no profile is selected, or what selects one names none that exists"),),
        see=(
            "use",
            "explain",
        ),
    ),
    "list": Guide(
        about="Lists the profiles in the order of their files, the one in use marked with `*`. Whether a credential is "
        "there is told without unlocking a store, running a command or contacting an instance; `omniprofile test "
        "--all` asks the instances.",
        examples=(
            ("omniprofile list", "all profiles"),
            ("omniprofile list --json", "with documented keys"),
        ),
        see=(
            "show",
            "test",
        ),
    ),
    "show": Guide(
        about="Shows what the profile resolves to, each value with the place it comes from. Secrets are masked.",
        examples=(
            ("omniprofile show", "the profile in use"),
            ("omniprofile show prod --json", "for a program"),
        ),
        exits=((6, "the resolution would be refused; it is shown all the same"),),
        see=("explain",),
    ),
    "explain": Guide(
        about="Shows for the selection and for every field the value, the layer it comes from with file and line, and "
        "every value that lost, with the reason. Secrets are masked. Nothing is unlocked, run or contacted.",
        examples=(
            ("omniprofile explain", "why this profile, why these values"),
            ("omniprofile explain staging --base-url https://play.omniapp.co", "what a flag would change"),
            ("omniprofile explain staging --json", "for a program"),
        ),
        exits=((6, "the resolution would be refused; it is explained all the same"),),
        see=(
            "show",
            "lint",
        ),
    ),
    "env": Guide(
        about="Prints assignments of `OMNI_BASE_URL`, `OMNI_API_TOKEN`, `OMNI_API_KEY`, `OMNI_PROFILE` and the profile's "
        "own `env`, quoted for the shell so that any value survives. They are marked in the shell, so that "
        "omniprofile never takes them for overrides of yours. A base URL and a token that you set in the environment "
        "yourself, while no profile is named, are printed in place of the profile's: that is said, and they stay yours, "
        "with no `OMNI_PROFILE`.\n\n"
        "Variables of the shell that would take a consumer to another credential or host are removed, such as "
        "`OMNI_VANITY_DOMAIN`. `--unset`, and the next `env`, remove what was exported, but no value that you have changed "
        "since.\n\n"
        "`--output` puts a file that only you can read (mode 0600) in the place of FILE, whole or not at all. A link, pipe or "
        "device is refused.\n\n"
        "A program that you start yourself is safer run by `omniprofile exec`: then no token stays in the shell.",
        examples=(
            ('eval "$(omniprofile env staging)"', "into this shell"),
            ('eval "$(omniprofile env --unset)"', "and out again"),
            ("omniprofile env staging --output .env", "a file for the SDK or `docker run --env-file`: never commit it"),
            ("omniprofile env ci --shell github", "for the later steps of a GitHub Actions job, masked in its log"),
        ),
        exits=(
            (4, "there is no usable credential"),
            (5, "there is no such profile"),
            (6, "token and host do not belong together, a pin selects a protected profile, or FILE is a link or pipe"),
        ),
        see=(
            "exec",
            "token",
        ),
    ),
    "exec": Guide(
        about="Runs COMMAND with the profile's credential in its environment: `OMNI_BASE_URL`, `OMNI_API_TOKEN`, "
        "`OMNI_API_KEY`, `OMNI_PROFILE`, `OMNI_ORGANIZATION_NAME` where the host is `NAME.omniapp.co`, and the "
        "profile's own `env`. Rival variables are removed first, and with them the variable that the key came from; a child "
        "`omni` does not see its own config file. So exactly this credential is used, also by an `omniprofile` that the "
        "command calls for the same profile.\n\n"
        "A base URL and a token that you set in the environment yourself are used in place of the current profile's, unless "
        "a profile is named: that is said, and the command gets no `OMNI_PROFILE`. A protected profile, or its host, is asked "
        "for once an hour in one terminal session (on Linux, elsewhere each time); without a terminal it needs `--yes`.\n\n"
        "A session is renewed first when less than half of its life is left. `--for 2h` asks for more, and fails at once where "
        "that cannot be had; an API key lasts. A command that runs longer than its token calls `omniprofile exec` for each of "
        "its steps: that renews it. `-v` says until when the token is good.\n\n"
        "The command replaces omniprofile: its exit status and signals are its own. An error of omniprofile's ends "
        "with the statuses below before the command starts.",
        examples=(
            ("omniprofile exec staging -- omni whoami whoami", "the vendor's CLI"),
            ("omniprofile exec staging -- python report.py", "a program"),
            ("omniprofile exec prod --yes -- ./nightly.sh", "a protected profile, with nobody to ask"),
            (
                "omniprofile exec mine --for 2h -- ./migrate.sh",
                "with a session that lasts for two hours, or not at all",
            ),
        ),
        exits=(
            (4, "there is no usable credential, or none that lasts `--for` so long"),
            (5, "there is no such profile"),
            (6, "token and host do not belong together, or the profile is protected and there was no yes"),
            (126, "the command cannot be run"),
            (127, "there is no such command"),
        ),
        see=(
            "env",
            "token",
        ),
    ),
    "token": Guide(
        about="Prints the bare token and a line end. It is a secret: pipe it, do not show it.\n\n"
        "An OAuth session is refreshed five minutes ahead of its expiry (or a quarter of its life, if that is less), by "
        "one process at a time, and stored before it is used. `--force-refresh` asks for a new access token though the "
        "old one has time left, for a program that was refused; it stands down if anybody refreshed in the last ten "
        "seconds. Where the instance cannot be reached, an access token that is still valid is used meanwhile.\n\n"
        '`--header` prints `{"Authorization": "Bearer …"}`, what an MCP client calls a headers helper. With it and with '
        "`--json`, errors go to stderr alone.\n\n"
        "With `--json`: `version` (1), `profile`, `base_url`, `auth`, `token`, and `expires_at` (RFC 3339 or null).",
        examples=(
            ("omniprofile token staging --json", "token and host together, as a program needs them"),
            ("omniprofile token staging --header", "for `headersHelper` in the MCP settings of Claude Code"),
            (
                'curl -H @<(printf "Authorization: Bearer %s" "$(omniprofile token staging)") https://acme.omniapp.co/api/v1/whoami',
                "bash and zsh: not in curl's arguments, which are public",
            ),
        ),
        exits=(
            (4, "there is no usable credential"),
            (6, "token and host do not belong together"),
            (9, "the secret store cannot be used"),
        ),
        see=(
            "exec",
            "env",
        ),
    ),
    "login": Guide(
        about="For an API key: reads it from a hidden prompt, or from standard input where there is no terminal, asks "
        "the instance whether it is good, compares the identity with `expect`, and only then stores it. Where it "
        "will be stored is said first. Standard input is waited for 30 seconds, with `--with-key` as long as it takes.\n\n"
        "For `oauth`: shows the address of the instance's login page, opens the browser there (`BROWSER` says which), and waits "
        "two minutes (`--timeout`) for the answer on a port of localhost (`--port` fixes it); then asks the instance who that "
        "was, and stores the session. One that was stored before works until then, and is revoked after it.\n\n"
        "`--no-browser` is for a machine reached over SSH: it shows the address, to be visited anywhere, and takes the "
        "address that the browser ends at, pasted on the terminal or on standard input. Where a browser of yours reaches this "
        "machine's loopback (`ssh -L 8765:localhost:8765`), `--port 8765` lets it answer by itself.",
        examples=(
            ("omniprofile login staging", "asks for the key, or opens the browser"),
            ("omniprofile login prod --no-browser", "OAuth on a machine without a browser"),
            ("omniprofile login prod --port 8765", "OAuth with a fixed port, for `ssh -L` or a container"),
            ("op read op://Work/Omni/key | omniprofile login staging", "the key from another program"),
            ("omniprofile login staging --no-test < key.txt", "without asking the instance"),
        ),
        exits=(
            (4, "no key was given, or the login was denied or not answered in time"),
            (6, "the key or session is someone else's than `expect` says: nothing is stored"),
            (7, "the instance cannot be reached: nothing is stored"),
            (8, "the instance refuses the key or the login: nothing is stored"),
            (9, "the secret store cannot be used"),
        ),
        see=(
            "logout",
            "test",
        ),
    ),
    "logout": Guide(
        about="Deletes what is stored for the profile on this machine, in any case. What the instance lets be revoked is "
        "revoked; what it does not is said, with the place to do it by hand.\n\n"
        "A secret is stored for a profile's name and origin. All secrets of the name are deleted: those for a base URL that the "
        "profile had before, and those of a profile of this name in another profile file, which is said.",
        examples=(
            ("omniprofile logout staging", "delete its credential"),
            ("omniprofile logout", "that of the profile in use"),
        ),
        exits=(
            (5, "there is no such profile"),
            (9, "the secret store cannot be used"),
        ),
        see=(
            "login",
            "remove",
        ),
    ),
    "init": Guide(
        about="Makes the first profile: asks for what the flags leave open, writes the profile file, makes the profile "
        "active if none is, then logs in and tests. Without a terminal it asks nothing, and says which flag is missing.",
        examples=(
            ("omniprofile init", "asks"),
            ("omniprofile init --name staging --base-url https://acme-staging.omniapp.co", "asks for the key alone"),
            (
                "omniprofile init --name ci --base-url https://acme.omniapp.co --key-env ACME_OMNI_KEY",
                "a profile whose key is in a variable",
            ),
        ),
        exits=(
            (2, "a flag is missing, and there is no terminal to ask on"),
            (8, "the instance refuses the key"),
        ),
        see=(
            "add",
            "login",
        ),
    ),
    "add": Guide(
        about="Adds a profile at the end of the profile file, or of another one in `profiles.d`. Comments, order and "
        "formatting of the rest survive byte for byte. An instance for several profiles is made with `omniprofile set "
        "instances.NAME.base_url URL`.",
        examples=(
            (
                "omniprofile add staging --instance acme-staging --extends prod",
                "an instance, and another profile's values",
            ),
            (
                "omniprofile add ci --instance acme --key-command 'op read op://Work/Omni/credential' --file work",
                "its key from a command, in `profiles.d/work.toml`",
            ),
            ("omniprofile add play --base-url https://play.omniapp.co", "a profile with its key in the secret store"),
            ("omniprofile add ci --base-url https://acme.omniapp.co --key-env ACME_OMNI_KEY", "its key in a variable"),
        ),
        exits=(
            (2, "the name is taken or not valid"),
            (3, "the result would not lint: nothing is written"),
        ),
        see=(
            "set",
            "edit",
            "login",
        ),
    ),
    "set": Guide(
        about="Sets one value of a profile in the file that defines it, or, where KEY stands alone, one from the top of the "
        "file, and leaves every other byte as it is. The file is written whole or not at all, and only if the result lints. "
        "What can only be a key or token is refused: a command line is public.\n\n"
        "`instance` and `base_url` take each other's place, and so do the sources of `key`.",
        examples=(
            ('omniprofile set prod description "Production, my own login"', "a text"),
            ("omniprofile set prod protected true", "a switch"),
            ("omniprofile set staging env.OMNI_OUTPUT_FORMAT json", "a variable that goes along with the credential"),
            ("""omniprofile set ci key '{ env = "ACME_OMNI_KEY" }'""", "a table, in TOML"),
            ("omniprofile set default prod", "the profile in use when nothing else selects one"),
            (
                "omniprofile set instances.acme.base_url https://acme.omniapp.co --diff",
                "an instance; shown, not written",
            ),
        ),
        exits=(
            (1, "the file is read-only or was changed meanwhile; the change is shown as a patch"),
            (3, "the result would not lint: nothing is written"),
            (5, "there is no such profile"),
            (6, "the value looks like a secret, or names a host that may have no credential"),
        ),
        see=(
            "unset",
            "edit",
            "lint",
        ),
    ),
    "unset": Guide(
        about="Removes one value of a profile from the profile file, so that it is inherited or built in again.",
        examples=(
            ("omniprofile unset prod description", "a text"),
            ("omniprofile unset staging env.OMNI_OUTPUT_FORMAT", "a variable"),
            ("omniprofile unset default", "a key from the top of the file"),
        ),
        exits=(
            (3, "the result would not lint: nothing is written"),
            (5, "there is no such profile"),
        ),
        see=("set",),
    ),
    "rename": Guide(
        about="Renames a profile, and takes its stored secret, the active and the previous profile, `default`, the `extends` "
        "of other profiles and your nearest project pin along. Interrupted, it is completed by the same command.\n\n"
        "All secrets of the name go along, whatever origin they are for. One that another profile file stored for the new name "
        "is never replaced.",
        examples=(
            ("omniprofile rename stage staging", "one name"),
            ("omniprofile rename prod acme-prod", "the variables of the profile change with it"),
        ),
        exits=(
            (2, "the new name is taken or not valid"),
            (5, "there is no such profile"),
            (6, "another profile file has stored a secret for the new name"),
        ),
        see=("remove",),
    ),
    "remove": Guide(
        about="Removes a profile from the profile file, revokes what can be revoked and deletes what is stored for it. Asks "
        "first, and refuses while other profiles extend it. Interrupted, it is completed by the same command.",
        examples=(
            ("omniprofile remove play", "asks"),
            ("omniprofile remove play --yes", "does not"),
        ),
        exits=(
            (5, "there is no such profile"),
            (6, "others extend it, or neither `--yes` nor a yes on the terminal was given"),
        ),
        see=(
            "logout",
            "rename",
        ),
    ),
    "edit": Guide(
        about="Opens a copy of the profile file in `VISUAL` or `EDITOR`, and takes it over once it lints; until then it offers "
        "to go on editing. What is not taken over is kept, and its place is said.",
        examples=(
            ("omniprofile edit", "your editor"),
            ("EDITOR=nano omniprofile edit", "another one"),
            ("omniprofile edit staging", "the file of `profiles.d` that defines `staging`"),
        ),
        exits=((3, "the result does not lint: the file is as it was"),),
        see=(
            "lint",
            "set",
        ),
    ),
    "lint": Guide(
        about="Checks the profile files, or the FILEs together, and contacts nobody. Findings are `file:line:column: "
        "CODE message`, with the line and what was probably meant; a secret is found and never shown. A `profiles.toml` "
        "and the `profiles.d` beside it are checked together, whichever of them is named.\n\n"
        "A comment `# omniprofile: ignore[CODE]` behind a line, or alone above it, silences that code there. What every "
        "command refuses, and secrets, cannot be silenced; a comment that silences nothing is found itself.",
        examples=(
            ("omniprofile lint", "the files that are in use"),
            ("omniprofile lint --strict dotfiles/omniprofile/profiles.toml", "for CI: warnings fail too"),
            ("omniprofile lint --explain OP301", "why, with a bad and a good example"),
            ("omniprofile lint --diff", "what `--fix` would mend"),
            ("omniprofile lint --format json", "for a program; `sarif` and `github` for a code host"),
        ),
        exits=(
            (0, "no error was found"),
            (1, "errors were found; with `--strict`, warnings too"),
        ),
        see=(
            "test",
            "schema",
        ),
    ),
    "test": Guide(
        about="Asks the instance who the credential is (`GET /api/v1/whoami`) and compares the answer with `expect`. "
        "Each profile is `ok`, `invalid` (the credential is refused or someone else's), `unreachable`, or "
        "`untested` (there was nothing to test with), with a reason and what to do. Many are tested at once, "
        "the same credential once, and `Retry-After` is obeyed. A session that the instance refuses is renewed, and tested "
        "again.\n\n"
        "In JUnit XML a refused credential is a failure, an instance out of reach an error, and `untested` is skipped.",
        examples=(
            ("omniprofile test", "the profile in use"),
            ("omniprofile test prod staging", "these two"),
            ("omniprofile test --all --json", "everything, for a program"),
            ("omniprofile test --all --format junit > omniprofile.xml", "for a CI server"),
        ),
        exits=(
            (0, "all are ok"),
            (4, "nothing worse, but a profile has no credential"),
            (6, "nothing worse, but a credential may not go to the profile's host"),
            (7, "none is refused, but an instance cannot be reached, or limits the rate"),
            (8, "a credential is refused, whatever became of the others"),
            (9, "nothing worse, but the secret store cannot be used"),
        ),
        see=(
            "lint",
            "doctor",
        ),
    ),
    "doctor": Guide(
        about="One look at everything around: the secret store in use and why, file modes, variables that shadow "
        "profiles, the shell hook, the vendor's `omni` and secrets in plain text in its config or in a `.env`, what killed "
        "commands left, secrets that no profile uses, the clock. Each finding comes with its remedy.\n\n"
        "Only the clock contacts anybody, the instance in use, and sends no token; `--offline` leaves it out. No program is "
        "run. A check that hangs or fails is a finding.",
        examples=(
            ("omniprofile doctor", "look"),
            ("omniprofile doctor --offline --json", "for a program, or a report, and contact nobody"),
            (
                "omniprofile doctor --prune",
                "also delete stored secrets that no profile uses, but for those of other profile files",
            ),
        ),
        exits=(
            (0, "no problems found"),
            (1, "something does: there is a `warning` or a `problem`"),
            (6, "`--prune` found secrets to delete, `--yes` is missing, and there is no terminal to ask on"),
        ),
        see=(
            "lint",
            "test",
        ),
    ),
    "import": Guide(
        about="Makes profiles of the vendor's config or of an SDK's `.env`, and puts their secrets into the secret "
        "store. Copies and verifies; the plain-text originals are removed only with `--scrub`, after a backup (mode 0600, in "
        "the state folder). All of a file is imported, or nothing; what is there already is recognised.\n\n"
        "An OAuth session is moved with `--scrub`, and left where it is without: of two programs that refresh one session, "
        "one soon holds a spent token.",
        examples=(
            ("omniprofile import omni-cli", "from where `omni` keeps its config"),
            ("omniprofile import dotenv .env", "from a file of the SDK's"),
            ("omniprofile import omni-cli --dry-run", "only say what would be done"),
            ("omniprofile import omni-cli --scrub", "and leave no secret behind in plain text"),
        ),
        exits=(
            (1, "a secret was not taken: another one is stored for its profile"),
            (3, "the file is not what it should be"),
            (4, "a key in the file is none"),
            (6, "a host in the file is not allowed"),
            (9, "the secret store cannot be used"),
        ),
        see=(
            "export",
            "doctor",
        ),
    ),
    "export": Guide(
        about="Merges profiles into the vendor's config: keys it does not know are kept, the file is 0600 and written "
        "whole or not at all. Secrets go along only with `--with-secrets`, since they lie there in plain text; OAuth sessions "
        "never do, since two programs cannot share one.",
        examples=(
            ("omniprofile export omni-cli", "profiles without secrets"),
            ("omniprofile export omni-cli --with-secrets", "with them"),
        ),
        exits=(
            (1, "a profile could not be exported whole"),
            (3, "the vendor's config is not what it should be"),
            (9, "the secret store cannot be used"),
        ),
        see=(
            "import",
            "exec",
        ),
    ),
    "schema": Guide(
        about="Prints the JSON Schema of the profile file, from which editors complete and check it while you type.",
        examples=(
            ("omniprofile schema", "print it"),
            (
                "omniprofile schema > ~/.config/omniprofile/schema.json",
                "for a line `#:schema` with the whole path of that file: `edit` opens a copy elsewhere",
            ),
        ),
        see=("lint",),
    ),
    "completion": Guide(
        about="Prints the completion for a shell: commands, options, the names of profiles with what they are, the keys of "
        "`set`, the codes of `lint`. Nothing is resolved or unlocked on TAB. Write it to where the shell looks for it, once "
        "and again after an upgrade.",
        examples=(
            ("omniprofile completion bash > ~/.local/share/bash-completion/completions/omniprofile", "bash, once"),
            ("omniprofile completion zsh > ~/.zfunc/_omniprofile", "zsh, in a folder of its `fpath`"),
            ("omniprofile completion fish > ~/.config/fish/completions/omniprofile.fish", "fish, once"),
            ('eval "$(omniprofile completion bash)"', "or for this shell alone"),
        ),
        see=("hook",),
    ),
    "hook": Guide(
        about="Prints what a shell reads at its start, so that `omniprofile use --shell NAME` switches that shell alone, "
        "with no `eval` around it.\n\n"
        "Write it to a file once, and again after an upgrade, and let the shell read that file at its start: no process is "
        "started then. PowerShell cannot pass every argument on from a function, so that `omniprofile` stays as it is there "
        "and the switch is `Use-OmniProfile NAME`.\n\n"
        "With `--prompt` the profile in use stands before the prompt: `(omni staging)`, `(omni prod, protected)`; a `?` is "
        "what the shell cannot know without a process, until the next omniprofile command. For another place, put "
        "`$OMNIPROFILE_SEGMENT` into your own prompt.",
        examples=(
            ("omniprofile hook bash > ~/.omniprofile.bash", "then `. ~/.omniprofile.bash` in `~/.bashrc`"),
            ("omniprofile hook zsh > ~/.omniprofile.zsh", "then `. ~/.omniprofile.zsh` in `~/.zshrc`"),
            ("omniprofile hook fish > ~/.config/fish/conf.d/omniprofile.fish", "nothing more"),
            ("omniprofile hook powershell > ~/omniprofile.ps1", "then `. ~/omniprofile.ps1` in `$PROFILE`"),
            ("omniprofile hook bash --prompt", "and the prompt shows the current profile"),
            (
                "omniprofile hook bash --wrap-omni",
                "and `omni` runs through `exec`; `omni -p NAME` as `exec NAME -- omni`",
            ),
        ),
        see=(
            "use",
            "completion",
        ),
    ),
    "demo": Guide(
        about="Runs the everyday commands against stand-ins of Omni on this machine, in a temporary home. It needs no "
        "account, touches nothing of yours, and takes a few seconds.",
        examples=(
            ("omniprofile demo", "the tour"),
            ("omniprofile demo | less", "page by page"),
        ),
        exits=(
            (0, "everything did what it should"),
            (1, "something did not"),
        ),
        see=("init",),
    ),
}
