import os
import shutil
import subprocess
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[3] / "Fixtures"


def pytest_addoption(parser):
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped fails the run")


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    if terminalreporter.config.getoption("--no-skips") and skipped:
        for report in skipped:
            terminalreporter.line(f"skipped, which --no-skips does not allow: {report.nodeid}")


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def tool():
    """Runs the `rnw` tool, found by RNW_BINARY or PATH."""
    binary = os.environ.get("RNW_BINARY") or shutil.which("rnw")
    if not binary:
        pytest.skip("needs the rnw tool, by RNW_BINARY or PATH")

    def run(*arguments, status=0):
        result = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
        # A verdict is right or wrong; anything else is no verdict.
        assert result.returncode in ([0, 1] if status is None else [status]), result.stderr + result.stdout
        return result.stdout

    return run


@pytest.fixture(scope="session")
def fixtures():
    if not FIXTURES.is_dir():
        pytest.skip("needs the fixtures of the project")
    return FIXTURES


@pytest.fixture(scope="session")
def converted(tool, fixtures, tmp_path_factory):
    """Converts a fixture; the same one only once."""
    folder = tmp_path_factory.mktemp("converted")

    def convert(name, codec="planes"):
        output = folder / f"{name.replace('/', '.')}.{codec}.rnw"
        if not output.exists():
            tool("convert", fixtures / name, "-o", output, "--codec", codec, "--threads", 1)
        return output

    return convert
