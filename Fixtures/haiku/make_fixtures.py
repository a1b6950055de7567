"""Makes the fixtures of Haiku's ResNets beside this file with the real library.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make_fixtures.py

Narrow networks of `hk.nets.ResNet` with random weights that float16 holds; parameters and state stand in one `.npz` under
`<module>/<name>`, as Haiku's own dictionaries have them. JAX computes the values in float32 on the processor. The pickles
hold the same arrays as people dump them; `arrays.*.pkl` is one small dictionary of every type and order, in each protocol.
"""

import os
import pickle
from pathlib import Path

os.environ.update(JAX_PLATFORMS="cpu", JAX_DEFAULT_MATMUL_PRECISION="highest")

import haiku as hk
import jax
import jax.numpy as jnp
import ml_dtypes
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
    arrays()


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
    if name == "bottleneck":
        pickles(name, params, state)
    images = np.random.default_rng(9).uniform(-1, 1, SHAPE).astype(np.float32)
    layers, _ = hk.transform_with_state(watched).apply(params, state, None, images)
    layers = {n: np.asarray(v) for n, v in layers.items()}
    np.savez_compressed(HERE / f"{name}.activations.npz", input=images, **layers)


def pickles(name: str, params, state) -> None:
    params, state = (jax.tree_util.tree_map(np.asarray, tree) for tree in (params, state))
    dump(f"{name}.pkl", (params, state))
    on_device = {"params": jax.device_put(params), "state": jax.device_put(state), "step": np.int64(7)}
    dump(f"{name}.jax.pkl", on_device, protocol=5)
    immutable = hk.data_structures.to_immutable_dict
    dump(f"{name}.flatmap.pkl", [immutable(params), immutable(state)], protocol=5)
    # One after the other; the arrays in every order of bytes and axes.
    orders = [lambda x: x, np.asfortranarray, lambda x: x.astype(x.dtype.newbyteorder(">"))]
    leaves, structure = jax.tree_util.tree_flatten(params)
    params = structure.unflatten([orders[i % 3](leaf) for i, leaf in enumerate(leaves)])
    dump(f"{name}.protocol2.pkl", params, state, protocol=2)


def dump(name: str, *objects, protocol=pickle.DEFAULT_PROTOCOL) -> None:
    with open(HERE / name, "wb") as file:
        for value in objects:
            pickle.dump(value, file, protocol=protocol)


def arrays() -> None:
    """Every type in every order, an array twice, and what is no number; the truth beside them."""
    numbers = np.random.default_rng(3).integers(-100, 100, (2, 3, 5))
    kinds = "f8 f4 f2 i8 i4 i2 i1 u8 u4 u2 u1 b1".split()
    truth = {f"plain/{kind}": numbers.astype(kind) for kind in kinds}
    truth |= {f"big/{kind}": numbers.astype(f">{kind}") for kind in kinds}
    truth |= {f"columns/{kind}": np.asfortranarray(numbers.astype(f">{kind}")) for kind in ("f8", "f4", "i1")}
    # As kernels that came from another framework, in an order that neither rows nor columns are.
    truth |= {f"turned/{kind}": numbers.astype(f">{kind}").transpose(2, 0, 1) for kind in ("f8", "f4", "i1")}
    truth |= {"slices/f4": numbers.astype("f4")[:, ::2], "none/f4": np.zeros((0, 3), "f4"), "one/f4": np.array(2.5, "f4")}
    # Long enough that its bytes are no name.
    truth["long/f4"] = np.random.default_rng(4).normal(size=(40, 33)).astype("f4")
    values: dict = {}
    for name, array in truth.items():
        module, name = name.split("/")
        values.setdefault(module, {})[name] = array
    values["again"] = {"f4": values["plain"]["f4"]}
    values["narrow"] = {"bfloat16": numbers.astype(ml_dtypes.bfloat16), "scalar": np.float32(1.5)}
    values["other"] = {"text": np.array(["a", "bc"]), "object": np.array([None, {}]), "complex": numbers.astype("c8")}
    np.savez_compressed(HERE / "arrays.npz", **truth)
    for protocol in (2, 3, 4, 5):
        dump(f"arrays.protocol{protocol}.pkl", values, protocol=protocol)
    # NumPy 1 had its functions in another package.
    text = (HERE / "arrays.protocol2.pkl").read_bytes()
    (HERE / "arrays.numpy1.pkl").write_bytes(text.replace(b"numpy._core.", b"numpy.core."))


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
