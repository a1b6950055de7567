"""Checks a file by its own records and, by its certificate, that its network still computes what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from ._file import Path, WeightFile, load
from ._fingerprints import read as read_fingerprints
from ._format import RNWError, TensorRecord, one_line, quoted
from ._network import Network, NetworkError, needs_version_2
from ._probe import probe
from ._records import check_certificate, check_preprocessing, check_source, numbers
from ._results import Comparison
from ._tool import Option, Progress, compare

Forward: TypeAlias = "Callable[[npt.NDArray[np.float32]], Any]"


@dataclass(frozen=True)
class CertificateCheck:
    """How far a network's output on the probe is from the one in the certificate."""

    node: str
    error: float
    limit: float

    def __bool__(self) -> bool:
        # Not `not error > limit`: NaN passes nothing.
        return self.error <= self.limit


@dataclass(frozen=True)
class VerificationReport:
    """True when nothing was found. `problems` are single lines."""

    path: str
    tensors: int
    problems: tuple[str, ...]
    certificate: CertificateCheck | None = None

    def __bool__(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        if self.problems:
            return "\n".join(self.problems)
        text = f"{one_line(self.path)}: {self.tensors} tensors, all checksums right"
        if self.certificate is None:
            return text
        return f"{text}; {self.certificate.node} within {self.certificate.error:.1e} of the certificate"


@overload
def verify(path: Path, *, forward: Forward | None = None, certificate: bool = True) -> VerificationReport: ...
@overload
def verify(path: Path, *, against: Path, progress: Progress | None = None, **options: Option) -> Comparison: ...
@overload
def verify(path: Path, *, candidate: Path, progress: Progress | None = None, **options: Option) -> Comparison: ...
@overload
def verify(path: Path, *, runtime: str, progress: Progress | None = None, **options: Option) -> Comparison: ...
def verify(path: Path, **options: Any) -> VerificationReport | Comparison:
    """Checks a `.rnw` by its own records, or with `against`, `candidate` or `runtime` compares any model layer by layer.

    The comparison is the one of `rnw verify`, whose options may all be told by their names: `limit=1e-4`,
    `isolated=True`. It needs the command, which the wheel brings along; its own records are read by numpy alone:

    the structure, every checksum, that the tensors are those of the network that the file describes, and the
    certificate: the logits of its probe are computed again.

    They are computed by numpy, which takes about a second for a ResNet50, or by `forward`: your own network with these
    weights. It gets the probe, float32 of [N, H, W, C], and gives the logits (before a softmax); for a network without
    a dense layer its last value, [N, C], or [N, H, W, C], which is averaged here. With `certificate=False` nothing is
    computed. A file that was made rather than converted has no certificate, which is a problem only for `forward`.

    A broken file gives a report with problems. What the system says about a file that cannot be opened is raised, and
    so is what `forward` raises.
    """
    if not options.keys() & {"against", "candidate", "runtime"}:
        return own_records(path, **options)
    if options.keys() & {"forward", "certificate"}:
        raise TypeError("forward and certificate are for a file's own records, not for a comparison")
    return compare(path, **options)


def own_records(path: Path, *, forward: Forward | None = None, certificate: bool = True) -> VerificationReport:
    if forward is not None and not certificate:
        raise ValueError("forward computes the certificate; without one it is not needed")
    try:
        file = load(path)
    except RNWError as error:
        return VerificationReport(error.path, 0, (str(error),))
    with file:
        problems = document_problems(file) + network_problems(file) + tensor_problems(file)
        check = None
        if certificate and not problems and (forward is not None or file.certificate is not None):
            check, problems = certificate_check(file, forward)
        return VerificationReport(file.path, len(file), tuple(problems), check)


def document_problems(file: WeightFile) -> list[str]:
    """The records must be of the form that the page gives them; that they are JSON is known since the file was opened."""
    problems = []
    for key, document, check in (
        ("rnw.source", file.source, check_source),
        ("rnw.preprocessing", file.preprocessing, check_preprocessing),
        ("rnw.certificate", file.certificate, check_whole_certificate),
    ):
        if document is None:
            continue
        try:
            check(document)
        except ValueError as error:
            problems.append(str(RNWError(file.path, key, str(error))))
    return problems


def check_whole_certificate(certificate: dict[str, Any]) -> None:
    check_certificate(certificate)
    if "fingerprints" in certificate:
        read_fingerprints(certificate)


def network_problems(file: WeightFile) -> list[str]:
    """The tensors must be exactly the parameters of the network, each of a type in which it is stored."""
    # Zeros without memory stand for the values: only the shapes matter.
    shapes = {name: np.broadcast_to(np.float32(0), record.shape) for name, record in file.tensors.items()}
    try:
        with np.errstate(all="ignore"):
            Network(file.configuration, shapes).check(*checked_size(file))
    except NetworkError as error:
        return [str(RNWError(file.path, "rnw.configuration", str(error)))]
    for record in file.tensors.values():
        if not is_stored_so(record):
            problem = f"expected no {record.dtype} in a network"
            return [str(RNWError(file.path, f"tensor {quoted(record.name)}", problem))]
    return []


def checked_size(file: WeightFile) -> tuple[int, int]:
    """Height and width of an image that the network takes: a head that flattens takes one size only."""
    if not needs_version_2(file.configuration):
        return 1, 1
    probe_shape = (file.certificate or {}).get("probe", {}).get("shape", [1, 64, 64, 3])
    height, width = probe_shape[1:3]
    return min(int(height), 1 << 10), min(int(width), 1 << 10)


def is_stored_so(record: TensorRecord) -> bool:
    """Kernels and the matrix may be rounded, int8 with scales; everything else is float32."""
    if record.dtype == "F32" or not record.name.endswith(".weight"):
        return record.dtype == "F32"
    return record.dtype in ("F16", "BF16") or (record.dtype == "I8" and record.scales is not None)


def tensor_problems(file: WeightFile) -> list[str]:
    problems = []
    for name in file:
        try:
            file.check(name)
        except RNWError as error:
            problems.append(str(error))
    return problems


def certificate_check(file: WeightFile, forward: Forward | None) -> tuple[CertificateCheck | None, list[str]]:
    try:
        node, limit, expected, images = stated(file)
        output = own_forward(file, images) if forward is None else forward(images)
    except RNWError as error:
        return None, [str(error)]
    actual = of_the_first_image(np.asarray(output, np.float64))
    if actual.size != expected.size:
        problem = f"expected {expected.size} values of {node}, the network gave {actual.size}"
        return None, [str(RNWError(file.path, "rnw.certificate", problem))]
    check = CertificateCheck(node, scaled_error(actual, expected), limit)
    if check:
        return check, []
    problem = f"expected {node} within {limit:.1e} of the stated values, the error is {check.error:.1e}"
    return check, [str(RNWError(file.path, "rnw.certificate", problem))]


def stated(file: WeightFile) -> tuple[str, float, npt.NDArray[np.float64], npt.NDArray[np.float32]]:
    """The node, the limit, the values and the probe of the certificate."""
    certificate = file.certificate
    if certificate is None:
        raise RNWError(file.path, "rnw.certificate", "expected a certificate to compare with")
    try:
        check_certificate(certificate)
    except ValueError as error:
        raise RNWError(file.path, "rnw.certificate", str(error)) from None
    values = np.asarray(numbers(certificate, "values"))
    made = certificate["probe"]
    images = probe(made["shape"], made["seed"], made.get("scale"), made.get("offset"))
    return certificate["node"], float(certificate["limit"]), values, images


def own_forward(file: WeightFile, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if file.metadata["rnw.version"].startswith("1.") and needs_version_2(file.configuration):
        raise RNWError(file.path, "rnw.version", "expected 2.x for the network of rnw.configuration, found 1.x")
    try:
        # Weights of a hostile file may overflow; that shows in the error.
        with np.errstate(all="ignore"):
            return Network(file.configuration, file)(images)
    except NetworkError as error:
        raise RNWError(file.path, "rnw.configuration", str(error)) from None


def of_the_first_image(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[C], of [N, C] or of [N, H, W, C], which is averaged over the image."""
    first = values[0] if values.ndim in (2, 4) and len(values) else values
    mean: npt.NDArray[np.float64] = first.mean(axis=(0, 1)) if first.ndim == 3 else first
    return mean.reshape(-1)


def scaled_error(actual: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]) -> float:
    """max |a - b| / max |b|. What is not finite agrees with nothing, not even with itself: it would prove nothing."""
    if not np.all(np.isfinite(actual) & np.isfinite(expected)):
        return float("inf")
    difference = np.max(np.abs(actual - expected), initial=0.0)
    scale = np.max(np.abs(expected), initial=0.0)
    return float(difference / scale if scale > 0 else difference)
