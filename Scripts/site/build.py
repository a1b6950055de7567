"""build.py RNW ARCHIVES OUTPUT: writes the site of the documentation into OUTPUT.

Its pages come from what is there already: README.md and the pages of docs/, the program's own description of its commands,
the archives that docc makes of the public modules, and reports and drawings that the program writes of fixtures. All links
are relative, so that the site works from disk and under any path of a server.
"""

import pathlib
import shutil
import sys

import commands
import examples
import guides
import reference
import search
from page import Page, Shell

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(program: str, archives: str, output: str) -> None:
    folder = pathlib.Path(output)
    shutil.rmtree(folder, ignore_errors=True)
    library = guides.Library(ROOT)
    made = {
        "Guides": library.pages(),
        "Examples": examples.pages(program, ROOT, folder),
        "Commands": commands.pages(program, ROOT),
        "Swift": reference.pages(pathlib.Path(archives)),
    }
    shell = Shell({group: [page for page in pages if page.is_listed] for group, pages in made.items()})
    every = [library.landing(), *(page for pages in made.values() for page in pages)]
    # What pages link to in the repository is a page too, of which only they know.
    every += library.files()
    for page in every:
        write(folder / page.path, shell.document(page))
    library.copy_assets(folder)
    for asset in ("site.css", "search.js"):
        shutil.copyfile(pathlib.Path(__file__).parent / asset, folder / asset)
    write(folder / "search-index.js", search.index(every))
    print(f"{len(every)} pages in {output}")


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: build.py RNW ARCHIVES OUTPUT")
    main(*sys.argv[1:])
