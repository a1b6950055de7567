import Families
package import Inference
import ResNetV2
package import Tensors

/// A truth's values for one input; what it lacks is computed by the candidate from what it has.
package final class TrueValues {
  private let truth: any LayerTruth
  private let values: LayerTruth.Values
  private let candidate: any Executor
  private let shapes: [Shape]
  private let indices: [String: Int]
  private let lastUses: [Int]
  /// What may be read again.
  private var known: [Int: Activation]

  /// - Throws: where the input fits neither, or an array is misshapen.
  package init(
    _ truth: any LayerTruth, candidate: any Executor, input: Activation
  ) throws {
    self.truth = truth
    self.candidate = candidate
    shapes = try candidate.graph.shapes(for: input.shape)
    try truth.check(candidate.graph, shapes: shapes, input: input.shape)
    values = try truth.values(for: input)
    let names = candidate.graph.nodes.map(\.name)
    indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    lastUses = candidate.graph.lastUses
    known = [0: input]
  }

  /// What the truth has for a node; `nil` where it cannot tell.
  ///
  /// Values that only earlier nodes read are let go.
  package func expected(_ name: String) throws -> Activation? {
    guard let node = indices[name] else { return nil }
    for index in known.keys where lastUses[index] < node && index > 0 { known[index] = nil }
    let value = try values(name, shapes[node])
    if let value { known[node] = value }
    return value
  }

  /// What a node after this one is to read; `nil` where that is not known, or has another shape than the candidate's.
  package func input(_ name: String) throws -> Activation? {
    try indices[name].flatMap(input)
  }

  /// The values of a shape that belong to no layer of the candidate, by the truth's names.
  package func unknown(_ shape: Shape) throws -> [(name: String, value: Activation)] {
    try truth.assignment.unknown.compactMap { name in
      try truth.unknownValue(named: name, shape: shape).map { (name, $0) }
    }
  }

  /// What a node of the candidate is to read; `nil` where some of it is not known or does not fit.
  func inputs(of node: Int) throws -> [Activation]? {
    let wanted = candidate.graph.nodes[node].inputs
    let values = try wanted.compactMap(input)
    return values.map(\.shape) == wanted.map { shapes[$0] } ? values : nil
  }

  private func input(_ node: Int) throws -> Activation? {
    if let value = known[node] { return value }
    let name = candidate.graph.nodes[node].name
    let value =
      truth.holds(name)
      ? try values(name, shapes[node])
      : try inputs(of: node).map { try candidate.evaluate(node, inputs: $0) }
    known[node] = value
    return value
  }
}

extension LayerTruth {
  /// Whether there is a value of a node.
  func holds(_ node: String) -> Bool { assignment.arrays[node] != nil }
}
