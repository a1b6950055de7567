"""Markdown as markup: anchors as the pages expect them, code in colours, links by a function of the caller."""

import html
import re
from typing import Callable

from markdown_it import MarkdownIt
from markdown_it.token import Token
from page import Section
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

#: What fences are called on the pages, and what it is highlighted as.
LANGUAGES = {"console": "console", "js": "javascript", "jsonc": "json"}


def rendered(text: str, link: Callable[[str], str], title: Callable[[str], str]) -> tuple[str, list[Section]]:
    """The markup of a page, and its sections.

    `link` turns each target into one of the site; `title` gives the title of the page that a target is, or nothing.
    """
    parser = MarkdownIt("commonmark", {"html": True, "highlight": code}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    taken: dict[str, int] = {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor(plain(tokens[at + 1]), taken))
        for place, child in enumerate(token.children or []):
            if child.type == "link_open":
                target = str(child.attrGet("href"))
                path = target.partition("#")[0]
                shown = token.children[place + 1]
                # In the repository a page is called as its file, here by its title.
                if shown.content and path.endswith(shown.content) and title(path):
                    shown.content = title(path)
                child.attrSet("href", link(target))
            elif child.type == "code_inline" and is_long(child.content):
                child.attrSet("class", "long")
            elif child.type == "image":
                child.attrSet("src", link(str(child.attrGet("src"))))
                child.attrSet("loading", "lazy")
    markup = parser.renderer.render(tokens, parser.options, {})
    # A wide table scrolls by itself, also by keyboard.
    markup = markup.replace("<table>", '<div class="table" tabindex="0"><table>').replace("</table>", "</table></div>")
    markup = re.sub(r"<t([hd]) style=\"text-align:(\w+)\"", r'<t\1 class="\2"', markup)
    # A heading without text is none.
    markup = re.sub(r"<th( class=\"\w+\")?></th>", "<td></td>", markup)
    markup = re.sub(r"<(h[2-4]) id=\"([^\"]*)\">(.*?)</\1>", heading, markup, flags=re.DOTALL)
    return markup, sections(tokens)


def heading(match: re.Match) -> str:
    level, place, title = match.groups()
    return f'<{level} id="{place}">{title}<a class="anchor" href="#{place}" aria-label="Link to this section">#</a></{level}>'


def code(text: str, language: str, _attributes: str = "") -> str:
    """A block of code in colours; commands and what they print where no language is told."""
    name = LANGUAGES.get(language, language)
    if not name and text.startswith("$ "):
        name = "console"
    try:
        lexer = get_lexer_by_name(name or "text", stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    return f'<pre tabindex="0"><code>{highlight(text, lexer, HtmlFormatter(nowrap=True))}</code></pre>'


def anchor(title: str, taken: dict[str, int]) -> str:
    """The anchor of a heading, by the rule of the places where Markdown of repositories is read."""
    name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    count = taken.get(name, 0)
    taken[name] = count + 1
    return f"{name}-{count}" if count else name


def plain(inline: Token) -> str:
    """The text of a paragraph or heading without its marks."""
    parts = []
    for child in inline.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return "".join(parts)


def sections(tokens: list[Token]) -> list[Section]:
    """The headings of a page, each with the text up to the next one."""
    found: list[Section] = []
    place, title, level, words = "", "", 1, []
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            found.append(Section(place, title, " ".join(words), level))
            level = int(token.tag[1:])
            place, title, words = str(token.attrGet("id")), plain(tokens[at + 1]), []
        elif token.type == "inline" and tokens[at - 1].type != "heading_open":
            words.append(plain(token))
        elif token.type in ("fence", "code_block"):
            words.append(token.content)
    found.append(Section(place, title, " ".join(words), level))
    return [section for section in found if section.title]


def inline(text: str) -> str:
    """A line that has code between accents, and options, as markup."""
    parts = []
    for at, part in enumerate(text.split("`")):
        shown = html.escape(part, quote=False)
        if at % 2:
            parts.append(f'<code{" class=long" if is_long(part) else ""}>{shown}</code>')
        else:
            parts.append(re.sub(r"(?<![\w-])--[a-z][a-z-]*[a-z]", r"<code>\g<0></code>", shown))
    return "".join(parts)


def is_long(code: str) -> bool:
    """Whether code within a line may be broken, as it fits on no line of a narrow screen."""
    return len(code) > 24
