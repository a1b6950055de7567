"""Makes the fixtures of Haiku's ResNets beside this file with the real library.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Narrow networks of `hk.nets.ResNet` with random weights that float16 holds; parameters and state stand in one `.npz` under
`<module>/<name>`, as Haiku's own dictionaries have them. JAX computes the values in float32 on the processor.
"""

import os
from pathlib import Path

os.environ.update(JAX_PLATFORMS="cpu", JAX_DEFAULT_MATMUL_PRECISION="highest")

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np

HERE = Path(__file__).resolve().parent
# Both parities at several stages: TensorFlow's SAME depends on it.
SHAPE = (1, 41, 34, 3)


def main() -> None:
    narrow = dict(num_classes=5, initial_conv_config={"output_channels": 8})
    write("bottleneck", dict(
        blocks_per_group=(2, 1, 1, 1), channels_per_group=(16, 24, 32, 40), resnet_v2=True, **narrow
    ))  # fmt: skip
    basic = dict(bottleneck=False, channels_per_group=(8, 12, 16, 20), use_projection=(False, True, True, True))
    write("basic", dict(blocks_per_group=(1, 2, 1, 1), resnet_v2=True, **basic, **narrow))
    write("v1", dict(blocks_per_group=(1, 1, 2, 1), channels_per_group=(16, 16, 24, 32), **narrow))


def write(name: str, options: dict) -> None:
    values = {}

    def keep(call, args, kwargs, context):
        result = call(*args, **kwargs)
        if context.method_name == "__call__" and isinstance(result, jax.Array):
            place = context.module.module_name.removeprefix("res_net50/~/")
            if not place.endswith("_ema") and place != "res_net50":
                values[place] = result
        return result

    def forward(x, is_training=False):
        return hk.nets.ResNet(name="res_net50", **options)(x, is_training)

    def watched(x):
        with hk.intercept_methods(keep):
            forward(x)
        # A group of blocks is its last block.
        return {n: v for n, v in values.items() if not n.split("/")[-1].startswith("block_group")}

    model = hk.transform_with_state(forward)
    params, state = model.init(jax.random.PRNGKey(0), jnp.zeros(SHAPE), is_training=True)
    arrays = randomized(params, len(name)) | randomized(state, len(name) + 50)
    np.savez(HERE / f"{name}.npz", **arrays)
    params, state = (hk.data_structures.map(lambda m, n, _: arrays[f"{m}/{n}"], tree) for tree in (params, state))
    images = np.random.default_rng(9).uniform(-1, 1, SHAPE).astype(np.float32)
    layers, _ = hk.transform_with_state(watched).apply(params, state, None, images)
    layers = {n: np.asarray(v) for n, v in layers.items()}
    np.savez_compressed(HERE / f"{name}.activations.npz", input=images, **layers)


def randomized(tree, seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    arrays = {}
    for module, name, array in hk.data_structures.traverse(tree):
        shape = array.shape
        if name == "counter":
            values = np.asarray(array)
        elif name == "w":
            values = generator.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)
        elif name == "scale" or "var_ema" in module:
            values = generator.uniform(0.5, 1.5, shape)
        else:
            values = generator.uniform(-0.3, 0.3, shape)
        arrays[f"{module}/{name}"] = values if name == "counter" else values.astype(np.float16).astype(np.float32)
    return arrays


if __name__ == "__main__":
    main()
