"""omniprofile: declarative profiles for Omni, resolved into one active credential.

The library consists of these names, imported on first use so that they cost the command line nothing:

- `resolve`: returns a profile's credential, by the same rules as the command `omniprofile token`;
- `Credential`: what `resolve` returns;
- `Auth`: an `httpx.Auth` that keeps a client's requests authenticated.

Errors are subclasses of `Error`, with `code`, `message` and `hint`; `omniprofile.errors` has them all.
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


if not TYPE_CHECKING:  # a type checker uses the imports above, and so finds misspelled names

    def __getattr__(name: str) -> object:
        """Import a public name from its module on first use (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
