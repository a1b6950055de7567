"""Keras' ResNet as a PyTorch module, layer by layer from the model's own graph."""

import numpy as np
import torch
from torch import nn


class KerasInTorch(nn.Module):
    """Takes and gives what the Keras model does, but for the input's layout, which is NCHW."""

    def __init__(self, model):
        super().__init__()
        self.steps = []
        self.operations = nn.ModuleDict()
        for layer in model.layers:
            kind = type(layer).__name__
            if kind == "InputLayer":
                self.input = layer.name
                continue
            inputs = [node.operation.name for node in layer._inbound_nodes[0].parent_nodes]
            self.steps.append((layer.name, inputs))
            self.operations[layer.name] = OPERATIONS[kind](layer)

    def forward(self, images):
        values = {self.input: images}
        for name, inputs in self.steps:
            values[name] = self.operations[name](*(values[source] for source in inputs))
        return values[self.steps[-1][0]]


class Sum(nn.Module):
    def forward(self, first, second):
        return first + second


class Mean(nn.Module):
    def forward(self, value):
        return value.mean((2, 3))


def tensor(array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def conv(layer):
    result = nn.Conv2d(layer.kernel.shape[2], layer.filters, layer.kernel_size, layer.strides, bias=layer.use_bias,
                       padding="same" if layer.padding == "same" and layer.strides == (1, 1) else 0)
    result.weight.data = tensor(layer.kernel.numpy().transpose(3, 2, 0, 1))
    if layer.use_bias:
        result.bias.data = tensor(layer.bias.numpy())
    return result


def norm(layer):
    result = nn.BatchNorm2d(layer.gamma.shape[0], eps=layer.epsilon)
    result.weight.data, result.bias.data = tensor(layer.gamma.numpy()), tensor(layer.beta.numpy())
    result.running_mean, result.running_var = tensor(layer.moving_mean.numpy()), tensor(layer.moving_variance.numpy())
    return result


def dense(layer):
    result = nn.Linear(*layer.kernel.shape)
    result.weight.data, result.bias.data = tensor(layer.kernel.numpy().T), tensor(layer.bias.numpy())
    return nn.Sequential(result, nn.Softmax(1)) if layer.activation.__name__ == "softmax" else result


def padding(layer):
    (top, bottom), (left, right) = layer.padding
    return nn.ZeroPad2d((left, right, top, bottom))


OPERATIONS = {
    "Conv2D": conv,
    "BatchNormalization": norm,
    "Dense": dense,
    "ZeroPadding2D": padding,
    "MaxPooling2D": lambda layer: nn.MaxPool2d(layer.pool_size, layer.strides),
    "Activation": lambda layer: nn.ReLU(),
    "Add": lambda layer: Sum(),
    "GlobalAveragePooling2D": lambda layer: Mean(),
}
