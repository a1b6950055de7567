"""What the `rnw` command finds, as values with types. The whole document is in `document`, as docs/schemas has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ._format import one_line


@dataclass(frozen=True)
class Layer:
    """A layer that was compared. `scaled_error` is the largest difference in units of the largest value."""

    name: str
    family_name: str
    shape: tuple[int, ...]
    max_abs: float
    scaled_error: float
    limit: float
    passed: bool

    def __bool__(self) -> bool:
        return self.passed

    @classmethod
    def of(cls, layer: Mapping[str, Any]) -> Layer:
        return cls(
            name=layer["name"],
            family_name=layer.get("familyName") or layer["name"],
            shape=tuple(layer["shape"]),
            max_abs=float(layer["maxAbs"]),
            scaled_error=float(layer["scaledError"]),
            limit=float(layer["limit"]),
            passed=layer["pass"],
        )


@dataclass(frozen=True)
class Culprit:
    """The first layer whose inputs agree and whose value does not, and what is suspected."""

    name: str
    family_name: str
    parameters: tuple[str, ...]
    suspicion: str | None


@dataclass(frozen=True)
class Comparison:
    """Two models layer by layer. True where every layer is within its limit, and weights and options agree."""

    schemas: ClassVar[tuple[str, ...]] = ("rnw.comparison/1", "rnw.graph-comparison/1")

    passed: bool
    layers: tuple[Layer, ...]
    culprit: Culprit | None
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        failed = sum(not layer for layer in self.layers)
        if self.passed:
            told = f", with {len(self.assumptions)} things the file does not tell" if self.assumptions else ""
            return f"PASS{told}: {len(self.layers)} layers compared, all within limits"
        text = f"FAIL: {failed} of {len(self.layers)} layers out of limits"
        if self.culprit is None:
            return text
        cause = f": {self.culprit.suspicion}" if self.culprit.suspicion else ""
        return one_line(f"{text}; the first that is wrong is {self.culprit.family_name}{cause}")

    @property
    def worst(self) -> Layer | None:
        """The layer that is nearest to its limit, or furthest beyond it."""
        return max(self.layers, key=lambda layer: layer.scaled_error / (layer.limit or 1e-300), default=None)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Comparison:
        return cls(**common(document))


@dataclass(frozen=True)
class Conversion(Comparison):
    """A conversion and its proof. `path` is the file that was written, None where a layer was out of its limit."""

    schemas: ClassVar[tuple[str, ...]] = ("rnw.conversion/1",)

    path: str | None
    bytes: int | None
    architecture: str
    family: str
    container: str
    precision: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Conversion:
        output = document.get("output") or {}
        return cls(
            **common(document),
            path=output.get("path"),
            bytes=output.get("bytes"),
            architecture=document["architecture"],
            family=document["family"],
            container=document["container"],
            precision=document["precision"],
        )


def common(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "passed": document["verdict"] == "pass",
        "layers": tuple(Layer.of(layer) for layer in document["layers"]),
        "culprit": culprit(document),
        "assumptions": tuple(f"{one['option']}: {one['value']}" for one in document.get("assumptions") or ()),
        "notes": tuple(document.get("notes") or document.get("remarks") or ()),
        "document": document,
    }


def culprit(document: Mapping[str, Any]) -> Culprit | None:
    found = document.get("culprit")
    if not found:
        return None
    return Culprit(
        name=found["name"],
        family_name=found.get("familyName") or found["name"],
        parameters=tuple(found.get("parameters") or ()),
        suspicion=found.get("suspicion") or document.get("suspicion"),
    )
