"""omniprofile: declarative profiles for Omni, resolved into one active credential.

The library face is these names, imported when first used so that the command line pays for none of them:

- `resolve`: a profile's credential, by the same rules as the command `omniprofile token`;
- `Credential`: what `resolve` returns;
- `Auth`: an `httpx.Auth` that keeps a client's requests authenticated.

What goes wrong is an `Error`, with `code`, `message` and `hint`; its families are in `omniprofile.errors`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from omniprofile.api import resolve
    from omniprofile.auth import Auth
    from omniprofile.errors import Error
    from omniprofile.model.credential import Credential

__version__ = "1.0.0"
__all__ = ["Auth", "Credential", "Error", "__version__", "resolve"]

_HOMES = {
    "Auth": "omniprofile.auth",
    "Credential": "omniprofile.model.credential",
    "Error": "omniprofile.errors",
    "resolve": "omniprofile.api",
}


if not TYPE_CHECKING:  # a type checker has the imports above, and tells a misspelled name

    def __getattr__(name: str) -> object:
        """Import a public name from its home on first use (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
