"""Prints the CRC-32 of every tensor's values, as little-endian float32, of the files in this folder."""

import json
import zlib
from pathlib import Path

import numpy as np
import rnw

FOLDER = Path(__file__).parent


def checksums(path: Path) -> dict[str, int]:
    with rnw.load(path) as file:
        return {name: zlib.crc32(np.ascontiguousarray(file[name], "<f4").tobytes()) for name in sorted(file)}


print(json.dumps({path.name: checksums(path) for path in sorted(FOLDER.glob("*.rnw"))}, indent=1))
