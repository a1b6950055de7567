#!/usr/bin/env bash
# Makes the golden files of version 1: every precision in both codecs, converted from ../keras/narrow.keras; one with
# tensors that are stored once; and the checksums of their values as the Python reader sees them (numpy 2.4.6). Run it
# from here, after a build; never again once version 1.0 is out: what is here is what later readers must open.
set -euo pipefail
cd "$(dirname "$0")"
rnw=${RNW:-../../.build/release/rnw}
for codec in none planes; do
  for precision in float32 float16 bfloat16 int8; do
    "$rnw" convert ../keras/narrow.keras -o "narrow.$precision.$codec.rnw" \
      --precision "$precision" --codec "$codec" --overwrite > /dev/null
  done
done
repeated=$(mktemp -d)
trap 'rm -rf "$repeated"' EXIT
"${PYTHON:-python3}" make_repeated.py "$repeated/repeated.npz"
"$rnw" convert "$repeated/repeated.npz" -o repeated.int8.planes.rnw --precision int8 --overwrite > /dev/null
PYTHONPATH=../../Bindings/python/src:../../Bindings/python/tests "${PYTHON:-python3}" make_version2.py
PYTHONPATH=../../Bindings/python/src "${PYTHON:-python3}" make_checksums.py > checksums.json
