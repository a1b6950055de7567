"""`rnw.fleet` on a real Ray cluster of several nodes and a real S3 interface, both on this machine."""

import json
import os
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.fleet

ITEMS = 24


@pytest.fixture(scope="module")
def store(models, hdf5_program):
    """A bucket with the models, by its file system."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    given = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1", "PYTHONPATH": str(Path(__file__).parents[1] / "src"), "RNW_HDF5": hdf5_program}  # fmt: skip
    before = dict(os.environ)
    os.environ.update(given)
    import fsspec

    fs = fsspec.filesystem("s3")
    fs.mkdir("models")
    fs.put(str(models), "models/in", recursive=True)
    yield fs
    os.environ.clear()
    os.environ.update(before)
    server.stop()


@pytest.fixture(scope="module")
def cluster(store):
    """Ray's nodes, each a set of processes of its own; the first takes no work."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def hdf5_program(tmp_path_factory):
    """Reads HDF5, but crashes on one file and waits for ever on another."""
    program = tmp_path_factory.mktemp("program") / "rnw-hdf5"
    real = Path(os.environ["RNW_BINARY"]).with_name("rnw-hdf5")
    program.write_text(f"""#!/bin/sh
case "$2" in *crash.h5) kill -SEGV $$;; *hang.h5) sleep 1000;; esac
exec {real} "$@"
""")
    program.chmod(0o700)
    return str(program)


@pytest.fixture(scope="module")
def models(fixtures, tmp_path_factory):
    """A folder of networks, one of them cut off, one in a folder of its own, and one file that is no model."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "below").mkdir()
    for number in range(ITEMS - 2):
        (folder / f"model{number}.npz").write_bytes((fixtures / "keras" / "narrow.npz").read_bytes())
    (folder / "below" / "basic.pth").write_bytes((fixtures / "torch" / "basic.pth").read_bytes())
    (folder / "cut.h5").write_bytes((fixtures / "keras" / "narrow.h5").read_bytes()[:5000])
    (folder / "notes.txt").write_text("no model")
    return folder


@pytest.fixture(scope="module")
def undisturbed(models, tool, tmp_path_factory):
    """The verdict of `rnw batch` alone."""
    folder = tmp_path_factory.mktemp("alone")
    binary = os.environ["RNW_BINARY"]
    subprocess.run([binary, "batch", ".", "-o", folder / "out"], cwd=models, capture_output=True)
    tool("merge", folder / "out", "-o", folder / "verdict.json", status=1)
    return (folder / "verdict.json").read_bytes()


def test_losing_a_node_loses_nothing_and_changes_no_byte(store, cluster, models, undisturbed):
    from rnw import fleet

    lost, kept = (cluster.add_node(num_cpus=1) for _ in range(2))
    counts = {}
    running = threading.Thread(
        target=lambda: counts.update(fleet.convert_all("s3://models/in", "s3://models/out", address=cluster.address)))
    running.start()
    deadline = time.monotonic() + 120
    while len(fleet.marked("s3://models/out")) < 4 and time.monotonic() < deadline:
        store.invalidate_cache()
        time.sleep(0.2)
    assert 4 <= len(fleet.marked("s3://models/out")) < ITEMS
    cluster.remove_node(lost, allow_graceful=False)
    running.join(timeout=300)
    store.invalidate_cache()
    assert Counter(counts) == Counter({"kept": 0, "pass": ITEMS - 1, "quarantined": 1})
    fleet.merge("s3://models/out")
    assert store.cat_file("models/out/verdict.json") == undisturbed
    assert store.exists("models/out/models/below/basic.pth.rnw") and store.exists("models/out/fleet.html")
    cluster.remove_node(kept)


def test_a_second_run_does_only_what_has_changed(store, cluster, models, fixtures):
    from rnw import fleet

    node = cluster.add_node(num_cpus=1)
    place = {"source": "s3://models/in", "target": "s3://models/out", "address": cluster.address}
    store.invalidate_cache()
    start = time.monotonic()
    assert fleet.convert_all(**place) == Counter({"kept": ITEMS})
    assert time.monotonic() - start < 60
    records = set(store.find("models/out/records"))
    store.put_file(str(fixtures / "keras" / "narrow.safetensors"), "models/in/model0.npz")
    store.invalidate_cache()
    assert fleet.convert_all(**place) == Counter({"kept": ITEMS - 1, "pass": 1})
    store.invalidate_cache()
    assert len(records) == ITEMS == len(store.find("models/out/records")) == len(store.find("models/out/marks"))
    assert len(records - set(store.find("models/out/records"))) == 1
    # What does not pass any more has no file, not even an old one.
    assert store.exists("models/out/models/model2.npz.rnw")
    store.pipe_file("models/in/model2.npz", (fixtures / "keras" / "narrow.npz").read_bytes()[:5000])
    store.invalidate_cache()
    assert fleet.convert_all(**place) == Counter({"kept": ITEMS - 1, "quarantined": 1})
    store.invalidate_cache()
    assert not store.exists("models/out/models/model2.npz.rnw")
    # A record of what the source does not have any more stays, counts in the verdict, and is told.
    store.rm_file("models/in/model2.npz")
    store.invalidate_cache()
    assert fleet.convert_all(**place) == Counter({"kept": ITEMS - 1, "gone": 1})
    cluster.remove_node(node)


def test_a_manifest_gives_each_item_its_options_and_files(store, cluster, models, fixtures):
    from rnw import fleet

    node = cluster.add_node(num_cpus=1)
    store.put_file(str(fixtures / "keras" / "narrow.activations.npz"), "models/in/truth/a.npz")
    lines = [
        {"source": "model1.npz", "name": "proven", "reference": "truth/a.npz"},
        {"source": "model1.npz", "name": "half", "precision": "float16"},
        {"source": "model1.npz", "name": "strict", "limit": 1e-12},
    ]
    store.pipe_file("models/in/some.jsonl", "\n".join(map(json.dumps, lines)).encode())
    store.invalidate_cache()
    counts = fleet.convert_all("s3://models/in/some.jsonl", "s3://models/some", address=cluster.address)
    assert counts == Counter({"kept": 0, "pass": 2, "fail": 1})
    verdict = fleet.merge("s3://models/some")
    assert verdict["verdict"] == "fail" and verdict["items"] == 3
    sizes = {path.rpartition("/")[2]: store.size(path) for path in store.find("models/some/models")}
    assert sizes["half.rnw"] < 0.9 * sizes["proven.rnw"] and "strict.rnw" not in sizes
    cluster.remove_node(node)


def test_each_hostile_item_is_quarantined_by_name_and_all_others_are_done(store, cluster, fixtures):
    from rnw import fleet

    node = cluster.add_node(num_cpus=2)
    h5, npz = ((fixtures / "keras" / f"narrow.{kind}").read_bytes() for kind in ("h5", "npz"))
    # A member that says that it inflates to 2 GB.
    bomb = bytearray(npz)
    start = bomb.find(b"PK\x01\x02")
    bomb[start + 24 : start + 28] = b"\0\0\0\x7f"
    contents = {"bomb.npz": bytes(bomb), "cut.h5": h5[:5000], "crash.h5": h5, "hang.h5": h5, "good.h5": h5, "good.npz": npz}
    for name, content in contents.items():
        store.pipe_file(f"models/hostile/{name}", content)
    store.invalidate_cache()
    place = {"source": "s3://models/hostile", "target": "s3://models/tried", "address": cluster.address}
    assert fleet.convert_all(**place, timeout=15) == Counter({"kept": 0, "pass": 2, "quarantined": 4})
    verdict = fleet.merge("s3://models/tried")
    assert verdict["verdict"] == "fail" and verdict["items"] == 6
    store.invalidate_cache()
    records = [json.loads(store.cat_file(path)) for path in store.find("models/tried/records")]
    causes = {record["name"]: record["cause"] for record in records if record["outcome"] == "quarantined"}
    assert causes == {"bomb.npz": "input", "cut.h5": "input", "crash.h5": "input", "hang.h5": "time"}
    # They are not tried again, but for what more time may be enough for.
    assert fleet.convert_all(**place, timeout=15) == Counter({"kept": 6})
    assert fleet.convert_all(**place, timeout=16) == Counter({"kept": 5, "quarantined": 1})
    cluster.remove_node(node)
