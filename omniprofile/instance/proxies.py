"""The proxy for an origin, chosen from the proxy variables. Knows no HTTP library.

Plain http never uses a proxy: it goes only to loopback addresses, and a proxy would only see the token. For https, the rules
are curl's where programs agree, plus every known form of `NO_PROXY`. An entry that cannot be parsed exempts nothing.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from omniprofile.model.origin import Origin

_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its address, which may hold a password, and the displayable name of the setting that configures it."""

    address: str = field(repr=False)
    named_by: str


def proxy_for(origin: Origin, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for requests to `origin`, or None. An empty variable counts as unset."""
    if origin.scheme != "https":
        return None
    if variable := next((name for name in _VARIABLES if environ.get(name, "").strip()), None):
        exceptions = next((environ[name] for name in _EXCEPTIONS if environ.get(name)), "")
        if any(_excepts(entry, origin) for entry in exceptions.replace(",", " ").split()):
            return None
        address, named_by = environ[variable].strip(), f"`{variable}`"
    elif sys.platform in ("darwin", "win32"):
        from urllib.request import getproxies, proxy_bypass

        address = "" if proxy_bypass(origin.host) else getproxies().get("https", "")
        named_by = "the operating system's settings"
    else:
        return None
    return Proxy(address if "://" in address else f"http://{address}", named_by) if address else None


def _excepts(entry: str, origin: Origin) -> bool:
    """Whether a NO_PROXY entry covers `origin`: `*`, a name or suffix, an address or network, each with or without a port."""
    if entry == "*":
        return True
    name, port = _name_and_port(entry.partition("://")[2] or entry)
    if port is not None and port != str(origin.port):
        return False
    with suppress(ValueError):  # not an address, so a name
        address = ip_address(origin.host)
        with suppress(ValueError):
            return address in ip_network(name, strict=False)
        return False
    only_below = name.startswith("*.")
    domain = _readable_name(name.removeprefix("*").strip("."))
    host = _readable_name(origin.host)
    return bool(domain) and (host.endswith(f".{domain}") or (host == domain and not only_below))


def _name_and_port(entry: str) -> tuple[str, str | None]:
    entry = entry.rstrip("/")
    if entry.startswith("["):  # `[::1]`, `[::1]:443`, `[fd00::]/8`
        inside, _, rest = entry[1:].partition("]")
        return (inside, rest[1:]) if rest.startswith(":") else (inside + rest, None)
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, None


def _readable_name(name: str) -> str:
    """Return a host name in lower case with its `xn--` labels decoded (RFC 3492), since NO_PROXY may use either form."""
    from unicodedata import normalize

    labels = []
    for label in normalize("NFC", name).lower().split("."):
        try:
            labels.append(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)
