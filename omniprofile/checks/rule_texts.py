"""The lint rules in words: code, level, title and reason of each, with a bad and a good example."""

import textwrap
from dataclasses import dataclass

from omniprofile.model.finding import Code

_REFUSED_ANYWAY = frozenset(
    {
        Code.UNREADABLE, Code.SYNTAX, Code.WRITABLE, Code.UNKNOWN_KEY, Code.WRONG_VALUE, Code.BAD_NAME, Code.CONTRADICTION,
        Code.MISSING_KEY, Code.DANGLING, Code.CYCLE, Code.DUPLICATE,
    }
)  # fmt: skip
"""Findings for which every command refuses the files. Silencing them in lint would only hide the reason."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `bad` and `good` are TOML, or empty if the rule is not about the file's text."""

    code: Code
    title: str
    why: str
    bad: str = ""
    good: str = ""

    @property
    def can_be_silenced(self) -> bool:
        """Whether `# omniprofile: ignore[CODE]` works. It never does for a secret, which is leaked either way."""
        return self.code not in {*_REFUSED_ANYWAY, Code.SECRET, Code.USELESS_IGNORE}

    @property
    def text(self) -> str:
        """Return the whole explanation, as `lint --explain CODE` prints it."""
        text = f"{self.code} ({self.code.level}): {self.title}\n\n{textwrap.fill(self.why, 78)}\n\n"
        for word, example in (("Bad", self.bad), ("Good", self.good)) if self.bad else ():
            text += f"{word}:\n\n{textwrap.indent(example, '    ')}\n"
        silence = f"Silence it with `# omniprofile: ignore[{self.code}]`."
        return text + (silence if self.can_be_silenced else "A comment cannot silence it.") + "\n"

    def as_json(self) -> dict[str, object]:
        """Return the rule as JSON data."""
        return {
            "code": self.code.value,
            "level": self.code.level.value,
            "title": self.title,
            "explanation": self.why,
            "bad": self.bad or None,
            "good": self.good or None,
            "can_be_silenced": self.can_be_silenced,
        }


RULES: tuple[Rule, ...] = (
    Rule(
        Code.UNREADABLE,
        "a file cannot be read",
        "The file is missing, may not be read, or is not a regular file. No file is ever skipped silently: without its profiles another one could be the default.",
    ),
    Rule(
        Code.SYNTAX,
        "the file is not TOML",
        "TOML 1.0 in UTF-8 is read, as the standard library reads it.",
        '[profiles.prod\nbase_url = "https://acme.omniapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.WRITABLE,
        "others may write the file or its folder",
        "A profile file names hosts that get credentials and commands that are run as you. Anyone who can write to its folder can replace it, or add a file to `profiles.d`. `chmod o-w` fixes what anyone can write to; a sticky folder such as `/tmp` is fine. "
        "What belongs to another user than you or root is refused as well, unless you are root.",
    ),
    Rule(
        Code.GROUP_WRITABLE,
        "a group may write the file",
        "Anyone in the group can name hosts that get your credentials and commands that run as you. `chmod g-w` fixes it. A private group, which many systems give each user, does not count.",
    ),
    Rule(
        Code.UNKNOWN_KEY,
        "a key is not known",
        "A misspelt key would be a setting that silently does nothing: `protectd = true` protects nothing.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nprotectd = true\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nprotected = true\n',
    ),
    Rule(
        Code.WRONG_VALUE,
        "a value is not what its key needs",
        "No value is converted: what is written is what is meant.",
        '[profiles.prod]\nbase_url = "acme.omniapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.BAD_NAME,
        "a name is not valid",
        "Names stand in shells, variables and file names: letters, digits, `.`, `_`, `-`, at most 64, the first a letter or digit.",
        '[profiles."my prod"]\nbase_url = "https://acme.omniapp.co"\n',
        '[profiles.my-prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.CONTRADICTION,
        "two keys of one table contradict each other",
        "`instance` and `base_url` both say which address to use; a key comes from one source.",
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n'
        '[profiles.prod]\ninstance = "acme"\nbase_url = "https://other.omniapp.co"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.MISSING_KEY,
        "a key is missing",
        "An instance is its address.",
        '[instances.acme]\ndescription = "ours"\n[profiles.prod]\ninstance = "acme"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.NO_BASE_URL,
        "a profile has no base URL",
        "Neither the profile nor its parents nor `[defaults]` say which instance it is for. A profile that others extend may leave "
        "it to them.",
        '[profiles.prod]\nauth = "api-key"\n',
        '[profiles.prod]\nauth = "api-key"\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.SECRET,
        "a secret is in plain text",
        "Profile files are checked into dotfiles, copied and shown. Keys belong in the secret store (`omniprofile login NAME`), a "
        "variable, a password manager's command, or a file that only you may read. Remove it, store it, and revoke it if the file "
        "was ever shared: it is in the history. The rule finds anything shaped like a key, also in comments, and any text in a key's place: in `key`, as the text that a command only prints, behind an option like `--token`, in a variable or "
        'comment that says "password". In the settings of MCP clients it is the key of a server of Omni\'s. It is never shown, and '
        "no comment silences it.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nkey = "not-a-source"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME_OMNI_KEY" }\n',
    ),
    Rule(
        Code.HOST_NOT_ALLOWED,
        "a host may not get credentials",
        "Credentials go to Omni's own domains and to whole host names in `allowed_hosts`, so that a misspelt host gets none.",
        '[profiles.prod]\nbase_url = "https://acme.omniaapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.PLAIN_HTTP,
        "a base URL is plain http",
        "Everybody on the way could read the credential. Plain http is possible to a loopback address, with `allow_insecure`.",
        '[profiles.prod]\nbase_url = "http://acme.omniapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.INSECURE_ALLOWED,
        "plain http is allowed",
        "`allow_insecure` is for tests against a server on this machine. Every program on it may listen there.",
        '[profiles.local]\nbase_url = "http://127.0.0.1:8000"\nallow_insecure = true\n',
        '[profiles.local]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.KEY_FOR_ANOTHER_HOST,
        "a key is inherited by a profile of another host",
        "An API key belongs to one instance. A key, or a secret of `env`, from a table that has an address, its own or a parent's, "
        "goes to that address only: a profile that inherits it with another one is refused, unless it repeats it.",
        '[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME" }\n'
        '[profiles.staging]\nextends = "ci"\nbase_url = "https://acme-staging.omniapp.co"\n',
        '[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME" }\n'
        '[profiles.staging]\nextends = "ci"\nbase_url = "https://acme-staging.omniapp.co"\nkey = { env = "STAGING" }\n',
    ),
    Rule(
        Code.EXPORTED_KEY,
        "a key comes from a variable that omniprofile exports",
        "`env` and `exec` set `OMNI_API_TOKEN` and its like for the profile that they are called for, and a profile's `env` sets "
        "its variables. What was exported for one profile is not a key of another: there the variable counts as unset.",
        '[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "OMNI_API_TOKEN" }\n',
        '[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME_CI_KEY" }\n',
    ),
    Rule(
        Code.KEY_FOR_SEVERAL_HOSTS,
        "a key is sent to several hosts",
        "An API key belongs to one instance. A key, or a secret of `env`, in a table without an address, such as `[defaults]`, goes "
        "to the address of every profile that inherits it.",
        '[defaults]\nkey = { env = "ACME" }\n[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n'
        '[profiles.staging]\nbase_url = "https://acme-staging.omniapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME" }\n'
        '[profiles.staging]\nbase_url = "https://acme-staging.omniapp.co"\nkey = { env = "ACME_STAGING" }\n',
    ),
    Rule(
        Code.SECRET_BESIDE_GATEWAY,
        "a secret in `env` of a profile that keeps its token from programs",
        'With `access = "gateway"` or `"read-only"` a program gets the address of a gateway and no secret. A secret in `env`, its '
        "own or an inherited one, would be handed to it all the same; `exec`, `each` and `gateway` refuse to.",
        '[profiles.agent]\nbase_url = "https://acme.omniapp.co"\naccess = "read-only"\nenv = { OMNI_EMBED_SECRET = { keyring = true } }\n',
        '[profiles.agent]\nbase_url = "https://acme.omniapp.co"\naccess = "read-only"\n',
    ),
    Rule(
        Code.DANGLING,
        "a name that is referred to is not defined",
        "`instance` and `extends` name tables of one of the files.",
        '[profiles.prod]\ninstance = "acme"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.CYCLE,
        "profiles extend each other in a circle",
        "Values come from a parent, and its parent: that must end somewhere.",
        '[profiles.a]\nextends = "b"\n[profiles.b]\nextends = "a"\n',
        '[profiles.a]\nextends = "b"\n[profiles.b]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.DUPLICATE,
        "something is defined in two files",
        "Tables are merged over `profiles.toml` and `profiles.d/*.toml`; the same profile in two of them would depend on their order.",
    ),
    Rule(
        Code.DEFAULT_MISSING,
        "`default` names a profile that does not exist",
        "Where nothing else selects a profile, every command would end with an error.",
        'default = "prd"\n[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
        'default = "prod"\n[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.VARIABLE_COLLISION,
        "two profiles share their variables",
        "`my-prod` and `my_prod` would both be meant by `OMNI_PROFILE_MY_PROD_TOKEN`; a token could go to the wrong instance.",
        '[profiles.my-prod]\nbase_url = "https://a.omniapp.co"\n[profiles.my_prod]\nbase_url = "https://b.omniapp.co"\n',
        '[profiles.my-prod]\nbase_url = "https://a.omniapp.co"\n[profiles.other]\nbase_url = "https://b.omniapp.co"\n',
    ),
    Rule(
        Code.UNUSED_INSTANCE,
        "no profile uses an instance",
        "It may be misspelt where it should be used.",
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.KEY_WITHOUT_USE,
        "a key source on an OAuth profile",
        "OAuth has no key; the source would never be asked.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\nkey = { env = "ACME" }\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\n',
    ),
    Rule(
        Code.SAME_ADDRESS,
        "two instances have one address",
        "They are one instance with two names: a change to one of them would leave the other behind.",
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[instances.prod]\nbase_url = "https://acme.omniapp.co/"\n'
        '[profiles.a]\ninstance = "acme"\n[profiles.b]\ninstance = "prod"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n'
        '[profiles.a]\ninstance = "acme"\n[profiles.b]\ninstance = "acme"\n',
    ),
    Rule(
        Code.REDUNDANT_HOST,
        "a host is allowed already",
        "Omni's own domains and their subdomains are always allowed, and a host once is enough: the list should show at a glance "
        "which others get credentials.",
        '[settings]\nallowed_hosts = ["acme.omniapp.co"]\n',
        '[settings]\nallowed_hosts = ["bi.acme.example"]\n',
    ),
    Rule(
        Code.NOT_EXPANDED,
        "a shell's syntax where no shell reads it",
        "Commands are run without a shell, and variables are exported as they are written: `$HOME`, `~`, `$(…)` and `|` stay what "
        "they are. Only `~` at the start of `file` is your home.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nkey = { command = ["cat", "~/omni.key"] }\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nkey = { command = ["sh", "-c", "cat ~/omni.key"] }\n',
    ),
    Rule(
        Code.EMPTY_VARIABLE,
        "a variable is empty",
        "Some programs treat an empty variable as unset, others as a value: an empty token was sent as one. The rule finds variables that a profile exports empty, and a key's variable that is empty where lint runs.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nenv = { OMNI_OUTPUT_FORMAT = "" }\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nenv = { OMNI_OUTPUT_FORMAT = "json" }\n',
    ),
    Rule(
        Code.IMPOSSIBLE_IDENTITY,
        "an identity that the auth method never has",
        "OAuth logs a person in, whose key scope is `user`; with `organization` expected, every login would be refused.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\nexpect = { key_scope = "organization" }\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\nexpect = { key_scope = "user" }\n',
    ),
    Rule(
        Code.NO_ORGANIZATION,
        "an alias of an organization that the address does not name",
        "Only an address like `https://NAME.omniapp.co` names an organization. For another one the variable cannot be made, so "
        "`exec` and `env` refuse the profile.",
        '[profiles.prod]\nbase_url = "https://acme.eu.omniapp.co"\nenv = { ORG = { from = "organization" } }\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nenv = { ORG = { from = "organization" } }\n',
    ),
    Rule(
        Code.ALLOW_WITHOUT_USE,
        '`allow` without `access = "read-only"`',
        "`allow` adds requests to those that a read-only profile lets through. With any other `access` every request passes, and "
        "the list looks like a limit that does not exist.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nallow = ["POST /api/v1/ai/jobs"]\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\naccess = "read-only"\nallow = ["POST /api/v1/ai/jobs"]\n',
    ),
    Rule(
        Code.USELESS_IGNORE,
        "a comment silences nothing",
        "`# omniprofile: ignore[CODE]`, at the end of a line or alone above it, silences what that code finds in the line. One that "
        "silences nothing would hide the next mistake. What every command refuses, and secrets, cannot be silenced.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"  # omniprofile: ignore[OP303]\n',
        '[profiles.prod]\nbase_url = "http://127.0.0.1:8000"\nallow_insecure = true  # omniprofile: ignore[OP304]\n',
    ),
)
BY_CODE = {rule.code.value: rule for rule in RULES}
