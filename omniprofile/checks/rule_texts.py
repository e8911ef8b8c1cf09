"""The lint rules in words, from `rule_texts.toml`: title and reason of each, with a bad and a good example."""

import os
import textwrap
from dataclasses import dataclass
from functools import cache

from omniprofile.config.toml.parse import data_of
from omniprofile.model.rule_codes import Code


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule. `bad` and `good` are TOML, or empty if the rule is not about the file's text."""

    code: Code
    title: str
    why: str
    bad: str = ""
    good: str = ""

    @property
    def text(self) -> str:
        """Return the whole explanation, as `lint --explain CODE` prints it."""
        text = f"{self.code} ({self.code.level}): {self.title}\n\n{textwrap.fill(self.why, 78)}\n\n"
        for word, example in (("Bad", self.bad), ("Good", self.good)) if self.bad else ():
            text += f"{word}:\n\n{textwrap.indent(example, '    ')}\n"
        silence = f"Silence it with `# omniprofile: ignore[{self.code}]`."
        return text + (silence if self.code.can_be_silenced else "A comment cannot silence it.") + "\n"

    def as_json(self) -> dict[str, object]:
        """Return the rule as JSON data."""
        return {
            "code": self.code.value,
            "level": self.code.level.value,
            "title": self.title,
            "explanation": self.why,
            "bad": self.bad or None,
            "good": self.good or None,
            "can_be_silenced": self.code.can_be_silenced,
        }


@cache
def rules() -> dict[str, RuleText]:
    """Return every rule by its code, in the order of the codes."""
    with open(os.path.join(os.path.dirname(__file__), "rule_texts.toml"), encoding="utf-8") as file:
        tables = data_of(file.read())
    return {
        code: RuleText(Code(code), **table | {"why": " ".join(table["why"].split())}) for code, table in tables.items()
    }
