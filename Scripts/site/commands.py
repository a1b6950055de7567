"""The commands and their options, from what the program says of itself: the text of --help and of the man pages."""

import html
import importlib.machinery
import importlib.util
import pathlib
import re

import markdown
from page import Page, Section


def pages(program: str, root: pathlib.Path) -> list[Page]:
    loader = importlib.machinery.SourceFileLoader("man_pages", str(root / "Scripts" / "man-pages"))
    manual = importlib.util.module_from_spec(importlib.util.spec_from_loader("man_pages", loader))
    loader.exec_module(manual)
    return [page(command, manual) for command in manual.subcommands(manual.described(program))]


def page(command: dict, manual) -> Page:
    name = f"rnw {command['commandName']}"
    arguments = [one for one in command["arguments"] if one.get("shouldDisplay", True)]
    sections = [Section("", name, command["abstract"] + " " + command.get("discussion", ""), 1)]
    parts = [f"<h1>{name}</h1>", f'<p class="lead">{markdown.inline(command["abstract"])}</p>']
    parts.append(f'<pre tabindex="0"><code>{html.escape(usage(name, arguments))}</code></pre>')
    parts += discussion(command.get("discussion", ""))
    for title, isWanted in [("Arguments", True), ("Options", False)]:
        chosen = [one for one in arguments if (one["kind"] == "positional") == isWanted]
        if chosen:
            parts.append(f'<h2 id="{title.lower()}">{title}</h2>\n<dl class="options">')
            for one in chosen:
                anchor, heading, told = option(one, manual)
                parts.append(f'<dt id="{anchor}">{heading}</dt>\n<dd>{markdown.inline(told)}</dd>')
                # Deeper than the contents beside the page show.
                sections.append(Section(anchor, f"{name} {re.sub('<[^>]*>', '', html.unescape(heading))}", told, 4))
            parts.append("</dl>")
    return Page(f"commands/{command['commandName']}.html", name, "\n".join(parts), sections, kind="reference")


def usage(name: str, arguments: list[dict]) -> str:
    values = [f"<{one['valueName']}>" for one in arguments if one["kind"] == "positional"]
    return " ".join([name, *values, "[options]"])


def discussion(text: str) -> list[str]:
    """Paragraphs, and indented lines below a heading of capitals as commands."""
    parts = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        if lines[0].isupper():
            title = lines[0].capitalize()
            shown = "\n".join(line.removeprefix("  ") for line in lines[1:])
            parts.append(f'<h2 id="{title.lower().replace(" ", "-")}">{title}</h2>\n{markdown.code(shown, "bash")}')
        elif all(line.startswith("  ") for line in lines):
            parts.append(f'<pre tabindex="0"><code>{html.escape(block)}</code></pre>')
        elif block:
            parts.append(f"<p>{markdown.inline(block)}</p>")
    return parts


def option(one: dict, manual) -> tuple[str, str, str]:
    """The anchor of an option, how it is written, and what is said of it."""
    value = f"<{one.get('valueName', '')}>"
    if one["kind"] == "positional":
        anchor, heading = one["valueName"], f"<code>{html.escape(value)}</code>"
    else:
        anchor = "-" * 2 + one["preferredName"]["name"]
        heading = ", ".join(f"<code>{manual.spelled(each)}</code>" for each in one["names"])
        heading += f" <code>{html.escape(value)}</code>" if one["kind"] == "option" else ""
    told = [one.get("abstract", ""), one.get("discussion", "")]
    if one.get("allValues") and "|" not in one.get("valueName", ""):
        told.append(f"One of {', '.join(one['allValues'])}.")
    if one.get("defaultValue"):
        told.append(f"Default: {one['defaultValue']}.")
    return anchor, heading, " ".join(text for text in told if text)
