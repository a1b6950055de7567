"""What the tests share: the tool, and a faked machine of GitHub's on which the action runs."""

import hashlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RNW = Path(os.environ.get("RNW", ROOT / ".build" / "release" / "rnw")).resolve()
FIXTURES = ROOT / "Fixtures"


@dataclass
class Outcome:
    status: int
    log: str
    summary: str
    verdict: str


@pytest.fixture
def on_path(tmp_path):
    """A folder with `rnw` alone: a script, as the tool looks for its helper beside itself."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "rnw").write_text(f'#!/bin/sh\nexec "{RNW}" "$@"\n')
    (folder / "rnw").chmod(0o755)
    return folder


@pytest.fixture
def action(tmp_path, on_path):
    """Runs action.yml as a runner does: inputs become the environment of its steps, in a folder of their own."""
    description = yaml.safe_load((ROOT / "action.yml").read_text())
    work = tmp_path / "work"
    work.mkdir()
    (work / "Fixtures").symlink_to(FIXTURES)

    def run(has_tool=True, **inputs):
        unknown = set(inputs) - set(description["inputs"])
        assert not unknown, f"action.yml has no input {unknown}"
        values = {name: inputs.get(name, given.get("default", "")) for name, given in description["inputs"].items()}
        summary, output = tmp_path / "summary.md", tmp_path / "output"
        summary.write_text("")
        output.write_text("")
        status, log = 0, ""
        for step in description["runs"]["steps"]:
            # What a runner puts into a script is run by it.
            assert "${{" not in step["run"]
            environment = {
                "PATH": f"{on_path}:{os.environ['PATH']}" if has_tool else "/usr/bin:/bin",
                "HOME": str(tmp_path), "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_STEP_SUMMARY": str(summary),
                "GITHUB_OUTPUT": str(output), "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
                **{name: expanded(text, values) for name, text in step["env"].items()},
            }
            shell = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]}[step["shell"]]
            result = subprocess.run([*shell, step["run"]], env=environment, cwd=work, capture_output=True, text=True)
            status, log = result.returncode, log + result.stdout + result.stderr
            if status:
                break
        verdict = re.search(r"^verdict=(.*)$", output.read_text(), re.MULTILINE)
        return Outcome(status, log, summary.read_text(), verdict[1] if verdict else "")

    run.work = work
    return run


def expanded(text, inputs):
    """The expressions that action.yml uses: inputs, and the repository of the action."""

    def value(match):
        place, name = match[1].split(".")
        return inputs[name] if place == "inputs" else {"action_repository": "someone/rnw"}[name]

    return re.sub(r"\$\{\{ ([\w.]+) \}\}", value, text)


@pytest.fixture
def release(tmp_path, on_path):
    """A folder like one of a release, whose tarball has the tool of this build."""
    version = re.search(r'text = "(.*)"', (ROOT / "Sources/RNW/PackageVersion.swift").read_text())[1]
    name = f"rnw-{version}-linux-x86_64"
    folder = tmp_path / "release"
    (folder / name / "bin").mkdir(parents=True)
    (folder / name / "bin" / "rnw").write_bytes((on_path / "rnw").read_bytes())
    (folder / name / "bin" / "rnw").chmod(0o755)
    archive = folder / f"{name}.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", folder, name], check=True)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{digest}  {name}.tar.gz\n{'0' * 64}  other.deb\n")
    return folder
