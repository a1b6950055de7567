"""Makes the golden file of version 2.0: a network with everything that this version adds, written by the Python tests'
writer with a certificate that numpy computed (numpy 2.4.6). Run it from anywhere with Bindings/python/src and
Bindings/python/tests in PYTHONPATH, then make_checksums.py; never again once version 2.0 is out."""

from pathlib import Path

from test_network import network_of, written

HEAD = {
    "pooling": {"flatten": {"height": 3, "width": 4, "channelsFirst": True}},
    "layers": [
        {"dense": {"outputs": 6, "hasBias": False}},
        {"norm": {"kind": {"batch": {"epsilon": 1e-3}}, "hasScale": False, "hasShift": True}},
        {"activation": "gelu"},
        {"dense": {"outputs": 5, "hasBias": True}},
        {"activation": {"hardSigmoid": 0.2}},
        {"dense": {"outputs": 3, "hasBias": True}},
        {"activation": "sigmoid"},
    ],
}
CONFIGURATION = {
    "block": {
        "kind": "bottleneck", "order": "preActivation", "stridedConvolution": "spatial", "stridedBlock": "first",
        "hasInnerBiases": True, "hasLastBias": True, "firstBlockIsPreActivated": False,
    },
    "stages": [
        {"blocks": 2, "innerChannels": 4, "outputChannels": 9, "stride": 2},
        {"blocks": 1, "innerChannels": 4, "outputChannels": 12, "stride": 2},
    ],
    "stem": {"convolutions": [{"kernel": 3, "stride": 2, "outputChannels": 4, "hasBias": True}], "hasNorm": True,
             "pool": "none"},
    "shortcut": {"placement": "everyStage", "input": "raw", "kind": "zeroChannelsAround", "hasBias": False},
    "norm": {"batch": {"epsilon": 1e-5}},
    "head": HEAD,
    "inputChannels": 3, "normalizesInput": False, "reversesInputChannels": True,
    "inputScale": [0.5, 1.25, 2.0], "inputOffset": [0.25, -0.5, 0.125],
    "hasNormScales": False, "convolutionPadding": "same", "ending": "norm",
}  # fmt: skip
SHAPE = (1, 24, 31, 3)

tensors, values = network_of(CONFIGURATION, SHAPE)
written(
    Path(__file__).parent / "version2.planes.rnw", CONFIGURATION, tensors, SHAPE, values[0], limit=2e-5, version="2.0",
    node="head.dense3",
)  # fmt: skip
