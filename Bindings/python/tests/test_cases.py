"""The table of cases that every reader runs: the readers of this package and of C give its answers."""

import ctypes
import os
import sys
from pathlib import Path

import pytest

import rnw

FOLDER = Path(__file__).parents[3] / "Fixtures/rnw"
LIBRARY = Path(os.environ.get("RNW_LIBRARY") or Path(__file__).parents[3] / "generated/c/lib/librnw.so")
NO_CERTIFICATE = 7


@pytest.fixture(scope="module")
def cases():
    """The name, the answer and the bytes of every case."""
    if not FOLDER.is_dir():
        pytest.skip("needs the fixtures of the project")
    sys.path.insert(0, str(FOLDER))
    try:
        import make_cases
    finally:
        sys.path.remove(str(FOLDER))
    return list(make_cases.stored_cases())


def answer_of_python(path):
    try:
        rnw.load(path).close()
    except rnw.RNWError:
        return "refused"
    return "accepted" if rnw.verify(path) else "opened"


def answer_of_c(library, path):
    file = ctypes.c_void_p()
    if library.rnw_open(os.fsencode(path), ctypes.byref(file)):
        return "refused"
    try:
        holds = library.rnw_verify(file) == 0 and library.rnw_verify_certificate(file, 1, None) in (0, NO_CERTIFICATE)
    finally:
        library.rnw_close(file)
    return "accepted" if holds else "opened"


def disagreements(cases, path, answer):
    wrong = []
    for name, expected, content in cases:
        path.write_bytes(content)
        found = answer(path)
        if found != expected:
            wrong.append(f"{name}: expected {expected}, found {found}")
    return wrong


def test_python(cases, tmp_path):
    assert len(cases) > 400
    assert not disagreements(cases, tmp_path / "case.rnw", answer_of_python)


def test_c(cases, tmp_path):
    if not LIBRARY.is_file():
        pytest.skip("needs librnw.so, by RNW_LIBRARY or made by Scripts/c-library")
    library = ctypes.CDLL(str(LIBRARY))
    library.rnw_close.argtypes = library.rnw_verify.argtypes = [ctypes.c_void_p]
    library.rnw_verify_certificate.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    assert not disagreements(cases, tmp_path / "case.rnw", lambda path: answer_of_c(library, path))
