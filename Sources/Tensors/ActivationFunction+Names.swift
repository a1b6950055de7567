extension ActivationFunction {
  /// Every function, with 0 for a number of its own: the list that words are found in.
  private static let all: [ActivationFunction] = [
    .softmax, .sigmoid, .tanh, .relu, .relu6, .leakyRelu(slope: 0), .elu(alpha: 0), .selu, .gelu,
    .geluTanh, .silu, .softplus, .hardSigmoid(slope: 0), .hardSwish,
  ]

  /// The functions by their words.
  private static let known = Dictionary(uniqueKeysWithValues: all.map { ($0.word, $0) })

  /// The word for the function in files and options.
  package var word: String {
    switch self {
    case .softmax: "softmax"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .relu: "relu"
    case .relu6: "relu6"
    case .leakyRelu: "leakyRelu"
    case .elu: "elu"
    case .selu: "selu"
    case .gelu: "gelu"
    case .geluTanh: "geluTanh"
    case .silu: "silu"
    case .softplus: "softplus"
    case .hardSigmoid: "hardSigmoid"
    case .hardSwish: "hardSwish"
    }
  }

  /// The function's own number, a slope or an α; `nil` where it has none.
  package var number: Double? {
    switch self {
    case .leakyRelu(let number), .elu(let number), .hardSigmoid(let number): number
    default: nil
    }
  }

  /// The function of a word, with its number where it has one; `nil` where there is none such.
  package init?(word: String, number: Double?) {
    guard let known = Self.known[word] else { return nil }
    switch (known, number) {
    case (.leakyRelu, let slope?): self = .leakyRelu(slope: slope)
    case (.elu, let alpha?): self = .elu(alpha: alpha)
    case (.hardSigmoid, let slope?): self = .hardSigmoid(slope: slope)
    case (.leakyRelu, nil), (.elu, nil), (.hardSigmoid, nil): return nil
    case (_, nil): self = known
    case (_, _?): return nil
    }
  }

  /// The function of a text: a word, and its number after a colon, such as `leakyRelu:0.2`.
  package init?(text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    // α is 1 where it is not said, in every framework; slopes differ.
    if text == "elu" { self = .elu(alpha: 1); return }
    guard let word = parts.first, parts.count <= 2 else { return nil }
    let number = parts.count == 2 ? Double(parts[1]) : nil
    guard parts.count == 1 || number?.isFinite == true else { return nil }
    self.init(word: word, number: number)
  }
}

extension ActivationFunction {
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
