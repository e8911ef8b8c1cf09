"""Every lint rule in words: its code, its level, its title, and why it is there, with a bad and a good example."""

from dataclasses import dataclass

from omniprofile.model.finding import Code, Level


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `bad` and `good` are TOML; empty where the rule is not about the text."""

    code: Code
    level: Level
    title: str
    why: str
    bad: str = ""
    good: str = ""


RULES: tuple[Rule, ...] = (
    Rule(
        Code.UNREADABLE,
        Level.ERROR,
        "a file cannot be read",
        "The file is missing, may not be read, or is no regular file. Nothing is ever left out in silence: a profile that is not "
        "there could make another one the default.",
    ),
    Rule(
        Code.SYNTAX,
        Level.ERROR,
        "the file is no TOML",
        "TOML 1.0 in UTF-8 is read, as the standard library reads it.",
        '[profiles.prod\nbase_url = "https://acme.omniapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.WRITABLE,
        Level.ERROR,
        "everybody may write the file",
        "A profile file names hosts that get credentials and commands that are run as you. `chmod o-w FILE` mends it.",
    ),
    Rule(
        Code.UNKNOWN_KEY,
        Level.ERROR,
        "a key is not known",
        "A key that is misspelt would be a setting that silently does not hold: `protectd = true` protects nothing.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nprotectd = true\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nprotected = true\n',
    ),
    Rule(
        Code.WRONG_VALUE,
        Level.ERROR,
        "a value is not what its key needs",
        "No value is converted: what is written is what is meant.",
        '[profiles.prod]\nbase_url = "acme.omniapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.BAD_NAME,
        Level.ERROR,
        "a name is not valid",
        "Names stand in shells, variables and file names: letters, digits, `.`, `_`, `-`, at most 64, the first a letter or digit.",
        '[profiles."my prod"]\nbase_url = "https://acme.omniapp.co"\n',
        '[profiles.my-prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.CONTRADICTION,
        Level.ERROR,
        "two keys of one table contradict each other",
        "`instance` and `base_url` both say which address to use; a key comes from one source.",
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n'
        '[profiles.prod]\ninstance = "acme"\nbase_url = "https://other.omniapp.co"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.MISSING_KEY,
        Level.ERROR,
        "a key is missing",
        "An instance is its address.",
        '[instances.acme]\ndescription = "ours"\n[profiles.prod]\ninstance = "acme"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.NO_BASE_URL,
        Level.ERROR,
        "a profile has no base URL",
        "Neither the profile nor its parents nor `[defaults]` say which instance it is for. A profile that others extend may leave "
        "it to them.",
        '[profiles.prod]\nauth = "api-key"\n',
        '[profiles.prod]\nauth = "api-key"\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.SECRET,
        Level.ERROR,
        "a secret stands in plain text",
        "Profile files are checked into dotfiles, copied and shown. Keys belong in the secret store (`omniprofile login NAME`), a "
        "variable, a password manager's command, or a file that only you may read. A key that was ever in a shared file should be "
        "revoked: it is in the history.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nkey = "not-a-source"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME_OMNI_KEY" }\n',
    ),
    Rule(
        Code.HOST_NOT_ALLOWED,
        Level.ERROR,
        "a host may not get credentials",
        "Credentials go to Omni's own domains and to whole host names in `allowed_hosts`, so that a misspelt host gets none.",
        '[profiles.prod]\nbase_url = "https://acme.omniaapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.PLAIN_HTTP,
        Level.ERROR,
        "a base URL is plain http",
        "Everybody on the way could read the credential. Plain http is possible to a loopback address, with `allow_insecure`.",
        '[profiles.prod]\nbase_url = "http://acme.omniapp.co"\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.INSECURE_ALLOWED,
        Level.WARNING,
        "plain http is allowed",
        "`allow_insecure` is for tests against a server on this machine. Every program on it may listen there.",
        '[profiles.local]\nbase_url = "http://127.0.0.1:8000"\nallow_insecure = true\n',
        '[profiles.local]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.KEY_FOR_ANOTHER_HOST,
        Level.WARNING,
        "a key is inherited by a profile of another host",
        "An API key belongs to one instance. A child with another address would send its parent's key to the wrong one.",
        '[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME" }\n'
        '[profiles.staging]\nextends = "ci"\nbase_url = "https://acme-staging.omniapp.co"\n',
        '[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME" }\n'
        '[profiles.staging]\nextends = "ci"\nbase_url = "https://acme-staging.omniapp.co"\nkey = { env = "STAGING" }\n',
    ),
    Rule(
        Code.DANGLING,
        Level.ERROR,
        "a name that is referred to is not defined",
        "`instance` and `extends` name tables of one of the files.",
        '[profiles.prod]\ninstance = "acme"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.CYCLE,
        Level.ERROR,
        "profiles extend each other in a circle",
        "Values come from a parent, and its parent: that must end somewhere.",
        '[profiles.a]\nextends = "b"\n[profiles.b]\nextends = "a"\n',
        '[profiles.a]\nextends = "b"\n[profiles.b]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.DUPLICATE,
        Level.ERROR,
        "something is defined in two files",
        "Tables are merged over `profiles.toml` and `profiles.d/*.toml`; the same profile in two of them would depend on their order.",
    ),
    Rule(
        Code.DEFAULT_MISSING,
        Level.ERROR,
        "`default` names no profile",
        "Where nothing else selects a profile, every command would end with an error.",
        'default = "prd"\n[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
        'default = "prod"\n[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n',
    ),
    Rule(
        Code.VARIABLE_COLLISION,
        Level.ERROR,
        "two profiles share their variables",
        "`my-prod` and `my_prod` would both be meant by `OMNI_PROFILE_MY_PROD_TOKEN`; a token could go to the wrong instance.",
        '[profiles.my-prod]\nbase_url = "https://a.omniapp.co"\n[profiles.my_prod]\nbase_url = "https://b.omniapp.co"\n',
        '[profiles.my-prod]\nbase_url = "https://a.omniapp.co"\n[profiles.other]\nbase_url = "https://b.omniapp.co"\n',
    ),
    Rule(
        Code.UNUSED_INSTANCE,
        Level.WARNING,
        "no profile uses an instance",
        "It may be misspelt where it should be used.",
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n',
        '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n[profiles.prod]\ninstance = "acme"\n',
    ),
    Rule(
        Code.KEY_WITHOUT_USE,
        Level.WARNING,
        "a key source on an OAuth profile",
        "OAuth has no key; the source would never be asked.",
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\nkey = { env = "ACME" }\n',
        '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\n',
    ),
)
