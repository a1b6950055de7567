extension Configuration.Activation {
  /// What people call the function.
  public var title: String {
    switch self {
    case .softmax: "softmax"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .relu: "ReLU"
    case .relu6: "ReLU6"
    case .leakyRelu(let slope): "leaky ReLU, slope \(slope)"
    case .elu(let alpha): alpha == 1 ? "ELU" : "ELU, α \(alpha)"
    case .selu: "SELU"
    case .gelu: "GELU"
    case .geluTanh: "GELU (tanh)"
    case .silu: "SiLU"
    case .softplus: "softplus"
    case .hardSigmoid(let slope): slope == 1 / 6 ? "hard sigmoid" : "hard sigmoid, slope \(slope)"
    case .hardSwish: "hard swish"
    }
  }
}

extension Configuration.Activation {
  /// The name of PyTorch's module.
  package var pyTorchName: String {
    switch self {
    case .softmax: "Softmax"
    case .sigmoid: "Sigmoid"
    case .tanh: "Tanh"
    case .relu: "ReLU"
    case .relu6: "ReLU6"
    case .leakyRelu: "LeakyReLU"
    case .elu: "ELU"
    case .selu: "SELU"
    case .gelu, .geluTanh: "GELU"
    case .silu: "SiLU"
    case .softplus: "Softplus"
    case .hardSigmoid: "Hardsigmoid"
    case .hardSwish: "Hardswish"
    }
  }
}
