"""The PyTorch ResNetV2 as its users define it: module names, order and calls are what the summary shows."""

import torch
from torch import nn


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


class BasicBlockV2(nn.Module):
    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = conv(inputs, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3)
        self.downsample = downsample

    def forward(self, x):
        # ReLU works in place on the norm's output, never on x.
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        return out + (x if self.downsample is None else self.downsample(x))


class BottleneckV2(nn.Module):
    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = conv(inputs, width, 1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = conv(width, width * self.expansion, 1)
        self.downsample = downsample

    def forward(self, x):
        out = self.conv1(self.relu(self.bn1(x)))
        out = self.conv2(self.relu(self.bn2(out)))
        out = self.conv3(self.relu(self.bn3(out)))
        return out + (x if self.downsample is None else self.downsample(x))


class ResNetV2(nn.Module):
    def __init__(self, block, blocks: list[int], num_classes: int = 1000):
        super().__init__()
        self.channels = 64
        self.conv1 = conv(3, 64, 7, 2)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = self.stage(block, blocks[0], 64, 1)
        self.layer2 = self.stage(block, blocks[1], 128, 2)
        self.layer3 = self.stage(block, blocks[2], 256, 2)
        self.layer4 = self.stage(block, blocks[3], 512, 2)
        self.bn_last = nn.BatchNorm2d(self.channels)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(self.channels, num_classes)

    def stage(self, block, blocks: int, width: int, stride: int) -> nn.Sequential:
        outputs = width * block.expansion
        downsample = None
        if stride != 1 or self.channels != outputs:
            downsample = nn.Sequential(conv(self.channels, outputs, 1, stride), nn.BatchNorm2d(outputs))
        layers = [block(self.channels, width, stride, downsample)]
        layers += [block(outputs, width, 1, None) for _ in range(blocks - 1)]
        self.channels = outputs
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = self.avgpool(self.relu(self.bn_last(x)))
        return self.fc(torch.flatten(x, 1))


NETWORKS = {
    "resnet18_v2": (BasicBlockV2, [2, 2, 2, 2]),
    "resnet34_v2": (BasicBlockV2, [3, 4, 6, 3]),
    "resnet50_v2": (BottleneckV2, [3, 4, 6, 3]),
    "resnet101_v2": (BottleneckV2, [3, 4, 23, 3]),
    "resnet152_v2": (BottleneckV2, [3, 8, 36, 3]),
}


def make(name: str, num_classes: int = 1000) -> nn.Module:
    """A network by name: one of the five above, or `resnet50_v1` … from torchvision."""
    if name in NETWORKS:
        return ResNetV2(*NETWORKS[name], num_classes)
    import torchvision

    return getattr(torchvision.models, name.removesuffix("_v1"))(num_classes=num_classes)
