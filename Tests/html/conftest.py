"""What the tests of reports share: the tool, a browser, and pages that the tool wrote."""

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Fixtures" / "keras"
RNW = Path(os.environ.get("RNW", ROOT / ".build" / "release" / "rnw"))
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;`"


def rnw(*arguments, status=0, cwd=None):
    """Runs the tool, expects an exit status, and returns what it printed."""
    result = subprocess.run(
        [RNW, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=120
    )
    assert result.returncode == status, f"{arguments}: {result.returncode}\n{result.stderr}"
    return result.stdout


def safetensors_header(path):
    """The header of a safetensors file, and the bytes behind it."""
    content = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def write_safetensors(path, header, data):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """A page for each case, by name."""
    folder = tmp_path_factory.mktemp("pages")
    narrow = FIXTURES / "narrow.h5"

    def page(name, status, *arguments):
        path = folder / f"{name}.html"
        rnw("verify", *arguments, "--report", path, status=status, cwd=folder)
        return path

    # The head may have any name; so may files. Both end up on the page.
    header, data = safetensors_header(FIXTURES / "narrow.safetensors")
    renamed = {name.replace("predictions", HOSTILE.replace("/", "∕")): entry for name, entry in header.items()}
    hostile = folder / (HOSTILE.replace("/", "∕") + ".safetensors")
    write_safetensors(hostile, renamed, data)

    full = folder / "resnet50_v2.safetensors"
    rnw("init", "resnet50_v2", "--family", "keras", "-o", full)
    swapped = folder / "swapped.safetensors"
    write_safetensors(swapped, *exchanged(full, "conv4_block3_1_bn/gamma", "conv4_block3_1_bn/beta"))
    result = {
        "fail": page("fail", 1, FIXTURES / "broken" / "swapped.h5", "--against", narrow, "--isolated"),
        "pass": page("pass", 0, narrow, "--against", FIXTURES / "narrow.weights.h5"),
        "nan": page("nan", 1, FIXTURES / "broken" / "nan.h5", "--against", narrow, "--isolated"),
        "archive": page("archive", 0, narrow, "--against", FIXTURES / "narrow.activations.npz"),
        "hostile": page("hostile", 0, hostile, "--against", narrow),
        "full": page("full", 1, swapped, "--against", full, "--isolated"),
    }
    full.unlink()
    swapped.unlink()
    return result


def exchanged(path, first, second):
    """A safetensors file with the bytes of two tensors in each other's place."""
    header, data = safetensors_header(path)
    header[first]["data_offsets"], header[second]["data_offsets"] = (
        header[second]["data_offsets"],
        header[first]["data_offsets"],
    )
    return header, data


@pytest.fixture(scope="session")
def browser():
    executable = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, pages):
    """Opens a page from disk; the test fails if the page complains or asks for anything."""
    contexts = []
    complaints = []

    def open_page(name, width=1280, height=900, fragment="", **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on(
            "request",
            lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url),
        )
        page.goto(pages[name].as_uri() + fragment)
        return page

    open_page.complaints = complaints
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
