"""Makes the picture of the page for the documentation: ResNet50V2 with two tensors of one norm exchanged."""

import shutil
import sys
import tempfile
from pathlib import Path

from conftest import exchanged, rnw, write_safetensors
from playwright.sync_api import sync_playwright


def main(target):
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        rnw("init", "resnet50_v2", "--family", "keras", "-o", "resnet50v2.safetensors", cwd=folder)
        source = Path(folder) / "resnet50v2.safetensors"
        swapped = exchanged(source, "conv4_block3_1_bn/gamma", "conv4_block3_1_bn/beta")
        write_safetensors(Path(folder) / "mine.safetensors", *swapped)
        rnw(
            "verify", "mine.safetensors", "--against", "resnet50v2.safetensors", "--isolated",
            "--report", "report.html", status=1, cwd=folder,
        )
        executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1240, "height": 1800})
        page.goto((Path(folder) / "report.html").as_uri())
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        chart = page.locator(".card", has=page.locator(".chart")).bounding_box()
        height = chart["y"] + chart["height"] + 8
        page.screenshot(path=target, clip={"x": 0, "y": 0, "width": 1240, "height": height})
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
