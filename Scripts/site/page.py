"""A page of the site, and what is around it on all pages: navigation, search, contents."""

import html
import posixpath
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Section:
    """A part of a page that search finds: its anchor (empty for the page itself), its title and its text."""

    anchor: str
    title: str
    text: str
    level: int = 2


@dataclass(frozen=True)
class Page:
    """A page: where it is in the site, and what it says, as markup whose links are relative to it."""

    path: str
    title: str
    body: str
    sections: list[Section] = field(default_factory=list)
    is_listed: bool = True
    kind: str = "guide"
    #: The page whose place in the navigation stands for this one, if it is not listed itself.
    parent: str = ""


def relative(page: str, target: str) -> str:
    """The link from a page to another place of the site, both as paths from its root."""
    place, mark, anchor = target.partition("#")
    return posixpath.relpath(place, posixpath.dirname(page) or ".") + mark + anchor


@dataclass(frozen=True)
class Shell:
    """What surrounds every page."""

    groups: dict[str, list[Page]]

    def document(self, page: Page) -> str:
        root = posixpath.relpath(".", posixpath.dirname(page.path) or ".")
        title = "rnw" if page.kind == "landing" else f"{page.title} · rnw"
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/site.css">
<title>{html.escape(title)}</title>
</head>
<body class="{page.kind}" data-root="{root}">
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<a class="name" href="{root}/index.html">rnw</a>
<form class="search" role="search" hidden>
<input type="search" placeholder="Search" aria-label="Search" aria-controls="found" autocomplete="off" spellcheck="false">
<ul id="found" hidden></ul>
</form>
<button class="menu" type="button" aria-expanded="false" aria-controls="navigation" hidden>Pages</button>
</header>
<div class="columns">
{self.navigation(page)}
<main id="content">
{page.body}
</main>
{contents(page)}
</div>
<footer class="bottom"><p>rnw is free software under the <a href="{root}/files/LICENSE.html">Apache License 2.0</a>.
This site is made of files alone and asks nothing of the network.</p></footer>
<script src="{root}/search.js"></script>
</body>
</html>
"""

    def navigation(self, page: Page) -> str:
        lines = ['<nav id="navigation" aria-label="Pages">']
        for group, pages in self.groups.items():
            # The group that the page is of is open, and on the first page the guides are.
            is_open = any(one.path in (page.path, page.parent) for one in pages) or (page.kind == "landing" and group == "Guides")
            lines.append(f"<details{' open' if is_open else ''}><summary>{group}</summary><ul>")
            for one in pages:
                current = ' aria-current="page"' if one.path == page.path else ""
                lines.append(f'<li><a href="{relative(page.path, one.path)}"{current}>{html.escape(one.title)}</a></li>')
            lines.append("</ul></details>")
        return "\n".join([*lines, "</nav>"])


def contents(page: Page) -> str:
    """The headings of a page beside it, where it has several."""
    shown = [section for section in page.sections if section.anchor and 2 <= section.level <= 3]
    if len(shown) < 3 or page.kind == "landing":
        return ""
    items = "".join(
        f'<li class="level{one.level}"><a href="#{one.anchor}">{html.escape(one.title)}</a></li>' for one in shown
    )
    return f'<aside class="contents" aria-label="On this page"><p>On this page</p><ul>{items}</ul></aside>'
