import Families
import Files
import FoundationEssentials
package import ResNetV2
package import Tensors
import Threads

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
struct ParameterTypes: Sendable {
  /// The type of a tensor that has none of its own.
  let standard: DType
  /// The types of single tensors, by canonical name.
  var own: [String: DType] = [:]

  /// The same type for all.
  init(_ precision: Precision) {
    standard = precision.dtype ?? .float32
  }

  /// The type of a parameter; float32 where it may not be rounded.
  subscript(parameter: Parameter) -> DType {
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

extension Parameters {
  /// The parameters with every kernel and matrix rounded to a type of its own.
  ///
  /// - Throws: `InputError` that names the tensor where a value does not exist in the type.
  func rounded(
    for model: Model, threads: Int, to types: ParameterTypes
  ) throws -> Parameters {
    // The largest first, so that no thread is left with one at the end.
    let order = model.graph.parameters.sorted { $0.shape.elementCount > $1.shape.elementCount }
    let tensors = try concurrentMap(order, threads: threads) { parameter in
      do {
        return (parameter.name, try self[parameter].rounded(to: types[parameter]))
      } catch let error as RoundingError {
        throw error.inputError(model.sourceName(of: parameter), path: model.source.path)
      }
    }
    return try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: model.graph)
  }

  /// The coarsest type of any tensor of a network: the one that decides how far off it may be.
  package func coarsestType(in graph: Graph) -> DType {
    graph.parameters.map { self[$0].dtype }.max { $0.coarseness < $1.coarseness } ?? .float32
  }
}

extension DType {
  /// The order of the types by how far rounding moves a weight; 0 for those that nothing is rounded
  /// to.
  var coarseness: Int {
    switch self {
    case .float16: 1
    case .bfloat16: 2
    case .int8: 3
    default: 0
    }
  }
}

extension Model {
  /// The coarsest type that any parameter has in the file.
  var coarsestType: DType {
    let used = mapping?.entries.map(\.tensor.dtype) ?? source.tensors.map(\.dtype)
    return used.max { $0.coarseness < $1.coarseness } ?? .float32
  }

  /// What the source calls a parameter's tensor.
  func sourceName(of parameter: Parameter) -> String {
    mapping?.entries.first { $0.parameter == parameter }?.tensor.name ?? parameter.name
  }
}

extension RoundingError {
  fileprivate func inputError(_ tensor: String, path: String) -> InputError {
    let largest: Float = type == .float16 ? 65504 : Float(bfloat16Bits: 0x7F7F)
    let bound = type == .int8 ? "only finite values" : "up to ±\(largest)"
    return InputError(
      .badData, path: path, "has a value that \(type.name) cannot hold",
      place: "\(tensor): \(value) at \(index); \(bound) can be",
      hint: type == .float16 ? "--precision bfloat16 or auto keeps it" : nil)
  }
}
