"""Tries a build of rnw on random models: is what the written file computes what the framework computed?

    python judge.py RNW FOLDER [--limit 2e-5] [--list VERDICT …]

Needs numpy. For every file of every model that make_models.py made:
  right     status 0, and the written file's output on images that the conversion never saw is the framework's
  told      status 0 and another output, but every choice of the model that was assumed otherwise stands in the list of
            assumptions, and the file that is made when they are told gives the framework's output
  named     the same, but for a choice that no option of the tool can tell: it stands in the list
  refused   status 65 and one line
  WRONG     status 0 and another output without a word: must never be
  missed    anything else: a crash, another status, a FAIL that is not explained
Of a model that computes in half precision the truth is what its weights give in float32, and there must be a note of it.
The closing lines count the verdicts, and the refusals by their messages; the exit status is 1 where any is WRONG or
missed.
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rnw")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=float, default=2e-5)
    parser.add_argument("--list", nargs="*", default=["WRONG", "missed"])
    arguments = parser.parse_args()
    counts: collections.Counter = collections.Counter()
    refusals: collections.Counter = collections.Counter()
    for story in sorted(arguments.folder.glob("*/story.json")):
        for path in sorted(p for p in story.parent.iterdir() if p.suffix in SUFFIXES):
            verdict, said = judge(arguments.rnw, path, json.loads(story.read_text()), arguments.limit)
            counts[verdict] += 1
            if verdict == "refused":
                refusals[kind_of(said)] += 1
            if verdict in arguments.list:
                print(f"{verdict:8} {path.relative_to(arguments.folder)}: {said}")
    for kind, count in refusals.most_common():
        print(f"refused {count:4} times: {kind}")
    bad = counts["WRONG"] + counts["missed"]
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    print(f"{sum(counts.values()) - bad} passed, {bad} failed")
    return int(bad > 0)


def judge(rnw: str, path: Path, story: dict, limit: float) -> tuple[str, str]:
    is_half = "mixed" in story["chosen"].get("policy", "")
    try:
        error, document = tried(rnw, path)
        if is_half and has_graph(path) and "precision" not in json.dumps(document.get("notes", "")):
            return "WRONG", f"no word on {story['chosen']['policy']}"
        if error <= limit:
            return "right", ""
        differing = {
            option: story["facts"][option]
            for option, value in assumptions(document).items()
            if option in story["facts"] and not is_same(value, story["facts"][option]["value"])
        }
        words = ", ".join(f"{option} {fact['value']}" for option, fact in sorted(differing.items()))
        if not differing:
            return "WRONG", f"error {error:.1e}, and nothing was assumed otherwise; {story['chosen']}"
        if any(fact["tell"] is None for fact in differing.values()):
            return "named", words
        tell = [argument for fact in differing.values() for argument in fact["tell"]]
        try:
            told, _ = tried(rnw, path, *tell)
        except Refusal as refusal:
            return "missed", f"refused when told {' '.join(tell)}: {refusal}"
        if told <= limit:
            return "told", words
        return "WRONG", f"error {told:.1e} when told {' '.join(tell)}; {story['chosen']}"
    except Refusal as refusal:
        return "refused", str(refusal)
    except Mistake as mistake:
        return "missed", str(mistake)


class Refusal(Exception):
    """Status 65 and one line."""


class Mistake(Exception):
    """What a tool must not do."""


def tried(rnw: str, path: Path, *tell: str) -> tuple[float, dict]:
    """How far the output of the file that is made is from the framework's, and what was said of it."""
    truth = np.load(path.parent / "truth.npz")
    with tempfile.TemporaryDirectory() as place:
        made, values = f"{place}/made.rnw", f"{place}/values.npz"
        status, output, said = call(rnw, "convert", path, "-o", made, "--json", *tell)
        lines = [line for line in said.splitlines() if line.startswith("rnw:")]
        if status == 65 and len(lines) == 1:
            raise Refusal(lines[0].replace(str(path), "FILE"))
        if status != 0:
            raise Mistake(f"status {status} {' '.join(tell)}: {(said.strip().splitlines() or [output[:200]])[-1][:200]}")
        status, _, said = call(rnw, "run", made, "--input", path.parent / "truth.npz", "-o", values)
        if status != 0:
            raise Mistake(f"run ends with {status}: {said.strip()[:200]}")
        with np.load(values) as archive:
            found = archive[archive.files[-1]]
    right = truth["output"]
    if found.ndim == 4 and right.ndim == 4 and found.shape != right.shape:
        found = np.moveaxis(found, 1, -1)
    if found.size != right.size:
        return np.inf, json.loads(output)
    error = np.abs(found.reshape(right.shape) - right).max() / max(np.abs(right).max(), 1e-6)
    return float(error), json.loads(output)


def assumptions(document: dict) -> dict:
    return {entry["option"]: entry["value"] for entry in document["assumptions"]}


def is_same(assumed: str, value: str) -> bool:
    """Whether a value is the one that was assumed; what the tool says after a number or a function is where it stands."""
    try:
        return float(assumed.split()[0]) == float(value)
    except ValueError:
        first, second = (re.sub(r"[^a-z0-9]", "", text.lower()) for text in (assumed.split(" at ")[0], value))
        return first == second


def has_graph(path: Path) -> bool:
    return path.suffix == ".keras" or path.name in ("model.h5", "model.full.h5")


def kind_of(message: str) -> str:
    """A message without what is the file's own."""
    message = re.sub(r"^rnw: FILE: ", "", message)
    message = re.sub(r"[\w./]*\d[\w./×]*|'[^']*'", "#", message)
    return re.sub(r"(#[, ]*)+", "# ", message)[:160]


def call(*arguments) -> tuple[int, str, str]:
    try:
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired as error:
        raise Mistake("no answer in 120 s") from error
    return done.returncode, done.stdout, done.stderr


if __name__ == "__main__":
    sys.exit(main())
