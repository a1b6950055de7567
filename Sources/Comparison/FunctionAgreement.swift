package import ResNetV2
package import Tensors

/// Whether the layers of two networks compute the same of whatever they are given, beside their weights: what no input may
/// show.
///
/// A ReLU6 in the place of a ReLU is the same until a value exceeds 6, and SAME is symmetric padding where a size is odd.
package struct FunctionAgreement: Hashable, Sendable {
  /// How many layers were compared.
  package let compared: Int

  /// The layers that compute something else for some input, in the order of the network.
  package let different: [DifferentLayer]

  /// Whether there are none.
  package var agrees: Bool { different.isEmpty }

  /// A layer that computes something else.
  package struct DifferentLayer: Hashable, Sendable {
    /// The canonical name.
    package let name: String
    /// In what it differs.
    package let explanation: String

    /// Describes a layer.
    package init(name: String, explanation: String) {
      (self.name, self.explanation) = (name, explanation)
    }
  }

  /// An agreement that was found before.
  package init(compared: Int, different: [DifferentLayer]) {
    (self.compared, self.different) = (compared, different)
  }

  /// Compares two networks layer by layer.
  ///
  /// - Parameters:
  ///   - graph: the candidate's network.
  ///   - reference: the network that is believed.
  ///   - tolerance: by how much a layer's values may differ, in units of their size, for any input.
  ///   - tensor: a tensor of the side that has it; where both have, either will do: weights are compared by themselves.
  /// - Throws: what reading a tensor throws.
  package init(
    of graph: Graph, and reference: Graph, tolerance: (Node) -> Double,
    tensor: (Parameter) throws -> TensorData?
  ) throws {
    var different: [DifferentLayer] = []
    var paired: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() {
      guard let place = graph.counterpart(of: index, in: reference) else {
        different.append(.init(name: node.name, explanation: "the reference has no such layer"))
        continue
      }
      paired.insert(place)
      let pair = OperationPair(
        own: node, other: reference.nodes[place],
        read: node.inputs.map { graph.nodes[$0].operation }, tolerance: tolerance(node))
      var differences: [String] = []
      if try !pair.isSame(tensor) {
        let found = node.operation.differences(from: reference.nodes[place].operation)
        differences += found.isEmpty ? ["it does something else"] : found
      }
      let inputs = graph.inputNames(of: index, namedLike: graph)
      let others = reference.inputNames(of: place, namedLike: graph)
      if inputs != others {
        differences.append(
          "it reads \(inputs.joined(separator: " and ")), the reference's reads "
            + others.joined(separator: " and "))
      }
      guard !differences.isEmpty else { continue }
      different.append(.init(name: node.name, explanation: differences.joined(separator: "; ")))
    }
    for (index, other) in reference.nodes.enumerated() where !paired.contains(index) {
      different.append(.init(name: other.name, explanation: "only the reference has such a layer"))
    }
    compared = graph.nodes.count - 1
    self.different = different
  }
}

/// A layer and its counterpart.
private struct OperationPair {
  let own: Node
  let other: Node
  /// What the layer reads is made by these.
  let read: [Operation]
  let tolerance: Double

  typealias Tensors = (Parameter) throws -> TensorData?

  /// Whether both compute the same of any value, within the tolerance.
  func isSame(_ tensor: Tensors) throws -> Bool {
    switch (own.operation, other.operation) {
    case (let own, let other) where own == other:
      return true
    case (.convolution(var conv), .convolution(let other)):
      guard try isNeutral(.bias, tensor, where: conv.hasBias != other.hasBias),
        try hasSameStandardization(conv, other, tensor)
      else { return false }
      conv.hasBias = other.hasBias
      conv.weightStandardizationEpsilon = other.weightStandardizationEpsilon
      return conv == other
    case (.dense(let inputs, let outputs, let bias), .dense(let inputs2, let outputs2, let bias2)):
      return try inputs == inputs2 && outputs == outputs2
        && isNeutral(.bias, tensor, where: bias != bias2)
    case (.norm(let norm, let channels, let affine), .norm(let norm2, let channels2, let affine2)):
      return try channels == channels2
        && isNeutral(.scale, tensor, where: affine.hasScale != affine2.hasScale)
        && isNeutral(.shift, tensor, where: affine.hasShift != affine2.hasShift)
        && isNeutral(.mean, tensor, where: affine.hasStatistics != affine2.hasStatistics)
        && isNeutral(.variance, tensor, where: affine.hasStatistics != affine2.hasStatistics)
        && isSame(norm, norm2, tensor)
    case (.maxPool(let pool), .maxPool(let pool2)):
      return pool.size == pool2.size && pool.stride == pool2.stride
        && isSame(pool.padding, pool2.padding)
    case (
      .adjust(let scale, let offset, let reverses), .adjust(let scale2, let offset2, let reverses2)
    ):
      return reverses == reverses2 && isClose(scale, scale2, else: 1, floor: 0)
        && isClose(offset, offset2, else: 0, floor: 1)
    case (.activation(let function), .activation(let function2)):
      return isSame(function, function2)
    case (.flatten(1, 1, _), .flatten(1, 1, _)):
      return true
    default:
      return false
    }
  }

  /// Whether a parameter that only one side has does nothing.
  private func isNeutral(
    _ role: Parameter.Role, _ tensor: Tensors, where isOnOneSide: Bool
  ) throws -> Bool {
    guard isOnOneSide else { return true }
    guard let parameter = parameter(role), let values = try tensor(parameter) else { return false }
    let neutral: Float = [.scale, .variance].contains(role) ? 1 : 0
    return values.floats().allSatisfy { $0 == neutral }
  }

  private func parameter(_ role: Parameter.Role) -> Parameter? {
    (own.parameters + other.parameters).first { $0.role == role }
  }

  /// Of stored statistics an ε makes a factor for each channel; of an image's own it may make anything.
  private func isSame(
    _ norm: Configuration.Norm, _ other: Configuration.Norm, _ tensor: Tensors
  ) throws -> Bool {
    guard case (.batch(let epsilon), .batch(let otherEpsilon)) = (norm, other) else {
      return norm == other
    }
    guard let parameter = parameter(.variance) else { return isSame(1, epsilon, otherEpsilon) }
    guard let variance = try tensor(parameter) else { return false }
    return variance.floats().allSatisfy { isSame(Double($0), epsilon, otherEpsilon) }
  }

  private func hasSameStandardization(
    _ conv: Operation.Convolution, _ other: Operation.Convolution, _ tensor: Tensors
  ) throws -> Bool {
    let (epsilon, others) = (conv.weightStandardizationEpsilon, other.weightStandardizationEpsilon)
    guard epsilon != others else { return true }
    guard let epsilon, let others, let weight = try parameter(.weight).flatMap({ try tensor($0) })
    else { return false }
    let values = weight.floats().map(Double.init)
    let count = max(values.count / max(weight.shape[0], 1), 1)
    return stride(from: 0, to: values.count, by: count).allSatisfy { start in
      let kernel = values[start..<start + count]
      let mean = kernel.reduce(0, +) / Double(count)
      let variance = kernel.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      return isSame(variance, epsilon, others)
    }
  }

  /// Whether two ε make the same of a variance.
  private func isSame(_ variance: Double, _ epsilon: Double, _ other: Double) -> Bool {
    let ratio = (variance + epsilon) / (variance + other)
    return ratio > 0 && (ratio.squareRoot() - 1).magnitude <= tolerance
  }

  /// A border of zeros changes no maximum of values that are never negative.
  private func isSame(_ border: Operation.Pool.Padding, _ other: Operation.Pool.Padding) -> Bool {
    switch (border, other) {
    case (.zero(let size), .ignored(let size2)), (.ignored(let size), .zero(let size2)):
      size == size2 && (size == 0 || read.allSatisfy(\.isNeverNegative))
    default: border == other
    }
  }

  private func isSame(
    _ function: ActivationFunction, _ other: ActivationFunction
  ) -> Bool {
    switch (function, other) {
    case (.leakyRelu(let own), .leakyRelu(let other)), (.elu(let own), .elu(let other)),
      (.hardSigmoid(let own), .hardSigmoid(let other)):
      // Files write such numbers in float32 too.
      (own - other).magnitude <= tolerance * other.magnitude
    default: function == other
    }
  }

  /// Whether two lists of numbers for the channels are the same; an empty one is of a value.
  private func isClose(
    _ values: [Double], _ others: [Double], else value: Double, floor: Double
  ) -> Bool {
    let count = max(values.count, others.count)
    let own = values.isEmpty ? Array(repeating: value, count: count) : values
    let other = others.isEmpty ? Array(repeating: value, count: count) : others
    return own.count == other.count
      && zip(own, other).allSatisfy { ($0 - $1).magnitude <= tolerance * max($1.magnitude, floor) }
  }
}

extension Operation {
  fileprivate var isNeverNegative: Bool {
    switch self {
    case .activation(let function):
      switch function {
      case .relu, .relu6, .sigmoid, .softmax, .softplus, .hardSigmoid: true
      default: false
      }
    default: false
    }
  }
}
