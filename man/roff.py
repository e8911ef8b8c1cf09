"""Plain words and a little Markdown to the man(7) language, in a form that mandoc and groff both take without a warning.

Not a Markdown implementation: headings, paragraphs, lists, tables and fenced blocks, as the project's own texts use them.
"""

import re
from collections.abc import Iterable, Iterator

_WIDTH = 78


def escape(text: str) -> str:
    """`text` with nothing in it that roff would take for its own."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    return "".join(char if ord(char) < 128 else f"\\[u{ord(char):04X}]" for char in text)


def inline(text: str) -> str:
    """One line of prose: `typed` becomes bold, *meant* italic, [a link](…) its text."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    marked = [f"\\fB{escape(part.strip('`*'))}\\fR" if part[:1] in ("`", "*") else escape(part) for part in parts]
    return "".join(marked)


def filled(text: str) -> list[str]:
    """Prose as input lines of a decent length, none of which roff takes for a request."""
    lines = [""]
    for word in inline(text).split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [guarded(line) for line in lines]


def guarded(line: str) -> str:
    """A line that roff cannot take for a request."""
    return f"\\&{line}" if line[:1] in (".", "'") else line


def paragraphs(text: str) -> list[str]:
    """Paragraphs, separated by empty lines in `text`."""
    lines: list[str] = []
    for number, paragraph in enumerate(text.split("\n\n")):
        lines += [*([".PP"] if number else []), *filled(paragraph)]
    return lines


def tagged(tag: str, text: str) -> list[str]:
    """An indented paragraph under a tag; the tag is what is typed."""
    return [".TP", inline(f"`{tag}`"), *filled(text)]


def compact(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Short rows under each other, with no space between them."""
    lines = [line for tag, text in rows for line in tagged(tag, text)]
    return [".PD 0", *(".TP 12" if line == ".TP" else line for line in lines), ".PD"]


def literal(text: str) -> list[str]:
    """Lines that are shown as they are, in an indented block."""
    return [
        ".PP",
        ".RS 4",
        ".nf",
        *(guarded(escape(line)) if line else "\\&" for line in text.splitlines()),
        ".fi",
        ".RE",
    ]


def from_markdown(text: str) -> list[str]:
    """The body of a page: `##` makes sections, `###` subsections, and the title is the page's own."""
    lines: list[str] = [".SH DESCRIPTION"]
    blocks = list(_blocks(text))
    for number, block in enumerate(blocks):
        after_heading = number <= 1 or blocks[number - 1].startswith("#")
        if block.startswith("# "):
            continue
        if block.startswith("## "):
            lines.append(f".SH {escape(block[3:].upper().replace('`', ''))}")
        elif block.startswith("### "):
            lines.append(f".SS {escape(block[4:].replace('`', ''))}")
        elif block.startswith("```"):
            lines += literal(block.split("\n", 1)[1].rsplit("\n", 1)[0])
        elif block.startswith("|"):
            lines += _rows(block)
        elif re.match(r"- |\d+\. ", block):
            for item in re.split(r"\n(?=- |\d+\. )", block):
                mark, _, rest = item.partition(" ")
                lines += [".IP " + ("\\(bu" if mark == "-" else mark) + " 4", *filled(rest)]
        else:
            lines += [*([] if after_heading else [".PP"]), *filled(block)]
    return lines


def _blocks(text: str) -> Iterator[str]:
    """Blocks between empty lines; a fenced block is one, whatever it holds."""
    for number, part in enumerate(re.split(r"^(```.*?^```)$", text, flags=re.DOTALL | re.MULTILINE)):
        if number % 2:
            yield part
        else:
            yield from (block.strip() for block in re.split(r"\n\s*\n", part) if block.strip())


def _rows(block: str) -> list[str]:
    """A table as tagged paragraphs: the first cell is the tag, the others follow."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("| "))] for line in block.splitlines()]
    lines: list[str] = []
    for first, *others in rows[2:]:
        text = ". ".join(other[:1].upper() + other[1:] for other in others if other)
        lines += [".TP", inline(first), *filled(text if text.endswith("`") else f"{text}.")]
    return lines


def tidied(lines: Iterable[str]) -> Iterator[str]:
    """A page without empty lines and without paragraph breaks that break nothing."""
    previous = ""
    for line in lines:
        kept = line.rstrip()
        if not kept or (kept == ".PP" and previous.startswith((".SH", ".SS", ".PP"))):
            continue
        yield kept
        previous = kept
