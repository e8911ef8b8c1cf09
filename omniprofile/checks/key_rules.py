"""Lint rules about keys and secrets: where they come from, which hosts they go to, who gets them."""

from collections.abc import Iterator

from omniprofile.checks.rule import UNDONE, Tables, rule, sources
from omniprofile.config.toml.data import KeyPath
from omniprofile.model.declaration import Declaration
from omniprofile.model.effective import Effective, own_address
from omniprofile.model.names import quoted_list
from omniprofile.model.origin import Origin
from omniprofile.model.rule_codes import Code
from omniprofile.model.variable_names import MARKER, RESERVED


def _inherited(mine: Effective) -> Iterator[tuple[KeyPath, str, Declaration]]:
    """Yield a profile's key and secrets that do not come from the secret store: path in the table, description, table."""
    if mine.key.table and not mine.uses_store:
        yield ("key",), "key", mine.key.table
    for name, given in mine.env.items():
        if given.table and given.value.secret and given.value.secret.kind != "keyring":
            yield ("env", name), f"secret `{name}`", given.table


@rule(Code.KEY_FOR_ANOTHER_HOST, silent_while=UNDONE)
def _key_for_another_host(tables: Tables) -> None:
    for table, mine in tables.profiles:
        for _, what, holder in _inherited(mine):
            bound, own = own_address(tables.config, holder), mine.base_url
            if bound and own and own.value != bound:
                where = ".".join(holder.path)
                message = (
                    f"profile `{table.name}` ({own.value}) inherits the {what} of `[{where}]`, which is for {bound}"
                )
                tables.report_key(Code.KEY_FOR_ANOTHER_HOST, table, (), message, f"give it its own {what}")


@rule(Code.KEY_FOR_SEVERAL_HOSTS, silent_while=UNDONE)
def _key_for_several_hosts(tables: Tables) -> None:
    origins: dict[tuple[str, KeyPath], tuple[str, set[Origin]]] = {}
    for _, mine in tables.profiles:
        for path, what, holder in _inherited(mine):
            if mine.base_url and own_address(tables.config, holder) is None:
                key = (holder.file, (*holder.path, *path))
                origins.setdefault(key, (what.split()[0], set()))[1].add(mine.base_url.value)
    for (file, path), (what, served) in origins.items():
        if len(served) > 1:
            message = f"this {what} is sent to {quoted_list(sorted(map(str, served)), 'and')}, wherever it is inherited"
            hint = f"give each profile a {what} of its own, or put it beside the address that it is for"
            tables.files.report(Code.KEY_FOR_SEVERAL_HOSTS, path, file, message, hint, at_key=True)


@rule(Code.EXPORTED_KEY)
def _exported_key(tables: Tables) -> None:
    exported = {name.upper() for table in tables.with_key() for name in table.env} | RESERVED | {MARKER}
    for table in tables.with_key():
        for path, source in sources(table):
            variable = source.variable or ""
            passed_through = path == ("env", variable)  # a profile may pass its own variable through
            if variable.upper() in exported and not passed_through:
                message = f"omniprofile exports `{variable}` itself, and what it exported for one profile is not a key of another"
                hint = "keep the key in a variable that only you set"
                tables.report_key(Code.EXPORTED_KEY, table, (*path, "env"), message, hint)


@rule(Code.KEY_WITHOUT_USE)
def _key_without_use(tables: Tables) -> None:
    for table, mine in tables.profiles:
        if table.key and mine.auth.value == "oauth":
            message = f"profile `{table.name}` uses OAuth, which has no key"
            tables.report_key(Code.KEY_WITHOUT_USE, table, ("key",), message, 'remove `key`, or set `auth = "api-key"`')


@rule(Code.IMPOSSIBLE_IDENTITY)
def _impossible_identity(tables: Tables) -> None:
    for table, mine in tables.profiles:
        wanted = mine.expect.value.key_scope
        if (table.expect or table.auth) and mine.auth.value == "oauth" and wanted == "organization":
            path = ("expect", "key_scope") if table.expect else ()
            message = f"profile `{table.name}` logs in a person, who is never of the scope `organization`"
            hint = 'expect `key_scope = "user"`, or set `auth = "api-key"`'
            tables.report_key(Code.IMPOSSIBLE_IDENTITY, table, path, message, hint)


@rule(Code.ALLOW_WITHOUT_USE)
def _allow_without_use(tables: Tables) -> None:
    for table, mine in tables.profiles:
        if table.allow and mine.access.value != "read-only":
            message = f"profile `{table.name}` lets every request through: its `access` is `{mine.access.value}`"
            hint = 'set `access = "read-only"`, or remove `allow`'
            tables.report_key(Code.ALLOW_WITHOUT_USE, table, ("allow",), message, hint)


@rule(Code.SECRET_BESIDE_GATEWAY)
def _secret_beside_gateway(tables: Tables) -> None:
    for table, mine in tables.profiles:
        for variable, given in mine.env.items() if mine.access.value != "full" else ():
            if given.value.secret is not None:
                path = ("env", variable) if variable in table.env else ()
                message = (
                    f"a gateway does not protect the secret in `{variable}`: programs of `{table.name}` would get it"
                )
                hint = "remove it, or move it to a separate profile"
                tables.report_key(Code.SECRET_BESIDE_GATEWAY, table, path, message, hint)
