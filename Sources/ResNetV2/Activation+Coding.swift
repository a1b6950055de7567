extension Configuration.Activation: Codable {
  /// The functions with a number of their own.
  private enum Key: String, CodingKey, CaseIterable {
    case leakyRelu, elu, hardSigmoid
  }

  /// The functions without one, by the word for them.
  private static let words: [String: Configuration.Activation] = [
    "softmax": .softmax, "sigmoid": .sigmoid, "tanh": .tanh, "relu": .relu, "relu6": .relu6,
    "selu": .selu, "gelu": .gelu, "geluTanh": .geluTanh, "silu": .silu, "softplus": .softplus,
    "hardSwish": .hardSwish,
  ]

  /// Reads a function: a word, or an object with the word and the function's number.
  public init(from decoder: any Decoder) throws {
    if let word = try? decoder.singleValueContainer().decode(String.self) {
      guard let activation = Self.words[word] else {
        throw decoder.corrupted("\(word) is no activation")
      }
      self = activation
      return
    }
    let values = try decoder.strictContainer(keyedBy: Key.self)
    let key = try values.onlyKey()
    let number = try values.decode(Double.self, forKey: key)
    switch key {
    case .leakyRelu: self = .leakyRelu(slope: number)
    case .elu: self = .elu(alpha: number)
    case .hardSigmoid: self = .hardSigmoid(slope: number)
    }
  }

  /// Writes the function.
  public func encode(to encoder: any Encoder) throws {
    func encode(_ number: Double, _ key: Key) throws {
      var values = encoder.container(keyedBy: Key.self)
      try values.encode(number, forKey: key)
    }
    switch self {
    case .leakyRelu(let slope): try encode(slope, .leakyRelu)
    case .elu(let alpha): try encode(alpha, .elu)
    case .hardSigmoid(let slope): try encode(slope, .hardSigmoid)
    case .softmax, .sigmoid, .tanh, .relu, .relu6, .selu, .gelu, .geluTanh, .silu, .softplus,
      .hardSwish:
      var value = encoder.singleValueContainer()
      try value.encode(Self.words.first { $0.value == self }?.key)
    }
  }
}
