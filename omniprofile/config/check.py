"""Whether a document is good. Most are, and are told by their shape; the models, slow to import, judge what is not plain."""

from omniprofile.config.fit import fits
from omniprofile.config.shape import PIN, PROFILES
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import Finding
from omniprofile.model.provenance import Layer, Provenance, Sourced


def check(document: Document) -> list[Finding]:
    """What is wrong with a document that parses; empty for a good one."""
    if fits(document.data, PROFILES):
        return []
    from omniprofile.config.judge import judge
    from omniprofile.config.schema import ProfilesFile

    return judge(document, ProfilesFile)


def pin_of(document: Document) -> tuple[Sourced[str] | None, list[Finding]]:
    """The profile that a project pin names, or what is wrong with the pin."""
    findings = document.findings or _check_pin(document)
    if findings or document.data is None:
        return None, findings
    line = document.line(("profile",))
    return Sourced(str(document.data["profile"]), Provenance(Layer.PROJECT, "profile", document.file, line)), []


def _check_pin(document: Document) -> list[Finding]:
    if fits(document.data, PIN):
        return []
    from omniprofile.config.judge import judge
    from omniprofile.config.schema import Pin

    return judge(document, Pin)
