"""The PyTorch ResNets that the fixtures are made of: torchvision's layout, pre- and post-activation, of any width."""

import torch
from torch import nn


class BasicBlockV2(nn.Module):
    """Norm and ReLU before each of two 3x3 convolutions; a projection reads the raw input and has its own norm."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=False)
        if downsample is not None:
            self.downsample = downsample

    def forward(self, x):
        identity = self.downsample(x) if hasattr(self, "downsample") else x
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        return out + identity


class BottleneckV2(nn.Module):
    """Norm and ReLU before each of a 1x1, a 3x3 (with the stride) and a 1x1 convolution."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.relu = nn.ReLU(inplace=False)
        if downsample is not None:
            self.downsample = downsample

    def forward(self, x):
        identity = self.downsample(x) if hasattr(self, "downsample") else x
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        out = self.conv3(self.relu(self.bn3(out)))
        return out + identity


class BasicBlock(nn.Module):
    """torchvision's block: convolution, norm, ReLU; a ReLU after the addition."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=False)
        if downsample is not None:
            self.downsample = downsample

    def forward(self, x):
        identity = self.downsample(x) if hasattr(self, "downsample") else x
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + identity)


class ResNet(nn.Module):
    """Stem convolution, norm, ReLU, pool; stages; for version 2 a last norm and ReLU; average, dense layer."""

    def __init__(self, block, blocks, *, stem=64, widths=(64, 128, 256, 512), classes=1000, version=2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=False)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = stem
        self.stages = len(blocks)
        for stage, (count, width) in enumerate(zip(blocks, widths), start=1):
            stride = 1 if stage == 1 else 2
            outputs = width * block.expansion
            downsample = None
            if stride != 1 or channels != outputs:
                downsample = nn.Sequential(
                    nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )
            layers = [block(channels, width, stride, downsample)]
            layers += [block(outputs, width, 1, None) for _ in range(count - 1)]
            setattr(self, f"layer{stage}", nn.Sequential(*layers))
            channels = outputs
        if version == 2:
            self.bn_last = nn.BatchNorm2d(channels)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        if hasattr(self, "bn_last"):
            x = self.relu(self.bn_last(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


DEPTHS = {
    18: (BasicBlockV2, (2, 2, 2, 2)),
    34: (BasicBlockV2, (3, 4, 6, 3)),
    50: (BottleneckV2, (3, 4, 6, 3)),
    101: (BottleneckV2, (3, 4, 23, 3)),
    152: (BottleneckV2, (3, 8, 36, 3)),
}


def resnet_v2(depth: int, classes: int = 1000) -> ResNet:
    block, blocks = DEPTHS[depth]
    return ResNet(block, blocks, classes=classes)


def randomize(model: nn.Module, seed: int) -> nn.Module:
    """Random weights whose norms are far from the identity; values stay of order 1 through the depth."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor, low, high):
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                fan_in = module.weight[0].numel()
                noise = torch.randn(module.weight.shape, generator=generator)
                module.weight.copy_(noise * (2 / fan_in) ** 0.5)
                if module.bias is not None:
                    uniform(module.bias, -0.3, 0.3)
            elif isinstance(module, nn.BatchNorm2d):
                uniform(module.weight, 0.5, 1.5)
                uniform(module.bias, -0.3, 0.3)
                uniform(module.running_mean, -0.3, 0.3)
                uniform(module.running_var, 0.5, 1.5)
                module.num_batches_tracked.fill_(7)
    return model.eval()


def activations(model: nn.Module, images: torch.Tensor) -> dict[str, "numpy.ndarray"]:
    """The output of every module, by name; a module that is called again gets the number of the call: `relu#2`."""
    values = {"input": images.numpy()}
    calls: dict[str, int] = {}

    def keep(name):
        def hook(_module, _inputs, output):
            calls[name] = calls.get(name, 0) + 1
            suffix = f"#{calls[name]}" if calls[name] > 1 else ""
            values[name + suffix] = output.detach().numpy()

        return hook

    for name, module in model.named_modules():
        if name and not isinstance(module, nn.Sequential):
            module.register_forward_hook(keep(name))
    with torch.no_grad():
        model(images)
    values["avgpool"] = values["avgpool"].reshape(images.shape[0], -1)
    return values
