"""The pages of the repository: README.md as the first page, the pages that it lists as guides, and files they link to."""

import html
import pathlib
import posixpath
import re
import shutil
import subprocess

import markdown
from page import Page, Section, relative
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

#: What is copied as it is; the rest of what is linked to becomes a page.
ASSETS = (".svg", ".png", ".html")


class Library:
    """The pages, and what they have asked for while they were made."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        listed = subprocess.run(["git", "-C", root, "ls-files"], check=True, capture_output=True, text=True).stdout
        self.tracked = set(listed.splitlines())
        self.wanted: list[str] = ["LICENSE"]
        self.assets: set[str] = set()
        text = (root / "README.md").read_text(encoding="utf-8")
        self.readme, _, more = text.partition("\n## More\n")
        self.listed = re.findall(r"^- \[([^\]]*)\]\(([^)]*\.md)\)(?:, [^:]*)?: (.*(?:\n  .*)*)", more, re.MULTILINE)
        others = re.findall(r"\[([^\]]*)\]\(([^)]*\.md)\)", more)
        self.places = {"README.md": "index.html"} | {path: place(path) for _, path in others}
        lost = {name for name in self.tracked if re.fullmatch(r"docs/[^/]*\.md", name)} - set(self.places)
        if lost:
            raise SystemExit(f"README.md lists the pages under More, but not {', '.join(sorted(lost))}")

    def pages(self) -> list[Page]:
        return [self.guide(path) for path in self.places if path != "README.md"]

    def guide(self, path: str) -> Page:
        text = (self.root / path).read_text(encoding="utf-8")
        body, sections = self.rendered(text, path)
        return Page(self.places[path], sections[0].title, body, sections)

    def landing(self) -> Page:
        """README.md, whose title and first paragraphs are the head of the page and whose list of pages are cards."""
        badges, head = re.match(r"# rnw\n+((?:!\[[^\n]*\n)*)\n*(.*?)\n## ", self.readme, re.DOTALL).groups()
        lead, _ = self.rendered(f"{head}\n\n{badges}", "README.md")
        body, sections = self.rendered("## " + self.readme.split("\n## ", 1)[1], "README.md")
        cards = "".join(
            f'<li><a href="{self.places[path]}">{html.escape(self.guide_title(path))}</a>'
            f"<p>{markdown.inline(' '.join(told.split()))}</p></li>"
            for _, path, told in self.listed
        )
        page = f"""<div class="hero"><h1>rnw</h1>{lead}</div>
{body}
<h2 id="more">More</h2>
<ul class="cards">{cards}</ul>"""
        return Page("index.html", "rnw", page, [Section("", "rnw", re.sub(r"\s+", " ", head)), *sections], False, "landing")

    def guide_title(self, path: str) -> str:
        return re.search(r"^# (.*)", (self.root / path).read_text(encoding="utf-8"), re.MULTILINE)[1]

    def files(self) -> list[Page]:
        """A page for each file and folder of the repository that a page links to."""
        pages = []
        for path in self.wanted:  # which folders make longer
            pages.append(self.folder(path) if path not in self.tracked else self.file(path))
        return pages

    def file(self, path: str) -> Page:
        text = (self.root / path).read_text(encoding="utf-8")
        try:
            lexer = get_lexer_for_filename(path)
        except ClassNotFound:
            lexer = TextLexer()
        code = highlight(text, lexer, HtmlFormatter(nowrap=True))
        body = f'<h1><code>{html.escape(path)}</code></h1>\n<pre tabindex="0"><code>{code}</code></pre>'
        return Page(file_place(path), path, body, [Section("", path, "")], False, "file")

    def folder(self, path: str) -> Page:
        inside = sorted(name for name in self.tracked if name.startswith(path + "/"))
        if not inside:
            raise SystemExit(f"a page links to {path}, which is not in the repository")
        items = "".join(
            f'<li><a href="{relative(file_place(path), self.target(name))}">{html.escape(name[len(path) + 1:])}</a></li>'
            for name in inside
        )
        body = f"<h1><code>{html.escape(path)}</code></h1>\n<ul>{items}</ul>"
        return Page(file_place(path), path, body, [Section("", path, "")], False, "file")

    def copy_assets(self, folder: pathlib.Path) -> None:
        for path in sorted(self.assets):
            target = folder / asset_place(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.root / path, target)

    def rendered(self, text: str, source: str) -> tuple[str, list[Section]]:
        def place(target: str) -> str:
            return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))

        def link(target: str) -> str:
            if re.match(r"[a-z]+:", target) or target.startswith("#"):
                return target
            path, mark, anchor = target.partition("#")
            return relative(self.places[source], self.target(place(path))) + mark + anchor

        def title(target: str) -> str:
            path = place(target)
            return self.guide_title(path) if path in self.places and path != "README.md" else ""

        return markdown.rendered(text, link, title)

    def target(self, path: str) -> str:
        """Where a file of the repository is in the site; it is put there if it is not yet."""
        if path in self.places:
            return self.places[path]
        if path.endswith(ASSETS):
            self.assets.add(path)
            return asset_place(path)
        if path not in self.wanted:
            self.wanted.append(path)
        return file_place(path)


def place(path: str) -> str:
    """`docs/loading.md` is guides/loading.html, `Bindings/js/README.md` guides/js.html, CHANGELOG.md guides/changelog.html."""
    folder, name = posixpath.split(path)
    stem = posixpath.basename(folder) if name == "README.md" else name.removesuffix(".md").lower()
    return f"guides/{stem}.html"


def file_place(path: str) -> str:
    return f"files/{path}.html"


def asset_place(path: str) -> str:
    return path.removeprefix("docs/")
