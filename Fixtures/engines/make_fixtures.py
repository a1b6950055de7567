"""Makes the archives of what the small engine of Examples/runtimes computes with a mistake, by the tool's own protocol.

    python Fixtures/engines/make_fixtures.py ADAPTER RNW

ADAPTER is Examples/runtimes/c_adapter, compiled; RNW the tool. Needs numpy 2.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

FOLDER = pathlib.Path(__file__).parent
MODEL = FOLDER.parent / "keras" / "narrow.keras"
SOME = ["stage1.block1.add", "stage2.block2.add", "final.relu"]


def values_of(adapter, model, mistake, image, layers):
    """The values of an engine's layers under the family's names."""
    program = subprocess.Popen(
        [adapter, model, mistake], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

    def ask(message, body=b""):
        text = json.dumps(message, separators=(",", ":"))
        program.stdin.write(text.encode() + b"\n" + body)
        program.stdin.flush()
        answer = json.loads(program.stdout.readline())
        count = int(np.prod(answer.get("shape", [0])))
        data = np.frombuffer(program.stdout.read(4 * count), np.float32)
        return data.reshape(answer.get("shape", [0]))

    ask({"hello": "rnw.runtime/1"})
    ask({"input": {"shape": image.shape}}, image.tobytes())
    result = {name: ask({"layer": canonical}) for name, canonical in layers.items()}
    program.stdin.close()
    program.wait()
    return {name: value for name, value in result.items() if value.size}


def image_of(height, width):
    return np.random.default_rng(14).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)


def main(adapter, rnw):
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/narrow.rnw"
        subprocess.run([rnw, "convert", MODEL, "-o", model], check=True, stdout=subprocess.DEVNULL)
        report = subprocess.run(
            [rnw, "verify", model, "--against", MODEL, "--json"], capture_output=True, text=True
        )
        layers = {
            layer["familyName"] or layer["name"]: layer["name"]
            for layer in json.loads(report.stdout)["layers"]
        }
        image = image_of(25, 32)
        for mistake in ["none", "pool-border"]:
            values = values_of(adapter, model, mistake, image, layers)
            np.savez_compressed(FOLDER / f"{mistake}.npz", input=image, **values)
        image = image_of(32, 32)  # TensorFlow's SAME is another border where sizes are even
        values = values_of(adapter, model, "strided-border", image, layers)
        output = list(layers)[-1]
        some = {name: values[name] for name, node in layers.items() if node in SOME + [layers[output]]}
        np.savez_compressed(FOLDER / "strided-border.some.npz", input=image, **some)


main(*sys.argv[1:])
