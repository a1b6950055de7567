"""What the repository's README shows in Python and C, on the file that its commands make."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "generated/c"


def blocks(language):
    page = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def flowers(tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tool("convert", ROOT / "Fixtures/kinds/fine_tuned.keras", "-o", "flowers.rnw")


def test_python(flowers, capsys):
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "(4, 3, 7, 7) keras\n"


def test_c(flowers):
    if not LIBRARY.is_dir():
        pytest.skip("needs the library for C, by `make c-library`")
    (code,) = blocks("c")
    Path("example.c").write_text(code)
    environment = os.environ | {"PKG_CONFIG_PATH": str(LIBRARY / "lib/pkgconfig")}
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "rnw"], env=environment, check=True, capture_output=True, text=True
    ).stdout
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", "example.c", "-o", "example", *shlex.split(flags)], check=True)
    printed = subprocess.run(
        ["./example"], env=os.environ | {"LD_LIBRARY_PATH": str(LIBRARY / "lib")}, check=True, capture_output=True, text=True
    ).stdout
    assert printed == "stem.conv.weight: 588 values\n"
