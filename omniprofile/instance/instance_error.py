"""The error for an instance that did not give what was asked of it: a symptom, with what is known of this case."""

from omniprofile.errors import CredentialRefused, Error, Unreachable
from omniprofile.instance.symptoms import SYMPTOMS
from omniprofile.model.live_result import Status
from omniprofile.model.origin import Origin

_MAYBE_THE_PROXY = frozenset(
    ("timeout", "protocol", "tls", "tls-handshake", "tls-refused", "tls-name", "compressed", "too-large")
)
_IN_TEST = {
    "rate-limited": "; with a longer `--timeout` this command waits by itself",
    "timeout": "; with a longer `--timeout` this command waits longer",
}
"""Added to the remedy if `omniprofile test` found the symptom."""


class InstanceError(Exception):
    """A response that cannot be used, or none. `symptom` is the one of `SYMPTOMS` with the name given.

    `str()` is the detail: what happened in a few words, without the request. `proxy` names the setting that configures the proxy
    used, None if there was none; `hint` replaces the symptom's remedy if this error knows a better one.
    """

    def __init__(self, symptom: str, detail: str = "", *, proxy: str | None = None, hint: str | None = None) -> None:
        super().__init__(detail)
        self.symptom = SYMPTOMS[symptom]
        self.proxy = proxy
        self.hint = hint

    @classmethod
    def no_answer(cls, host: str, seconds: float, proxy: str | None) -> "InstanceError":
        """Return the error for an instance that did not answer within its time limit."""
        return cls("timeout", f"{host} did not answer in {seconds:g} s", proxy=proxy)

    def words(self, host: str, profile: str = "", *, testing: bool = False) -> tuple[str, str]:
        """Return the reason and the remedy. Only symptoms that the live check alone can find mention the profile."""
        name = self.symptom.name
        case = {"host": host, "profile": profile, "detail": str(self), "proxy": self.proxy or "the proxy variables"}
        remedy = self.symptom.remedy.format_map(case) + (_IN_TEST.get(name, "") if testing else "")
        if self.proxy is not None and name in _MAYBE_THE_PROXY:
            remedy += f"; check the proxy, which {self.proxy} names"
        return self.symptom.reason.format_map(case), self.hint or remedy

    def as_error(self, what: str, origin: Origin) -> Error:
        """Return the error to show to the user; `what` says what could not be done."""
        kind = CredentialRefused if self.symptom.status is Status.INVALID else Unreachable
        reason, remedy = self.words(origin.host)
        return kind(f"{what}: {reason}", hint=remedy)
