package import Families
package import Inference
package import KerasGraph
package import ResNetV2
package import Tensors
package import Verification

/// The graph that a source file itself describes, as the truth for a converted network.
///
/// It is run layer by layer without any knowledge of families; only the names of the layers say which of
/// them is which.
package struct OwnGraph: Sendable {
  /// The graph.
  package let network: KerasNetwork
  /// Which of its layers is which of the compared network's.
  package let assignment: LayerNames.Assignment

  private let weights: KerasWeights
  private let arithmetic: ReferenceArithmetic
  private let indices: [String: Int]

  /// Reads the graph of a file.
  ///
  /// Returns `nil` where the file describes none.
  ///
  /// - Parameters:
  ///   - graph: the network that it is to be compared with.
  ///   - layerNames: what the file's family calls the layers of that network.
  /// - Throws: `InputError` where the description is damaged, or has a layer that is not understood.
  package init?(
    of source: any WeightSource, for graph: Graph, layerNames: LayerNames, threads: Int
  ) throws(InputError) {
    do {
      guard let network = try KerasNetwork(of: source) else { return nil }
      self.network = network
      weights = try KerasWeights(of: network, in: source)
    } catch {
      throw InputError(
        error.kind, path: error.path, error.problem, place: error.place,
        hint: "--no-own-graph goes by the family's graph alone")
    }
    arithmetic = ReferenceArithmetic(threads: threads)
    let names = network.nodes.map(\.name)
    indices = Dictionary(zip(names, names.indices)) { first, _ in first }
    // The input is what both are given, not a layer that is compared.
    assignment = layerNames.assignment(
      of: graph.nodes.map(\.name), to: Array(names.dropFirst()))
    guard !assignment.arrays.isEmpty else {
      throw InputError(
        .badData, path: source.path, "describes a graph without any layer of this network",
        place: "its layers are \(names.dropFirst().prefix(3).joined(separator: ", ")), …",
        hint: "--no-own-graph goes by the family's graph alone")
    }
  }
}

extension OwnGraph: LayerTruth {
  /// Does nothing: a layer of another shape is a finding, not an error.
  package func check(_ graph: Graph, shapes: [Shape], input: Shape) {}

  /// Nothing: the values are computed here, in float32 with sums in Double.
  package func allowance(for node: String, isolated: Bool) -> Double { 0 }

  package func values(for input: Activation) throws -> any LayerValues {
    Values(
      run: try KerasRun(input, through: network, weights: weights, arithmetic: arithmetic),
      nodes: assignment.arrays.compactMapValues { indices[$0] })
  }

  package func layer(of node: Node) -> TrueLayer? {
    guard let name = assignment.arrays[node.name], let index = indices[name] else { return nil }
    return OwnLayer(network, index, as: node, names: canonicalNames).layer
  }

  private struct Values: LayerValues {
    let run: KerasRun
    let nodes: [String: Int]

    func value(of node: String, shape: Shape) throws -> Activation? {
      guard let value = try nodes[node].map({ try run.value(of: $0) }) else { return nil }
      // Pooled features may be kept as an image of one pixel.
      let isFeatures = value.shape.rank == 4 && value.shape[1] == 1 && value.shape[2] == 1
      guard isFeatures, shape.rank == 2, value.shape.elementCount == shape.elementCount else {
        return value
      }
      return Activation(shape: shape, values: value.values)
    }
  }

  /// The canonical names of the graph's layers, by index.
  private var canonicalNames: [Int: String] {
    let pairs = assignment.arrays.compactMap { node, name in indices[name].map { ($0, node) } }
    return Dictionary(pairs + [(0, "input")]) { first, _ in first }
  }
}
