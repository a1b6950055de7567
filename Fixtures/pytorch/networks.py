"""Networks of the collections that are code to copy, not libraries, as their authors wrote them.

`PreActResNet` and `ResNet` are kuangliu/pytorch-cifar (49b7aa9), `ResNetV2` is google-research/big_transfer (140de6e),
all with free widths. Wide ResNets and `PreResNet` are written anew after the code that they name. The names of the modules
are those of the originals.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F


class PreActBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, self.expansion * planes, 1, stride, bias=False))

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out += shortcut
        return out


class PreActBottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, self.expansion * planes, 1, bias=False)
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, self.expansion * planes, 1, stride, bias=False))

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out = self.conv3(F.relu(self.bn3(out)))
        out += shortcut
        return out


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1, zeros=False):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = Zeros(planes) if zeros else nn.Sequential(
                nn.Conv2d(in_planes, self.expansion * planes, 1, stride, bias=False),
                nn.BatchNorm2d(self.expansion * planes),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class Zeros(nn.Module):
    """Option A of akamaster/pytorch_resnet_cifar10: every second pixel, a quarter of the channels before and after."""

    def __init__(self, planes):
        super().__init__()
        self.planes = planes

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.planes // 4, self.planes // 4), "constant", 0)


class CIFARResNet(nn.Module):
    """PreActResNet with a pre-activation block, else ResNet; `last` adds the norm of its descendants."""

    def __init__(self, block, blocks, planes, classes, last=False, **options):
        super().__init__()
        self.in_planes = planes
        self.conv1 = nn.Conv2d(3, planes, 3, 1, 1, bias=False)
        self.is_pre = block in (PreActBlock, PreActBottleneck)
        if not self.is_pre:
            self.bn1 = nn.BatchNorm2d(planes)
        self.stages = len(blocks)
        for stage, count in enumerate(blocks):
            strides = [1 if stage == 0 else 2] + [1] * (count - 1)
            layers = []
            for stride in strides:
                layers.append(block(self.in_planes, planes << stage, stride, **options))
                self.in_planes = (planes << stage) * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        if last:
            self.bn = nn.BatchNorm2d(self.in_planes)
        self.linear = nn.Linear(self.in_planes, classes)

    def forward(self, x):
        out = self.conv1(x)
        if not self.is_pre:
            out = F.relu(self.bn1(out))
        for stage in range(self.stages):
            out = getattr(self, f"layer{stage + 1}")(out)
        if hasattr(self, "bn"):
            out = F.relu(self.bn(out))
        out = F.avg_pool2d(out, out.shape[-2:])
        return self.linear(out.view(out.size(0), -1))


class WideBlock(nn.Module):
    """A block of Wide ResNets: the projection reads what the convolutions read."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None

    def forward(self, x):
        active = self.relu1(self.bn1(x))
        side = x if self.convShortcut is None else self.convShortcut(active)
        return side + self.conv2(self.relu2(self.bn2(self.conv1(active))))


class WideStage(nn.Module):
    def __init__(self, count, inputs, outputs, stride):
        super().__init__()
        self.layer = nn.Sequential(*(WideBlock(outputs if i else inputs, outputs, 1 if i else stride) for i in range(count)))

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    """The networks of xternalz/WideResNet-pytorch (24a5cb1), written anew; `spare` adds the unused stage of TRADES (9ee26f4)."""

    def __init__(self, blocks, width, classes, spare=False):
        super().__init__()
        stem = 4
        self.conv1 = nn.Conv2d(3, stem, 3, 1, 1, bias=False)
        widths = [stem] + [width << stage for stage in range(3)]
        self.block1 = WideStage(blocks, widths[0], widths[1], 1)
        if spare:
            self.sub_block1 = WideStage(blocks, widths[0], widths[1], 1)
        self.block2 = WideStage(blocks, widths[1], widths[2], 2)
        self.block3 = WideStage(blocks, widths[2], widths[3], 2)
        self.bn1 = nn.BatchNorm2d(widths[3])
        self.relu = nn.ReLU()
        self.fc = nn.Linear(widths[3], classes)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(self.relu(self.bn1(x)).mean((2, 3)))


class PreBlock(nn.Module):
    """A block whose projection reads the raw input, of two convolutions or of three."""

    def __init__(self, inputs, planes, stride, is_bottleneck):
        super().__init__()
        outputs = planes * (4 if is_bottleneck else 1)
        kernels = (1, 3, 1) if is_bottleneck else (3, 3)
        self.count = len(kernels)
        widths = [inputs] + [planes] * (self.count - 1) + [outputs]
        strided = 1 if is_bottleneck else 0
        for i, kernel in enumerate(kernels):
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(widths[i]))
            conv = nn.Conv2d(widths[i], widths[i + 1], kernel, stride if i == strided else 1, kernel // 2, bias=False)
            setattr(self, f"conv{i + 1}", conv)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))

    def forward(self, x):
        side, y = x if self.downsample is None else self.downsample(x), x
        for i in range(1, self.count + 1):
            y = getattr(self, f"conv{i}")(self.relu(getattr(self, f"bn{i}")(y)))
        return y + side


class PreResNet(nn.Module):
    """The networks of bearpaw/pytorch-classification (6e1d46e), written anew."""

    def __init__(self, blocks, planes, classes, is_bottleneck):
        super().__init__()
        self.conv1 = nn.Conv2d(3, planes, 3, 1, 1, bias=False)
        channels = planes
        for stage in range(3):
            layers = []
            for i in range(blocks):
                layers.append(PreBlock(channels, planes << stage, 2 if stage and not i else 1, is_bottleneck))
                channels = (planes << stage) * (4 if is_bottleneck else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(self.relu(self.bn(x)).mean((2, 3)))


class StdConv2d(nn.Conv2d):
    def forward(self, x):
        w = self.weight
        v, m = torch.var_mean(w, dim=[1, 2, 3], keepdim=True, unbiased=False)
        w = (w - m) / torch.sqrt(v + 1e-10)
        return F.conv2d(x, w, self.bias, self.stride, self.padding, self.dilation, self.groups)


class GoogleBottleneck(nn.Module):
    def __init__(self, cin, cout, cmid, stride=1):
        super().__init__()
        self.gn1 = nn.GroupNorm(32, cin)
        self.conv1 = StdConv2d(cin, cmid, 1, bias=False)
        self.gn2 = nn.GroupNorm(32, cmid)
        self.conv2 = StdConv2d(cmid, cmid, 3, stride, 1, bias=False)
        self.gn3 = nn.GroupNorm(32, cmid)
        self.conv3 = StdConv2d(cmid, cout, 1, bias=False)
        self.relu = nn.ReLU()
        if stride != 1 or cin != cout:
            self.downsample = StdConv2d(cin, cout, 1, stride, bias=False)

    def forward(self, x):
        out = self.relu(self.gn1(x))
        residual = self.downsample(out) if hasattr(self, "downsample") else x
        out = self.conv1(out)
        out = self.conv2(self.relu(self.gn2(out)))
        out = self.conv3(self.relu(self.gn3(out)))
        return out + residual


class GoogleResNetV2(nn.Module):
    def __init__(self, stem, widths, middles, blocks, classes):
        super().__init__()
        self.root = nn.Sequential()
        self.root.add_module("conv", StdConv2d(3, stem, 7, 2, 3, bias=False))
        self.root.add_module("pad", nn.ConstantPad2d(1, 0))
        self.root.add_module("pool", nn.MaxPool2d(3, 2, 0))
        self.body = nn.Sequential()
        channels = stem
        for stage, (width, middle, count) in enumerate(zip(widths, middles, blocks)):
            block = nn.Sequential()
            for unit in range(count):
                stride = 2 if stage > 0 and unit == 0 else 1
                block.add_module(f"unit{unit + 1:02d}", GoogleBottleneck(channels, width, middle, stride))
                channels = width
            self.body.add_module(f"block{stage + 1}", block)
        self.head = nn.Sequential()
        self.head.add_module("gn", nn.GroupNorm(32, channels))
        self.head.add_module("relu", nn.ReLU())
        self.head.add_module("avg", nn.AdaptiveAvgPool2d(1))
        self.head.add_module("conv", nn.Conv2d(channels, classes, 1))

    def forward(self, x):
        return self.head(self.body(self.root(x)))[..., 0, 0]
