"""Base URLs as origins (RFC 6454: scheme, host, port), and which of them a credential may be sent to.

Strict on purpose: anything that two parsers could read differently (userinfo, percent escapes, backslashes, non-ASCII hosts,
trailing dots, paths) is refused, so that every consumer connects to the host that is checked here.
"""

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

from omniprofile.model.domains import OMNI_DOMAINS, is_omni_host
from omniprofile.model.near_names import distance

_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")
_DEFAULT_PORTS = {"https": 443, "http": 80}


class NotAnOrigin(ValueError):
    """A text is not a base URL. `str()` says why; `suggestion` is the base URL that was probably meant, or None."""

    def __init__(self, why: str, suggestion: str | None = None) -> None:
        super().__init__(why)
        self.suggestion = suggestion

    @property
    def hint(self) -> str:
        """What to write instead."""
        example = "a base URL looks like `https://acme.omniapp.co`"
        return f"did you mean `{self.suggestion}`?" if self.suggestion else example


class Origin(NamedTuple):
    """The address of one Omni deployment. Equal origins have the same scheme, host (lower case) and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Parse a base URL: `https://HOST[:PORT][/]`. Raises NotAnOrigin, whose message never repeats credentials from `text`."""
        if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
            raise NotAnOrigin(
                "has a character that no base URL has (write an international host name in its `xn--` form)"
            )
        scheme, separator, rest = text.partition("://")
        scheme = scheme.lower()
        if not separator:
            raise NotAnOrigin("has no scheme", _suggest(text))
        if scheme not in _DEFAULT_PORTS:
            raise NotAnOrigin("is neither https nor http")
        authority = rest
        for mark in "/?#":
            authority = authority.partition(mark)[0]
        tail = rest[len(authority) :]
        if "@" in authority:
            raise NotAnOrigin("carries a user name or password; a base URL has none")
        host, port = _host_and_port(authority, _DEFAULT_PORTS[scheme])
        origin = cls(scheme, host, port)
        if tail not in ("", "/"):
            raise NotAnOrigin("has something after the host; a base URL ends there", str(origin))
        return origin

    @property
    def is_loopback(self) -> bool:
        """Whether the host is a loopback address, or `localhost` (RFC 6761 section 6.3)."""
        if self.host == "localhost":
            return True
        try:
            return IPv6Address(self.host).is_loopback if ":" in self.host else IPv4Address(self.host).is_loopback
        except AddressValueError:
            return False

    @property
    def is_omni(self) -> bool:
        """Whether the host is one of Omni's domains or a subdomain of one, compared label by label."""
        return is_omni_host(self.host)

    @property
    def organization_name(self) -> str | None:
        """NAME if the origin is `https://NAME.omniapp.co`, else None. Community SDKs build the URL from it."""
        name, _, domain = self.host.partition(".")
        return name if domain == "omniapp.co" and self.scheme == "https" and self.port == 443 else None

    def refusal(self, allowed_hosts: Iterable[str], *, allow_insecure: bool) -> str | None:
        """Return why no credential may be sent here: `host-not-allowed` or `insecure-url`, or None if one may."""
        if self.scheme == "http":
            return None if self.is_loopback and allow_insecure else "insecure-url"
        return None if self.is_omni or self.host in allowed_hosts else "host-not-allowed"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def not_allowed(host: str) -> tuple[str, str]:
    """Return why `host` gets no credential, and a hint: the Omni host that was probably meant, or how to allow this one."""
    meant = meant_host(host)
    allow = f'if it may have your credentials, add "{host}" to `allowed_hosts` in `[settings]`'
    hint = allow if meant is None else f"did you mean `{meant}`?"
    return f"`{host}` is neither one of Omni's hosts nor in `allowed_hosts`", hint


def no_organization(what: str, origin: Origin) -> tuple[str, str]:
    """Return why `what`, an alias of the organization in `env`, has no value at `origin`, and a hint."""
    message = f"{what} is an alias of the organization, which {origin} does not name"
    return message, 'use `from = "host"`, or remove it: only `https://NAME.omniapp.co` names one'


def meant_host(host: str) -> str | None:
    """Return the Omni host that `host` misspells: by up to two letters, a missing dot, or the top-level domain; else None."""
    labels = host.split(".")
    if len(labels) > 2 and labels[-2:] == ["omni", "co"]:  # the vendor's `config init` suggests such a host
        return f"{'.'.join(labels[:-2])}.omniapp.co"
    best: tuple[int, str] | None = None
    for domain in OMNI_DOMAINS:
        if host.endswith(domain) and len(host) > len(domain):
            return f"{host[: -len(domain)].rstrip('-.')}.{domain}"
        for count in range(1, min(4, len(labels) + 1)):
            end = ".".join(labels[-count:])
            same_name = labels[-count] == domain.partition(".")[0]
            off = 2 if same_name else distance(end, domain)
            if off <= 2 and (best is None or off < best[0]):
                best = off, ".".join([*labels[:-count], domain])
    return best[1] if best else None


def without_api_path(text: str) -> str:
    """Return a variable's base URL without the path of the API, which programs also write there and Omni's SDK strips."""
    scheme, separator, rest = text.partition("://")
    for path in ("/api", "/api/v1", "/api/unstable"):
        rest = rest.removesuffix(path).removesuffix(f"{path}/")
    return scheme + separator + rest


def parse_host(text: str) -> str:
    """Parse a host name or address, as `allowed_hosts` holds it, into lower case. Raises NotAnOrigin."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise NotAnOrigin("has a character that no host name has (write an international host name in its `xn--` form)")
    if "://" in text:
        raise NotAnOrigin("is a URL; write the host name alone", _host_of(text))
    if "*" in text:
        raise NotAnOrigin("is a pattern; write each whole host name")
    host, port = _host_and_port(text, 0)
    if port:
        raise NotAnOrigin("has a port; write the host name alone", host)
    return host


# The same rules as regular expressions, which editors get from the JSON Schema. They work in every dialect (no lookaround, no
# Unicode classes), and omit what none can express: the total length of a host name, the inner form of an IPv6 address.
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_REST_OF_LABEL = "([A-Za-z0-9-]*[A-Za-z0-9])?"
_LAST_LABEL = (
    "([A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    f"|[0-9]+(-[A-Za-z0-9-]*[A-Za-z0-9]|[A-WYZa-wyz]{_REST_OF_LABEL})"
    f"|([1-9]|[0-9][0-9]+)[Xx]{_REST_OF_LABEL})"
)
"""Not a number: the URL standard reads `127.1` and `0x7f` as IPv4 addresses, and only canonical ones are accepted."""
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_HOST = rf"({_BYTE}(\.{_BYTE}){{3}}|({_LABEL}\.)*{_LAST_LABEL}|\[[0-9A-Fa-f:.]+\])"
_PORT = (
    "(0{0,4}[1-9]|0{0,3}[1-9][0-9]|0{0,2}[1-9][0-9]{2}|0?[1-9][0-9]{3}"
    "|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
HOST_PATTERN = f"^{_HOST}$"
BASE_URL_PATTERN = f"^[Hh][Tt][Tt][Pp][Ss]?://{_HOST}(:{_PORT})?/?$"


def _host_and_port(authority: str, default_port: int) -> tuple[str, int]:
    if authority.startswith("["):
        address, closed, rest = authority[1:].partition("]")
        try:
            host = IPv6Address(address).compressed if closed and "%" not in address else ""
        except AddressValueError:
            host = ""
        if not host or (rest and not rest.startswith(":")):
            raise NotAnOrigin("has no valid IPv6 address between its brackets")
        port_text = rest[1:]
        has_port = bool(rest)
    else:
        host, colon, port_text = authority.lower().partition(":")
        has_port = bool(colon)
        _check_host_name(host)
    if not has_port:
        return host, default_port
    if not (port_text.isdigit() and len(port_text) <= 5 and 0 < int(port_text) < 65536):
        raise NotAnOrigin("has a port that is not a number from 1 to 65535")
    return host, int(port_text)


def _check_host_name(host: str) -> None:
    if not host:
        raise NotAnOrigin("has no host")
    if host.endswith("."):
        raise NotAnOrigin("has a host that ends in a dot")
    labels = host.split(".")
    if not all(char in _HOST_CHARACTERS for char in host) or len(host) > 253:
        raise NotAnOrigin("has a host with a character that host names do not have")
    if any(not label or len(label) > 63 or label[0] == "-" or label[-1] == "-" for label in labels):
        raise NotAnOrigin("has a host with an empty or malformed part")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        # The URL standard reads such a host as an IPv4 address (`127.1`, `0x7f.1`): only the canonical form is unambiguous.
        try:
            canonical = str(IPv4Address(host)) == host
        except AddressValueError:
            canonical = False
        if not canonical:
            raise NotAnOrigin("has a host that is a malformed IPv4 address")


def _suggest(text: str) -> str | None:
    try:
        return str(Origin.parse(f"https://{text}"))
    except NotAnOrigin as problem:
        return problem.suggestion


def _host_of(text: str) -> str | None:
    try:
        return Origin.parse(text).host
    except NotAnOrigin as problem:
        return _host_of(problem.suggestion) if problem.suggestion else None
