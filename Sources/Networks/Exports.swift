// Whoever has a network has its graph, its shapes and its values: one import is enough.
@_exported public import Inference
@_exported public import ResNetV2
@_exported public import Tensors
