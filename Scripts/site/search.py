"""The index of all sections, as a script: pages from disk may load a script, and nothing else."""

import json
import re

from page import Page


def index(pages: list[Page]) -> str:
    entries = []
    for page in pages:
        for section in page.sections:
            link = page.path + (f"#{section.anchor}" if section.anchor and section.level > 1 else "")
            title = page.title if section.level == 1 or not section.anchor else section.title
            entries.append([link, page.title, title, re.sub(r"\s+", " ", section.text).strip()])
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    return f"window.searchIndex = {text};\n"
