package import ResNetV2

extension Operation {
  /// The options in which two operations differ, each as a phrase.
  package func differences(from other: Operation) -> [String] {
    func difference<Value: Equatable>(
      _ name: String, _ value: Value, _ expected: Value, _ text: (Value) -> String
    ) -> [String] {
      value == expected
        ? [] : ["\(name) is \(text(value)), the reference's is \(text(expected))"]
    }
    switch (self, other) {
    case (let own, let other) where own == other: return []
    case (.convolution(let own), .convolution(let other)):
      return difference("the stride", own.stride, other.stride) { "\($0)" }
        + difference("the dilation", own.dilation, other.dilation) { "\($0)" }
        + difference("the padding", own.padding, other.padding) { $0.title }
        + difference("the bias", own.hasBias, other.hasBias) { $0 ? "there" : "missing" }
        + difference(
          "ε of weight standardisation", own.weightStandardizationEpsilon,
          other.weightStandardizationEpsilon
        ) { $0.map { "\($0)" } ?? "missing" }
    case (.dense(_, _, let own), .dense(_, _, let other)):
      return difference("the bias", own, other) { $0 ? "there" : "missing" }
    case (.norm(.batch(let own), _, let affine), .norm(.batch(let other), _, let others)):
      return difference("ε", own, other) { "\($0)" } + affine.differences(from: others)
    case (
      .norm(.group(let count, let own), _, let affine),
      .norm(.group(let otherCount, let other), _, let others)
    ):
      return difference("ε", own, other) { "\($0)" }
        + difference("the number of groups", count, otherCount) { "\($0)" }
        + affine.differences(from: others)
    case (.maxPool(let own), .maxPool(let other)), (.averagePool(let own), .averagePool(let other)):
      return difference("the window", own.size, other.size) { "\($0)×\($0)" }
        + difference("the border", own.padding, other.padding) { $0.title }
        + difference("the stride", own.stride, other.stride) { "\($0)" }
    case (.subsample(let own), .subsample(let other)):
      return difference("the stride", own, other) { "\($0)" }
    case (
      .adjust(let scale, let offset, let reverses), .adjust(let others, let otherOffset, let other)
    ):
      return difference("the order of the channels", reverses, other) { $0 ? "reversed" : "kept" }
        + difference("the scale", scale, others) { listed($0, else: 1) }
        + difference("the offset", offset, otherOffset) { listed($0, else: 0) }
    default:
      return difference("it", title, other.title) { $0 }
    }
  }
}

extension Operation.Affine {
  /// Which parameters only one side has.
  fileprivate func differences(from other: Operation.Affine) -> [String] {
    [
      ("scale", hasScale, other.hasScale), ("shift", hasShift, other.hasShift),
      ("mean and variance", hasStatistics, other.hasStatistics),
    ]
    .filter { $0.1 != $0.2 }
    .map {
      "the \($0.0) is \($0.1 ? "there" : "missing"), the reference's is \($0.2 ? "there" : "missing")"
    }
  }
}

extension Operation.Convolution.Padding {
  /// The border, in a few words.
  fileprivate var title: String {
    switch self {
    case .each(let padding): "\(padding)"
    case .same: "TensorFlow's SAME"
    }
  }
}

extension Operation.Pool.Padding {
  /// How the border is filled, in a few words.
  fileprivate var title: String {
    switch self {
    case .zero: "zeros"
    case .ignored: "left out"
    case .same: "TensorFlow's SAME"
    }
  }
}

/// The numbers of the channels; what an empty list stands for where there are none.
private func listed(_ values: [Double], else value: Double) -> String {
  let values = values.isEmpty ? [value] : values
  return Set(values).count == 1 ? "\(values[0])" : values.map { "\($0)" }.joined(separator: ", ")
}
