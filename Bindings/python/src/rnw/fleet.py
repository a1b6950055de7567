"""Converts the models of a folder or a bucket on a Ray cluster, with one record for each; needs the extra `rnw[fleet]`.

    python -m rnw.fleet s3://bucket/in s3://bucket/out --address auto -- --precision float16

The unit of work is `rnw batch` on one item. Ray starts it where there is room, and again where a machine was lost; fsspec reads and
writes, on local disks, S3, GCS or Hugging Face. This process knows names and verdicts: it holds no tensor.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import posixpath
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import ray

from ._tool import ToolError, tool

# How often work whose machine or connection is lost is begun again; how much waits for each core, so that a cluster sees that it should grow.
RETRIES, WAITING = 10, 4
# What changes with a file's content: the store's digest of it, else a time.
IDENTITIES = ("ETag", "etag", "md5Hash", "oid", "mtime", "LastModified", "updated")


@dataclass(frozen=True)
class Item:
    """A model: how `rnw batch` knows it, and the files that it needs, below the source's folder."""

    name: str
    source: str
    options: list[str]
    files: list[str]
    # Its mark as done: a folder for each name, a name for what its record depends on, and one for that with the limits.
    place: str
    mark: str
    limited: str


def convert_all(
    source: str, target: str, options: Sequence[str] = (), *, address: str | None = None, verify: bool = False,
    timeout: int = 600, memory: int = 4096,
) -> Counter[str]:
    """Converts what the target has no mark of yet, and counts how items ended; `kept` are those that had one, `gone` those of marks alone.

    `source` is a folder or a manifest (`.jsonl`), `options` are those of `rnw convert`, `address` is a cluster's, `memory` is in MB.
    """
    ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
    root = posixpath.dirname(source) if source.endswith(".jsonl") else source
    flags = [f"--timeout={timeout}", f"--memory={memory}", *["--verify"] * verify]
    marks, expected, items = marked(target), version(), listed(source, root, options, verify, [timeout, memory])
    due = [item for item in items if marks.isdisjoint({f"{item.place}/{item.mark}", f"{item.place}/{item.limited}"})]
    gone = {mark.partition("/")[0] for mark in marks} - {item.place for item in items}
    counts = Counter({"kept": len(items) - len(due), "gone": len(gone)})
    work = ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=[OSError])(convert_one)
    pending: list[Any] = []
    while due or pending:
        room = WAITING * max(int(ray.cluster_resources().get("CPU", 1)), 1) - len(pending)
        pending += [work.remote(due.pop(), root, target, flags, expected) for _ in range(min(room, len(due)))]
        ready, pending = ray.wait(pending, num_returns=min(len(pending), 16), timeout=1)
        counts.update(ray.get(ready))
        if sys.stderr.isatty():
            print(f"\r{len(due) + len(pending)} left", end="\x1b[K", file=sys.stderr)
    return counts


def convert_one(item: Item, root: str, target: str, flags: list[str], expected: str) -> str:
    """Brings an item here, converts it, and puts its file, its record and its mark into the target, in that order."""
    if version() != expected:
        raise ToolError(f"{version()} is here, and {expected} where the work was given out")
    there, base = fsspec.core.url_to_fs(root)
    with tempfile.TemporaryDirectory() as folder:
        for name in item.files:
            local = Path(folder, "in", name)
            local.parent.mkdir(parents=True, exist_ok=True)
            there.get_file(posixpath.join(base, name), str(local))
        Path(folder, "in", "item.jsonl").write_text(json.dumps({"name": item.name, "source": item.source}))
        batch(["item.jsonl", "-o", "../out", *flags], item.options, str(Path(folder, "in")))
        out = Path(folder, "out")
        record = dict(json.loads(next(out.glob("records/*/*.json")).read_bytes()))
        if record["outcome"] != "failed":
            put(target, out, [*out.glob("models/**/*.rnw"), *out.glob("records/*/*.json")])
            remember(target, item, record)
    return str(record["outcome"])


def remember(target: str, item: Item, record: dict[str, Any]) -> None:
    """Marks an item as done, and takes away what it was before; more time or memory may be enough where these ended it."""
    fs, out = fsspec.core.url_to_fs(target)
    place = posixpath.join(out, "marks", item.place)
    mark = f"{item.limited if record['cause'] in ('time', 'memory') else item.mark}-{record['key']}"
    old = [posixpath.basename(path) for path in (fs.find(place) if fs.exists(place) else [])]
    file = posixpath.join(out, "models", f"{item.name}.rnw")
    if record["outcome"] != "pass" and fs.exists(file):
        fs.rm_file(file)
    fs.makedirs(place, exist_ok=True)
    fs.pipe_file(posixpath.join(place, mark), b"rnw.fleet/1\n")
    for name in old:
        was = name.rpartition("-")[2]
        earlier = posixpath.join(out, "records", was[:2], f"{was}.json")
        if was != record["key"] and fs.exists(earlier):
            fs.rm_file(earlier)
        if name != mark:
            fs.rm_file(posixpath.join(place, name))


def merge(target: str) -> dict[str, Any]:
    """One verdict of all records of a target, written beside them as `verdict.json` and `fleet.html`."""
    fs, out = fsspec.core.url_to_fs(target)
    with tempfile.TemporaryDirectory() as folder:
        fs.get(posixpath.join(out, "records"), str(Path(folder, "records")), recursive=True)
        command = [tool(), "merge", "records", "-o", "verdict.json", "--report", "fleet.html"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
        if ended.returncode not in (0, 1):
            raise ToolError(ended.stderr.strip(), status=ended.returncode)
        put(target, Path(folder), [Path(folder, name) for name in ("verdict.json", "fleet.html")])
        return dict(json.loads(Path(folder, "verdict.json").read_bytes()))


def listed(source: str, root: str, options: Sequence[str], verify: bool, limits: Sequence[int]) -> list[Item]:
    """The items of a source. `rnw batch` tells models by names alone: it is shown empty files of these names."""
    fs, base = fsspec.core.url_to_fs(root)
    known = {}
    with tempfile.TemporaryDirectory() as folder:
        for path, info in fs.find(base, detail=True).items():
            name = posixpath.relpath(path, base)
            known[name] = [name, info.get("size"), str(next(filter(None, map(info.get, IDENTITIES)), ""))]
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).touch()
        place = "."
        if source != root:
            place = posixpath.basename(source)
            fs.get_file(posixpath.join(base, place), str(Path(folder, place)))
        document = batch([place, "-o", "nowhere", "--dry-run"], options, folder)
    items = []
    for entry in document["items"]:
        files = sorted({posixpath.normpath(path) for path in entry["files"]} & set(known))
        depends = ["rnw.fleet/1", version(), entry["options"], verify, [known[name] for name in files]]
        marks = (hashlib.sha256(json.dumps(of).encode()).hexdigest()[:32] for of in (entry["name"], depends, [depends, limits]))
        items.append(Item(entry["name"], entry["source"], entry["options"], files, *marks))
    return items


def marked(target: str) -> set[str]:
    """The marks that are there, each as PLACE/MARK."""
    fs, out = fsspec.core.url_to_fs(target)
    place = posixpath.join(out, "marks")
    return {posixpath.relpath(path, place).rpartition("-")[0] for path in (fs.find(place) if fs.exists(place) else [])}


def batch(arguments: Sequence[str], options: Sequence[str], folder: str) -> dict[str, Any]:
    """The document of `rnw batch`, whose status tells how items ended."""
    ended = subprocess.run([tool(), "batch", "--json", *arguments, "--", *options], cwd=folder, capture_output=True, encoding="utf-8")
    document = dict(json.loads(ended.stdout or "{}"))
    if document.get("schema") not in ("rnw.batch/1", "rnw.items/1"):
        raise ToolError(ended.stderr.strip() or f"rnw batch ended with {ended.returncode}", status=ended.returncode)
    return document


def version() -> str:
    """What `rnw --version` says."""
    return subprocess.run([tool(), "--version"], capture_output=True, encoding="utf-8", check=True).stdout.strip()


def put(target: str, folder: Path, paths: Sequence[Path]) -> None:
    """Writes files of a folder to the same places of the target."""
    fs, out = fsspec.core.url_to_fs(target)
    for path in paths:
        place = posixpath.join(out, path.relative_to(folder).as_posix())
        fs.makedirs(posixpath.dirname(place), exist_ok=True)
        fs.put_file(str(path), place)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m rnw.fleet", description=str(__doc__).split("\n")[0])
    parser.add_argument("source", help="a folder, or a manifest (.jsonl), of any file system that fsspec knows")
    parser.add_argument("target", help="where models, records and the verdict go")
    parser.add_argument("--address", help="of the Ray cluster; one is started here if left out")
    parser.add_argument("--verify", action="store_true", help="also check each written file by itself")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that an item may take")
    parser.add_argument("--memory", type=int, default=4096, help="MB that an item may have")
    parser.add_argument("options", nargs="*", help="options of rnw convert, after --")
    given = vars(parser.parse_args(arguments))
    counts = convert_all(**given)
    verdict = merge(given["target"])["verdict"] if counts.total() > counts["failed"] else "fail"
    print(f"{', '.join(f'{count} {word}' for word, count in sorted(counts.items()) if count)}\n{verdict.upper()}")
    return 70 if counts["failed"] else 0 if verdict == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
