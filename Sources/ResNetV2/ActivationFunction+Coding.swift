public import Tensors

extension ActivationFunction: Codable {
  /// Reads a function: a word, or an object with the word and the function's number.
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    let (word, number): (String, Double?)
    if let text = try? value.decode(String.self) {
      (word, number) = (text, nil)
    } else {
      let numbers = try value.decode([String: Double].self)
      guard let only = numbers.first, numbers.count == 1 else {
        throw decoder.corrupted("exactly one key is expected")
      }
      (word, number) = (only.key, only.value)
    }
    guard let function = Self(word: word, number: number) else {
      throw decoder.corrupted("\(word) is no activation")
    }
    self = function
  }

  /// Writes the function.
  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    if let number {
      try value.encode([word: number])
    } else {
      try value.encode(word)
    }
  }
}
