"""Scripts/check-links finds what is wrong with a site, and nothing in one that is right."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RIGHT = {
    "index.html": '<h1 id="top">One</h1><a href="a/two.html#here">2</a><a href="#top">up</a><a href="https://example.org/x">out</a>',
    "a/two.html": '<p id="here">Two</p><p id="f(_:)">f</p><a href="../index.html">1</a><a href="two.html#f%28_:%29">f</a>',
    "search-index.js": 'window.searchIndex = [["a/two.html#here","Two","Here",""],["index.html","One","One",""]];',
}


def checked(folder, pages):
    for name, text in pages.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    command = [sys.executable, ROOT / "Scripts" / "check-links", folder]
    return subprocess.run(command, capture_output=True, text=True)


def test_links_that_go_somewhere_pass(tmp_path):
    result = checked(tmp_path, RIGHT)
    assert result.returncode == 0 and result.stdout == "5 links on 2 pages go where something is\n", result.stderr


@pytest.mark.parametrize(
    "page, text, fault",
    [
        ("index.html", '<a href="three.html">3</a>', "index.html: three.html: there is no such file"),
        ("index.html", '<a href="a">folder</a>', "there is no such file"),
        ("index.html", '<a href="a/two.html#there">2</a>', "a/two.html#there: there is no such anchor"),
        ("a/two.html", '<p id="here"></p><a href="#up">1</a>', "a/two.html: #up: there is no such anchor"),
        ("index.html", '<a href="/a/two.html">2</a>', "is not relative"),
        ("index.html", '<a href="file:///a/two.html">2</a>', "is not relative"),
        ("index.html", '<a href="javascript:go()">2</a>', "is not relative"),
        ("index.html", '<a href="../other/x.html">2</a>', "leaves the site"),
        ("index.html", '<img src="https://example.org/x.png">', "is loaded from elsewhere"),
        ("index.html", '<script src="//example.org/x.js"></script>', "is not relative"),
        ("index.html", '<p id="a"></p><p id="a"></p>', "a is an identifier twice"),
        ("index.html", f"<p>made in {ROOT}</p>", f"names {ROOT}"),
        ("search-index.js", 'window.searchIndex = [["a/two.html#gone","Two","Gone",""]];', "there is no such anchor"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, page, text, fault):
    result = checked(tmp_path, RIGHT | {page: text})
    assert result.returncode == 1 and fault in result.stderr, result.stdout + result.stderr
