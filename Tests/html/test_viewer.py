"""docs/viewer.html and the reader in JavaScript in a real browser: what is shown, what is refused, and that nothing is asked."""

import http.server
import json
import math
import re
import struct
import subprocess
import sys
import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import HOSTILE, ROOT

PAGE = ROOT / "docs/viewer.html"
GOLDEN = ROOT / "Fixtures/rnw"
sys.path.insert(0, str(GOLDEN))
import make_cases  # noqa: E402


@pytest.fixture
def viewer(browser):
    """Opens the page; the test fails if it complains or asks for anything but itself."""
    contexts, complaints = [], []

    def open_viewer(path=None, width=1280, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: re.match("file:|data:", request.url) or complaints.append(request.url))
        page.goto(PAGE.as_uri())
        if path is not None:
            page.set_input_files("#file", path)
            page.wait_for_selector(".badge.good, .badge.bad, #alert:not([hidden])")
        return page

    open_viewer.complaints = complaints
    yield open_viewer
    for context in contexts:
        context.close()
    assert complaints == []


def test_is_what_the_reader_makes():
    subprocess.run([sys.executable, ROOT / "Scripts/build-viewer", "--check"], check=True)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.rnw")), ids=lambda path: path.name)
def test_shows_every_golden_file(viewer, path):
    page = viewer(path)
    names = json.loads((GOLDEN / "checksums.json").read_text())[path.name]
    assert page.inner_text("#state") == f"All checksums of {len(names)} tensors are right"
    assert page.locator("#tensors tr").count() == page.locator("#tensors svg").count() == len(names)
    assert page.inner_text("#title") == page.title() == path.name
    assert "compared, none off by more than" in page.inner_text("#certificate")
    assert page.locator(".network li").count() >= 1 and page.locator("#alert").is_hidden()


def test_figures_are_those_of_the_values(viewer, tmp_path):
    parts = make_cases.Parts("narrow.float32.none.rnw")
    values = [-3.0, 1.0, 1.0, 5.0, math.nan, math.inf]
    make_cases.add_tensor(parts, "stem.added", shape=[6], content=struct.pack("<6f", *values))
    path = tmp_path / "added.rnw"
    path.write_bytes(parts.bytes())
    row = viewer(path).locator("#tensors tr", has_text="stem.added")
    assert row.locator(".number").all_inner_texts() == ["-3.000", "1.000", "5.000", "2.828"]
    assert row.locator("svg rect").count() == 3 and row.locator("svg").get_attribute("aria-label") == "Histogram from -3.000 to 5.000"
    assert "2 not finite" in row.inner_text()


def test_a_filter_leaves_some(viewer):
    page = viewer(GOLDEN / "narrow.int8.planes.rnw")
    page.fill("#filter", "CONV1.weight")
    shown = page.locator("#tensors tr:visible th").all_inner_texts()
    assert shown and all("conv1.weight" in text for text in shown)


def test_a_broken_file_is_said_in_one_line(viewer, tmp_path):
    page = viewer(GOLDEN / "narrow.int8.planes.rnw")
    broken = tmp_path / "cut.rnw"
    broken.write_bytes((GOLDEN / "narrow.int8.planes.rnw").read_bytes()[:-1])
    page.set_input_files("#file", broken)
    page.wait_for_selector("#alert:not([hidden])")
    assert page.inner_text("#alert").startswith("cut.rnw: ") and "\n" not in page.inner_text("#alert")
    assert page.locator("#parts").is_hidden()
    page.set_input_files("#file", GOLDEN / "narrow.int8.planes.rnw")
    page.wait_for_selector(".badge.good")
    assert page.locator("#alert").is_hidden()


def test_a_damaged_tensor_is_marked(viewer, tmp_path):
    content = bytearray((GOLDEN / "narrow.float32.none.rnw").read_bytes())
    content[-1] ^= 1
    damaged = tmp_path / "damaged.rnw"
    damaged.write_bytes(content)
    page = viewer(damaged)
    assert page.inner_text("#state") == "1 of 92 tensors are damaged"
    assert page.locator("#tensors .damaged").count() == 1 and "crc32" in page.inner_text("#tensors .damaged .plot")


def test_what_a_file_says_is_never_markup(viewer, tmp_path):
    parts = make_cases.Parts("narrow.int8.planes.rnw")
    source = json.loads(parts.get("rnw.source"))
    source = source | {"file": HOSTILE, "family": HOSTILE, "used": {name: HOSTILE for name in source["used"]}}
    parts.set("rnw.source", json.dumps(source))
    path = tmp_path / f"{HOSTILE.replace('/', '∕')}.rnw"
    path.write_bytes(parts.bytes())
    page = viewer(path)
    assert page.inner_text("#source code >> nth=0") == HOSTILE
    assert page.locator("script").count() == 1 and page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_has_no_barriers(viewer, scheme, width):
    page = viewer(GOLDEN / "narrow.int8.planes.rnw", width, color_scheme=scheme)
    level = sum(map(int, page.evaluate("getComputedStyle(document.body).backgroundColor").strip("rgb()").split(",")))
    assert level > 600 if scheme == "light" else level < 150
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def test_is_used_with_keys_alone(viewer):
    page = viewer()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    assert page.evaluate("document.activeElement.labels.length") == 1


def test_takes_a_dropped_file(viewer):
    page = viewer()
    content = list((GOLDEN / "narrow.int8.planes.rnw").read_bytes())
    transfer = page.evaluate_handle(
        """content => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(content)], "dropped.rnw"));
          return transfer;
        }""",
        content,
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    page.wait_for_selector(".badge.good")
    assert page.inner_text("#title") == "dropped.rnw"


def test_nothing_can_leave_the_page(viewer):
    page = viewer()
    assert page.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'refused')") == "refused"
    assert any("Content Security Policy" in complaint for complaint in viewer.complaints)
    viewer.complaints.clear()


class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

    def __init__(self, *rest):
        super().__init__(*rest, directory=ROOT)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    """The project over HTTP, so that modules can be imported."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture
def importing(browser, server):
    page = browser.new_page()
    page.goto(f"{server}/docs/schemas/check.json")
    yield page
    page.close()


def test_the_module_answers_every_case(importing):
    wrong = importing.evaluate(
        """async () => {
          const { load, RNWError } = await import("/Bindings/js/src/rnw.js");
          const files = {}, wrong = [];
          for (const { name, answer, file, bytes } of await (await fetch("/Fixtures/rnw/cases.json")).json()) {
            const golden = files[file] ??= new Uint8Array(await (await fetch(`/Fixtures/rnw/${file}`)).arrayBuffer());
            const pieces = bytes.map((piece) => typeof piece === "string"
              ? Uint8Array.from(atob(piece), (character) => character.charCodeAt(0)) : golden.slice(piece[0], piece[0] + piece[1]));
            const opens = await load(new Blob(pieces)).then(() => true, (error) => error instanceof RNWError ? false : `${error}`);
            if (opens !== (answer !== "refused")) wrong.push(`${name}: ${opens}`);
          }
          return wrong;
        }"""
    )
    assert wrong == []


def test_the_module_reads_golden_values_from_a_url(importing):
    for name, expected in json.loads((GOLDEN / "checksums.json").read_text()).items():
        found = importing.evaluate(
            """async (name) => {
              const { load } = await import("/Bindings/js/src/rnw.js");
              const { crc32 } = await import("/Bindings/js/src/header.js");
              const file = await load(new URL(`/Fixtures/rnw/${name}`, location));
              const sums = {};
              for (const key of file.tensors.keys()) sums[key] = crc32(new Uint8Array((await file.tensor(key)).data.buffer));
              return sums;
            }""",
            name,
        )
        assert found == expected


def test_the_module_refuses_bytes_after_a_stream(importing):
    answers = importing.evaluate(
        """async () => {
          const { decode } = await import("/Bindings/js/src/planes.js");
          const stream = new Blob([new Uint8Array(64).fill(1)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
          const coded = new Uint8Array(await new Response(stream).arrayBuffer());
          const answers = [];
          for (const part of [coded, Uint8Array.of(...coded, 0), Uint8Array.of(...coded, ...coded), coded.slice(0, -1)]) {
            const file = new Uint8Array(await new Blob([new Uint32Array([64, 1, part.length]), part]).arrayBuffer());
            answers.push(await decode(file, "w", "I8", 1, 64).then((values) => values.every((value) => value === 1), () => "refused"));
          }
          return answers;
        }"""
    )
    assert answers == [True, "refused", "refused", "refused"]
