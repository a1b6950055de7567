"""Reads `.rnw` files: lazily, checked, and with nothing but numpy. Makes and judges them by the `rnw` command.

    with rnw.load("resnet50v2.rnw") as weights:
        kernel = weights["stem.conv.weight"]        # a numpy array, OIHW
    assert rnw.verify("resnet50v2.rnw")             # structure and every checksum
    print(rnw.check("resnet50v2.rnw", "engine.npz"))  # the first wrong layer of an engine of yours

    rnw.convert("resnet50v2.h5", "resnet50v2.rnw")  # what the command does, as typed results
    print(rnw.verify("resnet50v2.rnw", against="resnet50v2.h5").worst)

`rnw.models` hands the weights to a PyTorch module or a Keras model; `python -m rnw.capture` writes what a framework
computes, for `rnw verify --against`.
"""

from ._file import WeightFile, load, metadata
from ._fingerprints import EngineCheck, LayerCheck, check
from ._format import RNWError, TensorRecord
from ._probe import probe
from ._results import Comparison, Conversion, Culprit, Layer
from ._tool import ToolError, convert
from ._verify import CertificateCheck, VerificationReport, verify

__all__ = [
    "CertificateCheck",
    "Comparison",
    "Conversion",
    "Culprit",
    "EngineCheck",
    "Layer",
    "LayerCheck",
    "RNWError",
    "TensorRecord",
    "ToolError",
    "VerificationReport",
    "WeightFile",
    "check",
    "convert",
    "load",
    "metadata",
    "probe",
    "verify",
]
__version__ = "0.1.0"
