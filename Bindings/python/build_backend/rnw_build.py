"""Builds the wheels and the source distribution of rnw (PEP 517 and 660), by Python's own library alone.

Nothing is written beside the sources. Where RNW_BUILT names the folder that Scripts/build-static has filled, the wheel is
one of its platform and has the command, its helper and the library for C; else it is of Python alone. The same sources
and SOURCE_DATE_EPOCH give the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import re
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib  # type: ignore[no-redef]

HERE = Path(__file__).resolve().parent.parent
EPOCH = max(int(os.environ.get("SOURCE_DATE_EPOCH", "315619200")), 315619200)  # zip knows no time before 1980


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    files = {f"rnw/{path.name}": (path.read_bytes(), 0o644) for path in sorted((HERE / "src/rnw").iterdir()) if is_source(path)}
    built = os.environ.get("RNW_BUILT")
    if not built:
        return write_wheel(wheel_directory, "py3-none-any", files)
    folder, scripts = Path(built), f"rnw-{version()}.data/scripts"
    programs = {f"{scripts}/rnw": "bin/rnw", f"{scripts}/rnw-hdf5": "bin/rnw-hdf5", "rnw/lib/librnw.so.0": "lib/librnw.so.0"}
    for name, path in programs.items():
        files[name] = ((folder / path).read_bytes(), 0o755)
    files["rnw/include/rnw.h"] = ((folder / "include/rnw.h").read_bytes(), 0o644)
    information = f"rnw-{version()}.dist-info"
    files[f"{information}/licenses/NOTICES"] = ((folder / "NOTICES").read_bytes(), 0o644)
    files[f"{information}/sboms/rnw.spdx.json"] = ((folder / "rnw.spdx.json").read_bytes(), 0o644)
    return write_wheel(wheel_directory, f"py3-none-{platform([folder / path for path in programs.values()])}", files)


def build_editable(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    return write_wheel(wheel_directory, "py3-none-any", {"rnw.pth": (f"{HERE / 'src'}\n".encode(), 0o644)})


def build_sdist(sdist_directory: str, config_settings: object = None) -> str:
    name = f"rnw-{version()}"
    files = {"PKG-INFO": metadata(["LICENSE"]).encode(), "LICENSE": licence().read_bytes()}
    for path in sorted(HERE.rglob("*")):
        place = path.relative_to(HERE)
        if is_source(path) and place.parts[0] in {"src", "tests", "build_backend", "pyproject.toml", "README.md"}:
            files[str(place)] = path.read_bytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for place, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{name}/{place}")
            entry.size, entry.mtime = len(data), EPOCH
            entry.mode = 0o755 if place == "tests/run" else 0o644
            archive.addfile(entry, io.BytesIO(data))
    output = Path(sdist_directory) / f"{name}.tar.gz"
    output.write_bytes(gzip.compress(packed.getvalue(), 9, mtime=0))
    return output.name


def is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyc", ".so"}


def write_wheel(directory: str, tag: str, files: dict[str, tuple[bytes, int]]) -> str:
    information = f"rnw-{version()}.dist-info"
    purelib = "true" if tag.endswith("-any") else "false"
    files = dict(files)
    licences = ["LICENSE", *(["NOTICES"] if f"{information}/licenses/NOTICES" in files else [])]
    files[f"{information}/METADATA"] = (metadata(licences).encode(), 0o644)
    files[f"{information}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: rnw_build\nRoot-Is-Purelib: {purelib}\nTag: {tag}\n".encode(), 0o644)  # fmt: skip
    files[f"{information}/licenses/LICENSE"] = (licence().read_bytes(), 0o644)
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, (data, _) in files.items())
    files[f"{information}/RECORD"] = (f"{record}{information}/RECORD,,\n".encode(), 0o644)
    output = Path(directory) / f"rnw-{version()}-{tag}.whl"
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (data, mode) in files.items():
            entry = zipfile.ZipInfo(name, time.gmtime(EPOCH)[:6])
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            archive.writestr(entry, data)
    return output.name


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def platform(programs: list[Path]) -> str:
    """The manylinux tag of the newest glibc that any of the programs needs."""
    needed = set()
    for path in programs:
        text = subprocess.run(["readelf", "-VW", str(path)], check=True, capture_output=True, text=True).stdout
        needed |= {(int(major), int(minor)) for major, minor in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", text)}
    major, minor = max(needed)
    return f"manylinux_{major}_{minor}_x86_64"


def metadata(licences: list[str]) -> str:
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    lines = ["Metadata-Version: 2.4", f"Name: {project['name']}", f"Version: {version()}"]
    lines += [f"Summary: {project['description']}", f"License-Expression: {project['license']}"]
    lines += [f"License-File: {one}" for one in licences]
    lines += [f"Requires-Python: {project['requires-python']}"]
    lines += [f"Requires-Dist: {one}" for one in project["dependencies"]]
    for extra, needed in project["optional-dependencies"].items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {one}; extra == "{extra}"' for one in needed)]
    lines += ["Description-Content-Type: text/markdown", "", (HERE / project["readme"]).read_text("utf-8")]
    return "\n".join(lines)


def version() -> str:
    text = (HERE / "src/rnw/__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if not found:
        raise ValueError("src/rnw/__init__.py has no __version__")
    return found[1]


def licence() -> Path:
    """Within a source distribution beside this project, within the repository at its top."""
    own = HERE / "LICENSE"
    return own if own.exists() else HERE.parent.parent / "LICENSE"
