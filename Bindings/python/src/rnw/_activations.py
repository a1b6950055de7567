"""The functions between the layers of a head, as the page of the format defines them; on float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Doubles: TypeAlias = "npt.NDArray[np.float64]"
Function: TypeAlias = Callable[[Any], Any]


def softmax(x: Doubles) -> Doubles:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    result: Doubles = powers / powers.sum(axis=-1, keepdims=True)
    return result


def sigmoid(x: Doubles) -> Doubles:
    result: Doubles = 0.5 * (1 + np.tanh(x / 2))
    return result


def elu(x: Doubles, alpha: float) -> Doubles:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu(x: Doubles) -> Doubles:
    tail = np.array([math.erfc(-value / math.sqrt(2)) for value in x.ravel()], np.float64)
    result: Doubles = x * tail.reshape(x.shape) / 2
    return result


# The functions without a number of their own, and those with one.
PLAIN: dict[str, Function] = {
    "softmax": softmax,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "gelu": gelu,
    "geluTanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * sigmoid(x),
    "softplus": lambda x: np.logaddexp(x, 0),
    "hardSwish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
}
NUMBERED: dict[str, Callable[[Any, float], Any]] = {
    "leakyRelu": lambda x, slope: np.where(x > 0, x, slope * x),
    "elu": elu,
    "hardSigmoid": lambda x, slope: np.clip(slope * x + 0.5, 0, 1),
}
