"""The public modules, from the archives that docc makes: a page for each module and for each type with its members.

docc's own pages fetch their data by scripts, which no browser does from disk; so the same data is written as plain pages.
"""

import html
import json
import pathlib
from urllib.parse import quote

from markdown import code
from page import Page, Section, relative

TYPES = ("struct", "enum", "class", "protocol")


def pages(archives: pathlib.Path) -> list[Page]:
    documents = [json.loads(path.read_text()) for path in sorted(archives.glob("*.doccarchive/data/documentation/**/*.json"))]
    reference = Reference(documents)
    modules = [one for one in documents if one["metadata"].get("symbolKind") == "module"]
    types = [one for one in documents if one["metadata"].get("symbolKind") in TYPES]
    return [reference.overview(modules), *map(reference.module, modules), *map(reference.type, types)]


class Reference:
    """All symbols by their identifiers, and where each is in the site."""

    def __init__(self, documents: list[dict]):
        self.documents = {one["identifier"]["url"]: one for one in documents}
        self.places = {url: self.place(url) for url, one in self.documents.items() if is_own(one)}
        self.precise = {
            self.documents[url]["metadata"]["externalID"]: place for url, place in self.places.items()
        }

    def place(self, url: str) -> str:
        """The page of a type or module; for what belongs to one, its anchor there."""
        metadata = self.documents[url]["metadata"]
        module = metadata["modules"][0]["name"]
        if metadata["symbolKind"] == "module":
            return f"swift/{module}/index.html"
        if metadata["symbolKind"] in TYPES:
            return f"swift/{module}/{metadata['title']}.html"
        owner, anchor = url.rsplit("/", 1)
        page = self.place(owner) if owner in self.documents else f"swift/{module}/index.html"
        return f"{page}#{quote(anchor, safe='()_:,.-')}"

    def overview(self, modules: list[dict]) -> Page:
        path = "swift/index.html"
        parts = ["<h1>Swift modules</h1>", '<p class="lead">What other packages import, made by DocC from the sources.</p>']
        for one in modules:
            name = one["metadata"]["title"]
            kinds = [link for group in one.get("topicSections", []) for link in group["identifiers"] if link in self.documents]
            names = ", ".join(self.link(path, url) for url in kinds)
            parts.append(f'<h2><a href="{name}/index.html">{name}</a></h2>\n<p>{names}</p>')
        return Page(path, "All modules", "\n".join(parts), [Section("", "Swift modules", "", 1)], kind="reference")

    def module(self, document: dict) -> Page:
        name = document["metadata"]["title"]
        path = self.places[document["identifier"]["url"]]
        parts = [self.trail(path, document), f"<h1>Module {name}</h1>", code(f"import {name}\n", "swift")]
        members, sections = self.members(path, document)
        return Page(path, name, "\n".join([*parts, *members]), [Section("", f"Module {name}", "", 1), *sections], kind="reference")

    def type(self, document: dict) -> Page:
        title = document["metadata"]["title"]
        path = self.places[document["identifier"]["url"]]
        parts = [self.trail(path, document), f"<h1><code>{html.escape(title)}</code></h1>", self.declaration(path, document)]
        parts.append(f'<p class="lead">{self.inline(path, document.get("abstract", []), document)}</p>')
        parts += self.content(path, document, level=2)
        parts += self.conformances(document)
        members, sections = self.members(path, document)
        told = text(document.get("abstract", [])) + " " + text(document.get("primaryContentSections", []), {"content"})
        module = f"swift/{document['metadata']['modules'][0]['name']}/index.html"
        first = Section("", title, told, 1)
        return Page(path, title, "\n".join([*parts, *members]), [first, *sections], False, "reference", module)

    def trail(self, path: str, document: dict) -> str:
        """Where a page is: all modules, the module, the types around."""
        owners = document["hierarchy"]["paths"][0]
        links = [f'<a href="{relative(path, "swift/index.html")}">Swift</a>']
        links += [self.link(path, url) for url in owners if url in self.places]
        return f'<p class="trail">{" › ".join(links)}</p>'

    def members(self, path: str, document: dict) -> tuple[list[str], list[Section]]:
        parts, sections = [], []
        for group in document.get("topicSections", []):
            # Implementations that come from the standard library are no news.
            urls = [url for url in group["identifiers"] if url in self.places]
            if not urls:
                continue
            anchor = "group-" + group["title"].lower().replace(" ", "-")
            parts.append(f'<h2 id="{anchor}">{group["title"]}</h2>')
            sections.append(Section(anchor, group["title"], ""))
            types = [url for url in urls if self.documents[url]["metadata"]["symbolKind"] in TYPES]
            if types:
                items = "".join(
                    f"<dt>{self.link(path, url)}</dt><dd>{self.inline(path, self.documents[url].get('abstract', []), document)}</dd>"
                    for url in types
                )
                parts.append(f'<dl class="options">{items}</dl>')
            for url in urls:
                if url not in types:
                    parts.append(self.member(path, self.documents[url]))
                    sections.append(self.found(url, document))
        return parts, sections

    def member(self, path: str, document: dict) -> str:
        anchor = document["identifier"]["url"].rsplit("/", 1)[1]
        lines = [f'<section class="member" id="{html.escape(anchor)}">', self.declaration(path, document)]
        lines.append(f"<p>{self.inline(path, document.get('abstract', []), document)}</p>")
        return "\n".join([*lines, *self.content(path, document, level=0), "</section>"])

    def found(self, url: str, owner: dict) -> Section:
        document = self.documents[url]
        title = document["metadata"]["title"]
        if owner["metadata"]["symbolKind"] != "module":
            title = f"{owner['metadata']['title']}.{title.removeprefix(owner['metadata']['title'] + '.')}"
        told = text(document.get("abstract", [])) + " " + text(document.get("primaryContentSections", []), {"content"})
        return Section(quote(url.rsplit("/", 1)[1], safe="()_:,.-"), title, told, 4)

    def declaration(self, path: str, document: dict) -> str:
        tokens = []
        for section in document.get("primaryContentSections", []):
            if section["kind"] == "declarations":
                tokens = section["declarations"][0]["tokens"]
        shown = "".join(self.token(path, one) for one in tokens)
        return f'<pre class="declaration" tabindex="0"><code>{shown}</code></pre>'

    def token(self, path: str, token: dict) -> str:
        shown = html.escape(token["text"], quote=False)
        place = self.precise.get(token.get("preciseIdentifier", ""))
        if token["kind"] == "typeIdentifier" and place:
            return f'<a href="{relative(path, place)}">{shown}</a>'
        style = {"keyword": "k", "attribute": "k", "identifier": "nf", "typeIdentifier": "nc", "string": "s", "number": "mi"}
        name = style.get(token["kind"])
        return f'<span class="{name}">{shown}</span>' if name else shown

    def content(self, path: str, document: dict, level: int) -> list[str]:
        parts = []
        for section in document.get("primaryContentSections", []):
            if section["kind"] == "parameters":
                items = "".join(
                    f"<dt><code>{html.escape(one['name'])}</code></dt><dd>{self.blocks(path, one['content'], document)}</dd>"
                    for one in section["parameters"]
                )
                parts.append(f'<dl class="parameters">{items}</dl>')
            elif section["kind"] == "content":
                parts.append(self.blocks(path, section["content"], document))
        return parts

    def blocks(self, path: str, content: list[dict], document: dict) -> str:
        parts = []
        for one in content:
            kind = one["type"]
            if kind == "paragraph":
                parts.append(f"<p>{self.inline(path, one['inlineContent'], document)}</p>")
            elif kind == "heading":
                # What docc puts over everything says nothing.
                if one["text"] not in ("Overview", "Discussion"):
                    parts.append(f'<p class="label">{html.escape(one["text"])}</p>')
            elif kind == "codeListing":
                parts.append(code("\n".join(one["code"]) + "\n", one.get("syntax") or ""))
            elif kind == "aside":
                inside = self.blocks(path, one["content"], document)
                parts.append(f'<div class="aside"><p class="label">{html.escape(one.get("name", "Note"))}</p>{inside}</div>')
            elif kind in ("unorderedList", "orderedList"):
                tag = "ul" if kind == "unorderedList" else "ol"
                items = "".join(f"<li>{self.blocks(path, item['content'], document)}</li>" for item in one["items"])
                parts.append(f"<{tag}>{items}</{tag}>")
            else:
                raise SystemExit(f"{path}: docc has a {kind}, which is not known here")
        return "\n".join(parts)

    def inline(self, path: str, content: list[dict], document: dict) -> str:
        return "".join(self.span(path, one, document) for one in content)

    def span(self, path: str, one: dict, document: dict) -> str:
        kind = one["type"]
        if kind == "text":
            return html.escape(one["text"], quote=False)
        if kind == "codeVoice":
            return f"<code>{html.escape(one['code'], quote=False)}</code>"
        if kind in ("emphasis", "strong"):
            tag = "em" if kind == "emphasis" else "strong"
            return f"<{tag}>{self.inline(path, one['inlineContent'], document)}</{tag}>"
        if kind == "reference":
            url = one["identifier"]
            return self.link(path, url) if url in self.places else html.escape(document["references"][url]["title"])
        raise SystemExit(f"{path}: docc has a {kind}, which is not known here")

    def conformances(self, document: dict) -> list[str]:
        names = [
            document["references"][url]["title"].removeprefix("Swift.")
            for section in document.get("relationshipsSections", [])
            if section["type"] == "conformsTo"
            for url in section["identifiers"]
        ]
        shown = sorted(name for name in names if name != "SendableMetatype")
        return [f'<p class="soft">Conforms to {", ".join(shown)}</p>'] if shown else []

    def link(self, path: str, url: str) -> str:
        title = html.escape(self.documents[url]["metadata"]["title"], quote=False)
        return f'<a href="{relative(path, self.places[url])}"><code>{title}</code></a>'


def is_own(document: dict) -> bool:
    """Whether a symbol is the module's own, and not one that a protocol of the standard library brings."""
    told = document.get("abstract") or [{}]
    return "symbolKind" in document["metadata"] and not told[0].get("text", "").startswith("Inherited from")


def text(content: object, kinds: set[str] | None = None) -> str:
    """All text within a part of docc's data, for the search."""
    if isinstance(content, list):
        return " ".join(filter(None, (text(one, kinds) for one in content)))
    if isinstance(content, dict):
        if kinds and content.get("kind") not in (*kinds, None):
            return ""
        own = content.get("text") or content.get("code") or ""
        if content.get("type") == "heading" or isinstance(own, list):
            own = ""
        return " ".join(filter(None, [own, *(text(content[key]) for key in ("content", "inlineContent", "items") if key in content)]))
    return ""
