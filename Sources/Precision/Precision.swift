package import ResNetV2
package import Tensors

/// In which type the weights of a `.rnw` are kept.
package enum Precision: String, CaseIterable, Codable, Sendable {
  /// As they are.
  case float32
  /// Rounded to binary16.
  case float16
  /// Rounded to bfloat16.
  case bfloat16
  /// Rounded to integers in units of a scale per output channel.
  case int8
  /// Each tensor in the type that makes the file smallest while the outputs stay within a limit.
  case auto

  /// The type of every kernel and matrix; `nil` where it differs from tensor to tensor.
  package var dtype: DType? {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .int8: .int8
    case .auto: nil
    }
  }
}

/// The type of every tensor of a file.
package struct ParameterTypes: Sendable {
  /// The type of a tensor that has none of its own.
  let standard: DType
  /// The types of single tensors, by canonical name.
  var own: [String: DType] = [:]

  /// The same type for all.
  package init(_ precision: Precision) {
    standard = precision.dtype ?? .float32
  }

  /// The type of a parameter; float32 where it may not be rounded.
  package subscript(parameter: Parameter) -> DType {
    guard parameter.isRoundable else { return .float32 }
    return own[parameter.name] ?? standard
  }
}

extension Parameter {
  /// Whether the tensor may be rounded: a kernel or a matrix.
  ///
  /// Biases and the parameters of norms are half a percent of a network. Rounding them would save
  /// nothing, shift whole channels, and fail where a variance is too large for float16.
  package var isRoundable: Bool { role == .weight }
}
