import Comparison
import Inference
import ResNetV2
import Tensors

/// The layer that is wrong, with the reference's values around it.
///
/// Where layers before it could not be compared, they belong to the case: what is tried may be
/// wrong there.
struct LayerCase {
  /// The node with the wrong value, in the candidate's graph.
  let node: Int
  /// The nodes that are computed, in order; the last one is ``node``.
  let chain: [Int]
  /// The scaled error of the candidate on the reference's inputs.
  let error: Double
  /// What the reference has for the layer.
  let expected: Activation
  /// What the candidate makes of the reference's inputs.
  let found: Activation

  private let isSoftmax: Bool
  private let chainNames: [String]
  private let values: TrueValues

  /// Returns `nil` where the reference's values are not there or do not fit the candidate's layers.
  init?(
    _ culprit: Culprit, unseen: [Int], of candidate: any Executor, values: TrueValues
  ) throws {
    let graph = candidate.graph
    guard let expected = try values.expected(graph.nodes[culprit.node].name) else { return nil }
    node = culprit.node
    chain = unseen + [culprit.node]
    chainNames = chain.map { graph.nodes[$0].name }
    self.expected = expected
    self.values = values
    guard let found = try Self.value(of: candidate, chain: chainNames, values: values),
      found.shape == expected.shape
    else { return nil }
    self.found = found
    isSoftmax = graph.nodes[culprit.node].operation == .softmax
    error = Self.error(of: found, expected, isSoftmax: isSoftmax)
  }

  /// The reference's value that a node of the candidate's graph reads.
  func input(_ name: String) throws -> Activation? {
    try values.input(name)
  }

  /// The values of a shape that only the reference has, with its names.
  func onlyOfReference(_ shape: Shape) throws -> [(name: String, value: Activation)] {
    try values.unknown(shape)
  }

  /// The scaled error of an executor on the same inputs; infinite where they do not fit it.
  func error(of executor: any Executor) throws -> Double {
    guard let value = try Self.value(of: executor, chain: chainNames, values: values),
      value.shape == expected.shape
    else { return .infinity }
    return Self.error(of: value, expected, isSoftmax: isSoftmax)
  }

  /// What an executor makes of the reference's inputs; `nil` where they do not fit it.
  func value(of executor: any Executor) throws -> Activation? {
    try Self.value(of: executor, chain: chainNames, values: values)
  }

  /// Whether a change that leaves an error puts the layer right: what is left is noise, or within the
  /// limit and much less than before.
  func isExplained(_ error: Double, limit: Double) -> Bool {
    error <= limit && error < self.error
      && (error <= Limits.float32Noise || error * 4 <= self.error)
  }

  /// The scaled error of a value in place of the candidate's.
  func error(of value: Activation) -> Double {
    Self.error(of: value, expected, isSoftmax: isSoftmax)
  }

  /// The value of the last node of a chain, computed from the reference's values before it.
  private static func value(
    of executor: any Executor, chain: [String], values: TrueValues
  ) throws -> Activation? {
    let graph = executor.graph
    var computed: [String: Activation] = [:]
    for name in chain {
      // Other options may leave a layer out; what reads it then reads something else.
      guard let index = graph.index(of: name) else { continue }
      let inputs = graph.nodes[index].inputs.map { graph.nodes[$0].name }
      let known = try inputs.compactMap { try computed[$0] ?? values.input($0) }
      guard known.count == inputs.count, graph.nodes[index].accepts(known) else { return nil }
      computed[name] = try executor.evaluate(index, inputs: known)
    }
    return chain.last.flatMap { computed[$0] }
  }

  /// A softmax that is sure of one class hides nearly everything: its logarithms are compared too.
  private static func error(
    of value: Activation, _ expected: Activation, isSoftmax: Bool
  ) -> Double {
    let error = DifferenceStatistics(value.values, expected.values).scaledError
    guard isSoftmax else { return error }
    let pairs = zip(value.values, expected.values).filter { $1 > 1e-25 }
      .map { (naturalLogarithm(max(Double($0), 1e-30)), naturalLogarithm(Double($1))) }
    let scale = pairs.map(\.1.magnitude).max() ?? 1
    return pairs.reduce(error) { max($0, ($1.0 - $1.1).magnitude / max(scale, 1)) }
  }
}

extension Node {
  /// Whether the values have the channels that the operation reads and a shape that it can work on.
  fileprivate func accepts(_ values: [Activation]) -> Bool {
    guard let first = values.first, first.shape.rank > 1 else { return false }
    let channels = first.shape[first.shape.rank - 1]
    let fits =
      switch operation {
      case .convolution(let conv): first.shape.rank == 4 && channels == conv.inputChannels
      case .norm(_, let count, _): channels == count
      case .dense(let count, _, _): channels == count
      case .maxPool, .averagePool, .subsample, .padChannels, .adjust, .globalAverage,
        .globalMaximum, .flatten:
        first.shape.rank == 4
      case .add: values.count == 2
      case .activation: true
      case .input: false
      }
    return fits
      && operation.outputShape(values.map(\.shape), networkInput: first.shape) != nil
  }
}
