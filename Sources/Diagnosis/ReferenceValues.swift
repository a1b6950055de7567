import Comparison
import Inference
import ResNetV2
import Tensors

/// Values of a reference, for a layer that is looked at alone.
protocol ReferenceValues {
  /// What the reference has for a node; `nil` where it cannot tell.
  func expected(_ name: String) throws -> Activation?

  /// What a node after this one is to read; `nil` where that is not known.
  func input(_ name: String) throws -> Activation?
}

extension LiveValues: ReferenceValues {
  func expected(_ name: String) throws -> Activation? { try value(named: name) }

  func input(_ name: String) -> Activation? { known(name) }
}

/// The values of a truth; what it lacks is computed by the candidate from what it has.
final class TrueValues: ReferenceValues {
  private let values: any LayerValues
  private let candidate: any Executor
  private let shapes: [Shape]
  private let indices: [String: Int]
  private var known: [Int: Activation]

  init(_ truth: some LayerTruth, candidate: any Executor, input: Activation) throws {
    values = try truth.values(for: input)
    self.candidate = candidate
    shapes = try candidate.graph.shapes(for: input.shape)
    let names = candidate.graph.nodes.map(\.name)
    indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    known = [0: input]
  }

  func expected(_ name: String) throws -> Activation? {
    try indices[name].flatMap { try values.value(of: name, shape: shapes[$0]) }
  }

  func input(_ name: String) throws -> Activation? {
    try indices[name].map(value)
  }

  private func value(of node: Int) throws -> Activation {
    if let value = known[node] { return value }
    let graph = candidate.graph
    let value =
      try values.value(of: graph.nodes[node].name, shape: shapes[node])
      ?? candidate.evaluate(node, inputs: graph.nodes[node].inputs.map(value))
    known[node] = value
    return value
  }
}
