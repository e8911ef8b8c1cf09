"""Lint rules about addresses and what names them: hosts, instances, `default`."""

from collections.abc import Callable

from omniprofile.checks.rule import UNDONE, UNREAD, Tables, rule
from omniprofile.config.references import written_names
from omniprofile.model.declaration import Declaration
from omniprofile.model.near_names import did_you_mean
from omniprofile.model.origin import NotAnOrigin, Origin, not_allowed, parse_host
from omniprofile.model.rule_codes import Code


@rule(Code.HOST_NOT_ALLOWED, Code.PLAIN_HTTP, silent_while=UNREAD)
def _host_not_allowed(tables: Tables) -> None:
    insecure = _allowing_insecure(tables)
    hosts = frozenset(tables.config.settings.allowed_hosts)
    for table in tables.with_base_url():
        origin = table.base_url
        if origin is None:
            continue
        match origin.refusal(hosts, allow_insecure=insecure(table)):
            case "host-not-allowed":
                tables.report(Code.HOST_NOT_ALLOWED, table, ("base_url",), *not_allowed(origin.host))
            case "insecure-url":
                message = "plain http sends the credential in the clear"
                hint = "set `allow_insecure = true` beside it" if origin.is_loopback else "use https"
                https = f'"{Origin("https", origin.host, 443)}"' if origin.is_omni and origin.port == 80 else None
                tables.report(Code.PLAIN_HTTP, table, ("base_url",), message, hint, replacement=https)


def _allowing_insecure(tables: Tables) -> Callable[[Declaration], bool]:
    """Return a predicate: whether every profile that takes its base URL from a table allows plain http."""
    users: dict[int, bool] = {}
    for _, profile in tables.profiles:
        if profile.base_url is not None:
            key = id(profile.base_url.table)
            users[key] = users.get(key, True) and profile.allow_insecure
    by_default = any(table.allow_insecure for table in tables.config.defaults)

    def allowed(table: Declaration) -> bool:
        return users.get(id(table), by_default if table.allow_insecure is None else table.allow_insecure)

    return allowed


@rule(Code.INSECURE_ALLOWED)
def _insecure_is_allowed(tables: Tables) -> None:
    for table in tables.with_base_url():
        if table.allow_insecure:
            message, hint = "plain http to a loopback address is allowed here", "for tests on this machine only"
            tables.report(Code.INSECURE_ALLOWED, table, ("allow_insecure",), message, hint)


@rule(Code.DEFAULT_MISSING, silent_while=UNREAD)
def _default_is_missing(tables: Tables) -> None:
    default, profiles = tables.config.default, tables.config.profiles
    if default is not None and ("extends", default.value) not in (
        written_names(tables.config.files, tables.files.documents) or ()
    ):
        hint = did_you_mean(default.value, profiles, "name an existing profile, or remove it")
        message = f"`default` names the profile `{default.value}`, which no file defines"
        tables.files.report(Code.DEFAULT_MISSING, ("default",), str(default.provenance.file), message, hint)


@rule(Code.NO_BASE_URL, silent_while=UNDONE)
def _no_base_url(tables: Tables) -> None:
    parents = {profile.extends for profile in tables.config.profiles.values()}
    for table, profile in tables.profiles:
        if table.name not in parents and profile.base_url is None:
            hint = 'give it `base_url = "https://…"`, or `instance = "NAME"`'
            tables.report_key(Code.NO_BASE_URL, table, (), f"profile `{table.name}` has no base URL", hint)


@rule(Code.UNUSED_INSTANCE, silent_while=UNDONE)
def _unused_instance(tables: Tables) -> None:
    used = {table.instance for table in tables.with_key()}
    for name, instance in tables.config.instances.items():
        if name not in used:
            message = f"no profile uses the instance `{name}`"
            tables.report_key(Code.UNUSED_INSTANCE, instance, (), message, "use it, or remove it")


@rule(Code.SAME_ADDRESS)
def _same_address(tables: Tables) -> None:
    first: dict[Origin, Declaration] = {}
    for instance in tables.config.instances.values():
        other = first.setdefault(instance.base_url, instance) if instance.base_url else instance
        if other is not instance:
            message = f"instance `{instance.name}` has the address of instance `{other.name}`"
            hint = f"let its profiles use `{other.name}`, and remove it"
            tables.report(Code.SAME_ADDRESS, instance, ("base_url",), message, hint)


@rule(Code.REDUNDANT_HOST)
def _redundant_host(tables: Tables) -> None:
    seen: set[str] = set()
    for file, document in tables.files.documents.items():
        settings = (document.data or {}).get("settings")
        hosts = settings.get("allowed_hosts") if isinstance(settings, dict) else None
        for index, text in enumerate(hosts if isinstance(hosts, list) else ()):
            try:
                host = parse_host(text) if isinstance(text, str) else None
            except NotAnOrigin:
                continue  # the schema reports it
            if host is None:
                continue
            omni = Origin("https", host, 443).is_omni
            if omni or host in seen:
                message = f"`{host}` is one of Omni's own hosts" if omni else f"`{host}` is allowed already"
                path = ("settings", "allowed_hosts", index)
                tables.files.report(Code.REDUNDANT_HOST, path, file, message, "remove it", at_key=True)
            seen.add(host)
