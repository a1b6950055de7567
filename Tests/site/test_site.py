"""The site of `make site` in headless Chromium: from disk and under a path of a server, wide and narrow, light and dark."""

import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

SITE = Path(__file__).resolve().parents[2] / "generated" / "site"
PAGES = [
    "index.html", "guides/verification.html", "guides/loading.html", "guides/families.html", "commands/verify.html",
    "swift/index.html", "swift/Networks/Network.html", "examples/reports.html", "files/Examples/Consumer.html",
]


@pytest.fixture(scope="session")
def browser():
    executable = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of the site under a path of a server."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "some").mkdir()
    (folder / "some" / "path").symlink_to(SITE)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/path"
        server.shutdown()


@pytest.fixture
def open_page(browser):
    """Opens a page; the test fails if it complains, or asks for anything from elsewhere."""
    contexts, complaints = [], []

    def open_page(path, base=SITE.as_uri(), width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith((base, "data:")) or complaints.append(request.url))
        page.on("response", lambda response: response.status < 400 or complaints.append(response.url))
        page.goto(f"{base}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1440])
def test_no_page_is_wider_than_the_screen(open_page, width):
    for path in PAGES:
        page = open_page(path, width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(open_page, server, scheme):
    papers = set()
    for path in PAGES[:1] + PAGES[4:8]:
        # From a server, as what checks the page fetches its style.
        page = open_page(path, base=server, color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert papers == {"rgb(255, 255, 255)" if scheme == "light" else "rgb(14, 17, 22)"}


@pytest.mark.parametrize("place", ["disk", "server"])
@pytest.mark.parametrize(
    "words, title, target",
    [
        ("--against", "rnw verify --against", "commands/verify.html#--against"),
        ("encoding planes", "The encoding planes", "guides/rnw-format.html#"),
        ("checkCertificate", "Network.checkCertificate()", "swift/Networks/Network.html#checkCertificate()"),
    ],
)
def test_the_search_goes_where_its_words_are(open_page, server, place, words, title, target):
    base = SITE.as_uri() if place == "disk" else server
    page = open_page("guides/loading.html", base=base)
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.locator("#found a", has_text=title).first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.startswith(f"{base}/{target}"))
    anchor = page.evaluate("decodeURIComponent(location.hash.slice(1))")
    assert page.evaluate("(name) => document.getElementById(name) !== null", anchor)


def test_the_search_says_that_it_finds_nothing_and_closes(open_page):
    page = open_page("index.html")
    page.fill(".search input", "zebra crossing")
    page.locator("#found li").wait_for()
    assert page.locator("#found").inner_text() == "Nothing has all of these words."
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()


def test_on_a_narrow_screen_the_pages_are_behind_a_button(open_page):
    page = open_page("guides/loading.html", width=390)
    link = page.get_by_role("link", name="Verification", exact=True)
    assert link.is_hidden()
    page.get_by_role("button", name="Pages").click()
    link.click()
    assert page.locator("h1").inner_text() == "Verification"


def test_without_scripts_pages_and_links_are_there(open_page):
    page = open_page("swift/Networks/Network.html", width=390, java_script_enabled=False)
    assert page.locator("nav").is_visible() and page.locator(".search").is_hidden()
    assert page.locator("h1").inner_text() == "Network"
    page.locator("nav a", has_text="All modules").click()
    assert page.locator("h1").inner_text() == "Swift modules"
