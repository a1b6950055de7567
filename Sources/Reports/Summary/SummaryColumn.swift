import ResNetV2

/// A column of the table; the names are torchinfo's.
package enum SummaryColumn: String, CaseIterable, Hashable, Sendable {
  /// The dimensions of what a layer reads.
  case inputSize = "input_size"
  /// The dimensions of what a layer puts out.
  case outputSize = "output_size"
  /// The number of parameters.
  case parameterCount = "num_params"
  /// The share of the network's parameters.
  case parameterPercent = "params_percent"
  /// The window of a convolution or pool.
  case kernelSize = "kernel_size"
  /// The multiplications with an addition.
  case multAdds = "mult_adds"
  /// Whether training changes the parameters.
  case trainable

  /// What the command line takes as well: `input`, `output`, `params`, `params%`, `kernel`.
  package init?(name: String) {
    let aliases: [String: SummaryColumn] = [
      "input": .inputSize, "output": .outputSize, "params": .parameterCount,
      "params%": .parameterPercent, "percent": .parameterPercent, "kernel": .kernelSize,
      "mult-adds": .multAdds,
    ]
    guard let column = SummaryColumn(rawValue: name) ?? aliases[name] else { return nil }
    self = column
  }

  /// The heading.
  var title: String {
    switch self {
    case .inputSize: "Input Shape"
    case .outputSize: "Output Shape"
    case .parameterCount: "Param #"
    case .parameterPercent: "Param %"
    case .kernelSize: "Kernel Shape"
    case .multAdds: "Mult-Adds"
    case .trainable: "Trainable"
    }
  }

  /// Whether only a pass over an input tells what stands in it.
  var needsInput: Bool {
    switch self {
    case .inputSize, .outputSize, .multAdds: true
    case .parameterCount, .parameterPercent, .kernelSize, .trainable: false
    }
  }
}
