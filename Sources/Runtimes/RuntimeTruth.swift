package import Comparison
package import Families
package import Inference
package import ResNetV2
import Synchronization
package import Tensors

/// What a program of the user's own gives, layer by layer, as it is asked.
package final class RuntimeTruth: LayerTruth {
  package var assignment: LayerNames.Assignment { state.withLock { $0.assignment } }

  /// What the program says of itself; `nil` for nothing.
  package let title: String?

  private let session: Mutex<RuntimeSession>
  private let names: [String: String]
  package let computesLayersAlone: Bool
  private let state = Mutex(State())

  private struct State {
    var assignment = LayerNames.Assignment()
    var problems: [String: String] = [:]
    var hasEnded = false
    /// A digest of each value, so that a second run can be held against the first.
    var digests: [String: UInt64] = [:]
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - model: the file of the network, which the program may load.
  ///   - seconds: how long one answer may take.
  /// - Throws: ``RuntimeFault`` where it does not start, or does not say what it has.
  package init(
    _ command: String, model: String, graph: Graph, layerNames: LayerNames, seconds: Int
  ) throws(RuntimeFault) {
    let family = layerNames.arrayNames(of: graph.nodes.map(\.name))
    let layers = graph.nodes.dropFirst().map {
      (name: family[$0.name] ?? $0.name, canonical: $0.name)
    }
    let session = try RuntimeSession(
      command, seconds: seconds, model: model, layers: layers, layout: layerNames.layout)
    names = session.names
    computesLayersAlone = session.isIsolated
    title = session.title
    var assignment = LayerNames.Assignment()
    assignment.arrays = session.names
    assignment.unknown = session.unknown
    assignment.missing = layers.filter { session.names[$0.canonical] == nil }.map(\.name)
    self.session = Mutex(session)
    state.withLock { $0.assignment = assignment }
  }

  package func values(for input: Activation) throws -> Values {
    // Who looks for a cause asks again, and may find the program gone.
    if !state.withLock({ $0.hasEnded }) { try give(input) }
    return { node, shape in self.value(of: node, shape: shape, from: nil) }
  }

  package func evaluate(_ node: Node, inputs: [Activation], graph: Graph, shape: Shape)
    -> Activation?
  {
    guard computesLayersAlone, !node.inputs.isEmpty else { return nil }
    let named = zip(node.inputs, inputs).map {
      (name: names[graph.nodes[$0].name] ?? graph.nodes[$0].name, value: $1)
    }
    return value(of: node.name, shape: shape, from: named)
  }

  package func problem(of node: String) -> String? { state.withLock { $0.problems[node] } }

  /// Runs the program again on an input, and names the first layer whose bits are others than in the first run.
  package func firstNotReproduced(on input: Activation, shapes: [Shape], graph: Graph) throws
    -> String?
  {
    guard !state.withLock({ $0.hasEnded }) else { return nil }
    try give(input)
    for (node, shape) in zip(graph.nodes, shapes).dropFirst() {
      let before = state.withLock { $0.digests[node.name] }
      guard before != nil, value(of: node.name, shape: shape, from: nil) != nil else { continue }
      if state.withLock({ $0.digests[node.name] }) != before { return node.name }
    }
    return nil
  }

  private func give(_ input: Activation) throws(RuntimeFault) {
    do throws(RuntimeFault) {
      try session.withLock { session throws(RuntimeFault) in try session.give(input) }
    } catch {
      state.withLock { $0.hasEnded = true }
      throw error
    }
  }

  /// Takes note of a layer that the program does not give after all.
  private func lack(_ node: String, _ name: String) {
    state.withLock {
      if $0.assignment.arrays.removeValue(forKey: node) != nil {
        $0.assignment.missing.append(name)
      }
    }
  }

  /// A value, or a note of why there is none.
  private func value(
    of node: String, shape: Shape, from inputs: [(name: String, value: Activation)]?
  ) -> Activation? {
    guard let name = names[node] else { return nil }
    guard !state.withLock({ $0.hasEnded }) else {
      if inputs == nil { lack(node, name) }
      return nil
    }
    do throws(RuntimeFault) {
      let value = try session.withLock { session throws(RuntimeFault) in
        try session.value(of: name, shape: shape, from: inputs)
      }
      guard inputs == nil else { return value }
      if let value {
        state.withLock { $0.digests[node] = value.digest }
      } else {
        lack(node, name)
      }
      return value
    } catch {
      state.withLock {
        $0.problems[node] = $0.problems[node] ?? error.description
        $0.hasEnded = $0.hasEnded || error.isFinal
      }
      return nil
    }
  }
}

extension Activation {
  /// A digest of the bits of all values: FNV-1a over 32-bit words.
  fileprivate var digest: UInt64 {
    values.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1.bitPattern)) &* 0x100_0000_01B3 }
  }
}
