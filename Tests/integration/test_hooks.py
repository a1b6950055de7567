"""The hook of pre-commit, by pre-commit itself, in a repository with files that are right and one that is not."""

import os
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import FIXTURES, ROOT


def test_the_hook_lets_right_files_in_and_no_broken_one(tmp_path, on_path):
    repository = tmp_path / "repository"
    repository.mkdir()
    environment = os.environ | {
        "PATH": f"{on_path}:{Path(sys.executable).parent}:{os.environ['PATH']}", "PRE_COMMIT_HOME": str(tmp_path / "kept"),
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
    }

    def tried():
        subprocess.run(["git", "add", "."], cwd=repository, env=environment, check=True)
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), "rnw-verify", "--all-files", "--verbose"]
        return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)

    # What a clone of the hook would have, of what is here now.
    hooks = tmp_path / "hooks"
    (hooks / "Scripts").mkdir(parents=True)
    for name in (".pre-commit-hooks.yaml", "Scripts/pre-commit-verify"):
        (hooks / name).write_bytes((ROOT / name).read_bytes())
        (hooks / name).chmod((ROOT / name).stat().st_mode)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for folder, commands in {
        hooks: [["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "hooks"]],
        repository: [["init", "-q"]],
    }.items():
        for command in commands:
            subprocess.run(["git", *command], cwd=folder, env=environment, check=True)

    right = (FIXTURES / "rnw/narrow.float32.planes.rnw").read_bytes()
    (repository / "a file.rnw").write_bytes(right)
    (repository / "-x.rnw").write_bytes(right)
    (repository / "other.txt").write_text("no model")
    passed = tried()
    assert passed.returncode == 0 and "Passed" in passed.stdout, passed.stdout + passed.stderr
    damaged = bytearray(right)
    damaged[-100] ^= 1
    (repository / "broken.rnw").write_bytes(damaged)
    failed = tried()
    assert failed.returncode == 1 and "broken.rnw" in failed.stdout and "a file.rnw" not in failed.stdout, failed.stdout


def test_hooks_name_scripts_that_are_there():
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text()):
        assert os.access(ROOT / hook["entry"], os.X_OK)


def test_the_container_takes_steps_that_are_tried():
    lines = (ROOT / "Containerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("RUN")] == ["RUN /tmp/rnw/container-steps /tmp/rnw"]
    assert "container-steps" in (ROOT / "Scripts/try-packages").read_text()
