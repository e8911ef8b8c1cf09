"""Omni's own domains.

On the fast path: imports nothing.
"""

OMNI_DOMAINS = (
    "omniapp.co",
    "exploreomni.dev",
    "thundersalmon.com",
    "embed-omniapp.co",
    "embed-exploreomni.dev",
    "embed-thundersalmon.com",
)
"""The domains that the vendor's CLI sends a token to, with their subdomains (exploreomni/cli)."""


def is_omni_host(host: str) -> bool:
    """Return whether `host` is one of Omni's domains or a subdomain of one, compared label by label."""
    return any(host == domain or host.endswith("." + domain) for domain in OMNI_DOMAINS)
