"""Random networks as people save them from PyTorch: changed blocks, heads, wrappers, whole checkpoints."""

import argparse
import importlib.util
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

spec = importlib.util.spec_from_file_location("torch_networks", Path(__file__).parent.parent / "torch" / "networks.py")
networks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(networks)

HIDDEN = (nn.Tanh, nn.GELU, nn.ELU, nn.SELU, nn.SiLU, nn.ReLU6, nn.LeakyReLU, nn.Softplus, nn.Hardswish, nn.Hardsigmoid)
# How they are told to the tool.
WORDS = {
    "ReLU6": "relu6",
    "LeakyReLU": "leakyRelu:0.01",
    "ELU": "elu:1",
    "Hardswish": "hardSwish",
    "Hardsigmoid": "hardSigmoid:0.16666666666666666",
}


def model(story):
    """A network by the choices of a story, with its weights."""
    choose = story.choose
    version = choose("version", 2, 1, share=0.35)
    kinds = {2: (networks.BasicBlockV2, networks.BottleneckV2), 1: (networks.BasicBlock,)}[version]
    block = choose("block", kinds[0], *kinds[1:], share=0.5)
    blocks = choose("blocks", (2, 2), (1, 2), (2, 1, 1), (1, 1, 1, 1), share=0.6)
    widths = tuple(choose("width", 4, 6) * 2**stage for stage in range(len(blocks)))
    net = networks.ResNet(block, blocks, stem=choose("stem width", 8), widths=widths, classes=choose("classes", 10, 2, 1, 5), version=version)
    change(net, story)
    net.fc = head(net.fc, story)
    networks.randomize(net, story.seed)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.Linear):
                module.weight.mul_(0.6)
    return net.eval()


def change(net, story) -> None:
    """What the names and shapes of weights do not tell, or tell by shapes alone."""
    choose = story.choose
    epsilon = choose("epsilon", 1e-5, 1e-3, 1e-4, share=0.15)
    story.fact("norm.epsilon", epsilon, "--epsilon", str(epsilon))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = epsilon
    stem = choose("stem", "7x7", "3x3", "3x3 without pool", "stride 1", share=0.15)
    story.fact("stem.stride", *(["2"] if stem == "7x7" else ["1", "--option", "stem.convolutions[0].stride=1"]))
    if stem.startswith("3x3"):
        net.conv1 = nn.Conv2d(3, net.conv1.out_channels, 3, 1, 1, bias=False)
    if stem == "3x3 without pool":
        net.maxpool = nn.Identity()
    if stem == "stride 1":
        net.conv1.stride = (1, 1)
    pool = choose("pool", "max", "average", "no border", share=0.1)
    usual = "3×3 with stride 2 and a border of negativeInfinity"
    if pool == "average":
        net.maxpool = nn.AvgPool2d(3, 2, 1)
        story.fact("stem.pool", "an average")
    elif stem == "3x3 without pool":
        story.fact("stem.pool", "none", "--option", "stem.pool=none")
    elif pool == "no border":
        net.maxpool = nn.MaxPool2d(3, 2, 0)
        story.fact("stem.pool", "no border")
    else:
        story.fact("stem.pool", usual, "--option", 'stem.pool={"size":3,"stride":2,"padding":"negativeInfinity"}')
    place = choose("stride in", "spatial", "first", share=0.12)
    story.set_option("block.stridedConvolution", place)
    if place == "first":
        for module in net.modules():
            if isinstance(module, networks.BottleneckV2) and module.conv2.stride != (1, 1):
                module.conv1.stride, module.conv2.stride = module.conv2.stride, (1, 1)
    relu = choose("relu", nn.ReLU, nn.LeakyReLU, nn.SiLU, share=0.08)
    story.fact("block.activation", relu.__name__)
    for module in net.modules():
        if hasattr(module, "relu"):
            module.relu = relu()
    pooling = choose("global pool", "average", "max", share=0.12)
    story.fact("head.pooling", pooling, "--pooling", pooling)
    if pooling == "max":
        net.avgpool = nn.AdaptiveMaxPool2d((1, 1))


def head(linear, story):
    choose = story.choose
    kind = choose("head", "linear", "dropout", "two layers", "identity", "norm", "sigmoid", "no bias", share=0.5)
    inputs, classes = linear.in_features, linear.out_features
    story.fact("head.activation", "none", "--activation", "none")
    if kind == "dropout":
        return nn.Sequential(nn.Dropout(0.5), linear)
    if kind == "no bias":
        return nn.Linear(inputs, classes, bias=False)
    if kind == "identity":
        return nn.Identity()
    if kind == "sigmoid":
        story.fact("head.activation", "sigmoid", "--activation", "sigmoid")
        return nn.Sequential(linear, nn.Sigmoid())
    if kind == "norm":
        epsilon = choose("head epsilon", 1e-5, 1e-3)
        story.set_option("head.layers[0].norm.kind.batch.epsilon", epsilon)
        return nn.Sequential(nn.BatchNorm1d(inputs, eps=epsilon), linear)
    return more_heads(inputs, classes, story) or known_head(kind, linear, story)


def more_heads(inputs, classes, story):
    """Heads that are refused, or computed only where a file tells them."""
    kind = story.also(
        "other head", None, "layer norm", "weight norm", "parallel", "named", "conv", "square", "prelu", share=0.25)
    if kind == "layer norm":
        return nn.Sequential(nn.LayerNorm(inputs), nn.Linear(inputs, classes))
    if kind == "weight norm":
        return nn.utils.parametrizations.weight_norm(nn.Linear(inputs, classes))
    if kind == "prelu":
        return nn.Sequential(nn.Linear(inputs, 7), nn.PReLU(), nn.Linear(7, classes))
    if kind == "square":
        story.fact("head.layers[1].activation", "ReLU", "--option", "head.layers[1].activation=relu")
        return nn.Sequential(nn.Linear(inputs, inputs), nn.ReLU(), nn.Linear(inputs, classes))
    if kind in ("parallel", "named"):
        story.fact("head.layers[1].activation", "ReLU", "--option", "head.layers[1].activation=relu")
        return Named(inputs, classes, kind == "parallel")
    if kind == "conv":
        return nn.Sequential(nn.Unflatten(1, (inputs, 1, 1)), nn.Conv2d(inputs, classes, 1), nn.Flatten())
    return None


class Named(nn.Module):
    """Two layers of numbered names, one after the other or side by side."""

    def __init__(self, inputs, classes, is_parallel) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, inputs if is_parallel else 9)
        self.fc2 = nn.Linear(inputs if is_parallel else 9, classes)
        self.is_parallel = is_parallel

    def forward(self, x):
        first = torch.relu(self.fc1(x))
        return self.fc2(x) + first.mean() if self.is_parallel else self.fc2(first)


def known_head(kind, linear, story):
    choose = story.choose
    inputs, classes = linear.in_features, linear.out_features
    if kind == "two layers":
        function = choose("hidden", nn.ReLU, *HIDDEN, share=0.5)
        name = function.__name__
        story.fact(
            "head.layers[1].activation", name, "--option", f"head.layers[1].activation={WORDS.get(name, name.lower())}")
        return nn.Sequential(nn.Linear(inputs, 7), function(), nn.Dropout(0.2), nn.Linear(7, classes))
    return linear


class Wrapper(nn.Module):
    """A network within a module of another name."""

    def __init__(self, name, network) -> None:
        super().__init__()
        self.name = name
        setattr(self, name, network)

    def forward(self, x):
        return getattr(self, self.name)(x)


def save(net, folder: Path, story) -> list[Path]:
    """Writes the weights in one of the forms in which people have them."""
    choose = story.choose
    wrapper = choose("wrapper", None, "module", "backbone", "encoder", "net", "model", "_orig_mod", share=0.4)
    state = net.state_dict()
    if story.also("averaged", False, True, share=0.1):
        # As torch.optim.swa_utils.AveragedModel has them.
        state = OrderedDict([("n_averaged", torch.tensor(3))] + [(f"module.{n}", v) for n, v in state.items()])
    order = story.also("order", None, "sorted", "reversed", "shuffled", share=0.3)
    if order:
        names = sorted(state, reverse=order == "reversed")
        if order == "shuffled":
            story.later.shuffle(names)
        state = OrderedDict((name, state[name]) for name in names)
    if wrapper:
        state = OrderedDict((f"{wrapper}.{name}", value) for name, value in state.items())
    if choose("half", False, True, share=0.08):
        state = OrderedDict((n, v.half() if v.is_floating_point() else v) for n, v in state.items())
    beside = story.also("beside", None, "sparse", "auxiliary", "arrays", "prefix", share=0.25)
    if beside == "prefix":
        state = OrderedDict((f"model.student.{name}", value) for name, value in state.items())
    if beside == "auxiliary":
        state["aux_head.weight"] = torch.randn(3, 5)
    kind = choose("file", "plain", "legacy", "checkpoint", "two dictionaries", "namespace", "safetensors", share=0.7)
    if kind == "safetensors":
        from safetensors.torch import save_file

        save_file({name: value.contiguous() for name, value in state.items()}, folder / "model.safetensors")
        return [folder / "model.safetensors"]
    path = folder / "model.pth"
    if beside == "sparse":
        state["graph.edges"] = torch.eye(4).to_sparse()
    if beside == "arrays":
        state = OrderedDict((name, value.float().numpy()) for name, value in state.items())
    optimizer = {"state": {}, "param_groups": [{"lr": 0.1, "params": [0, 1]}]}
    if kind == "plain":
        torch.save(state, path)
    elif kind == "legacy":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif kind == "checkpoint":
        name = choose("key", "state_dict", "model", "model_state_dict", "net")
        torch.save({"epoch": 3, "best_acc1": torch.tensor(71.5), name: state, "optimizer": optimizer}, path)
    elif kind == "two dictionaries":
        other = OrderedDict(
            (n, v + 0.5 if torch.is_tensor(v) and not v.is_sparse and v.is_floating_point() else v)
            for n, v in state.items())
        story.fact("dictionary", "state_dict", "--dictionary", "state_dict")
        torch.save({"state_dict": state, "state_dict_ema": other, "optimizer": optimizer}, path)
    else:
        arguments = argparse.Namespace(arch="resnet18", lr=0.1, path=Path("data"))
        torch.save({"args": arguments, "epoch": 1, "model": state, "optimizer": optimizer}, path)
    return [path]
