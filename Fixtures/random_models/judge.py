"""Tries a build of rnw on random models: is what the written file computes what the framework computed?

    python judge.py RNW FOLDER [--rnw-limit 2e-5] [--list VERDICT …]

Needs numpy. For every file of every model that make_models.py made:
  right     status 0, and the written file's output on an input that the conversion never saw is the framework's
  told      status 0 and another output, but what differs is named in the line that begins with "assumed"
  refused   status 65 and one line
  WRONG     status 0 and another output without a word: must never be
  missed    anything else: a crash, another status, a FAIL that is not explained
The closing line counts them; the exit status is 1 where any is WRONG or missed.
"""

import argparse
import collections
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SUFFIXES = (".keras", ".h5", ".pth", ".safetensors")
# What each choice that weights do not tell is called in the line of assumptions.
WORDS = {
    "input": "input",
    "pool": "pool",
    "epsilon": "epsilon|ε",
    "strid": "strid",
    "activation": "activation",
    "stem": "stem|pad|border|strid",
    "shortcut": "shortcut",
    "after": "activation|after",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rnw")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=float, default=2e-5)
    parser.add_argument("--list", nargs="*", default=["WRONG", "missed"])
    arguments = parser.parse_args()
    counts: collections.Counter = collections.Counter()
    for story in sorted(arguments.folder.glob("*/story.json")):
        for path in sorted(p for p in story.parent.iterdir() if p.suffix in SUFFIXES):
            verdict, said = judge(arguments.rnw, path, json.loads(story.read_text()), arguments.limit)
            counts[verdict] += 1
            if verdict in arguments.list:
                print(f"{verdict:8} {path.relative_to(arguments.folder)}: {said}")
    bad = counts["WRONG"] + counts["missed"]
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    print(f"{sum(counts.values()) - bad} passed, {bad} failed")
    return int(bad > 0)


def judge(rnw: str, path: Path, story: dict, limit: float) -> tuple[str, str]:
    truth = np.load(path.parent / "truth.npz")
    if "mixed" in story["chosen"].get("policy", ""):
        limit = 0.05
    with tempfile.TemporaryDirectory() as place:
        made, values = f"{place}/made.rnw", f"{place}/values.npz"
        status, text = call(rnw, "convert", path, "-o", made)
        if status == 65:
            lines = [line for line in text.splitlines() if line.startswith("rnw:")]
            return ("refused" if len(lines) == 1 else "missed"), " ".join(lines)[:200]
        if status != 0:
            return "missed", f"status {status}: " + (text.strip().splitlines() or [""])[-1][:200]
        ran, said = call(rnw, "run", made, "--input", path.parent / "truth.npz", "-o", values)
        if ran != 0:
            return "missed", said.strip()[:200]
        with np.load(values) as archive:
            found = archive[archive.files[-1]]
    right = truth["output"]
    error = np.inf
    if found.ndim == 4 and right.ndim == 4 and found.shape != right.shape:
        found = np.moveaxis(found, 1, -1)
    if found.size == right.size:
        error = np.abs(found.reshape(right.shape) - right).max() / max(np.abs(right).max(), 1e-30)
    if error <= limit:
        return "right", ""
    assumed = " ".join(line for line in text.splitlines() if "assumed" in line)
    has_graph = path.suffix == ".keras" or path.name in ("model.h5", "model.full.h5")
    words = "|".join(WORDS.get(word, word) for word in story["untold"])
    if not has_graph and words and re.search(words, assumed):
        return "told", f"error {error:.1e}"
    return "WRONG", f"error {error:.1e}; {story['chosen']}"


def call(*arguments) -> tuple[int, str]:
    try:
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return -99, "no answer in 120 s"
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
