import Families
package import Inference
import ResNetV2
import Tensors

extension EngineArchive {
  /// Above this scaled error an array is no layer's: values of unrelated layers differ by about 1.
  private static let largestError = 0.05

  /// Finds the layers of arrays whose names tell nothing: those whose right values they are nearest to.
  ///
  /// An array after a mistake may be near to nothing: it is taken for the next layer of its shape, as archives are written in
  /// order, and fails there. To leave it out would be to pass what is wrong.
  ///
  /// - Parameter executor: the network that is right.
  package mutating func matchByCloseness(_ executor: some Executor, input: Activation) throws {
    let (archive, names) = (self, unmatched)
    guard !names.isEmpty else { return }
    let taken = Set(assignment.arrays.keys)
    var pairs: [(error: Double, array: String, node: Int, layout: ArrayLayout)] = []
    _ = try executor.run(input) { node, value in
      guard node > 0, !taken.contains(executor.graph.nodes[node].name) else { return }
      for name in names {
        for layout in archive.layouts(of: name, as: node) {
          guard let found = try archive.value(named: name, as: layout, shape: value.shape) else {
            continue
          }
          let error = DifferenceStatistics(found.values, value.values).scaledError
          if error <= Self.largestError { pairs.append((error, name, node, layout)) }
        }
      }
    }
    pairs.sort { ($0.error, $0.node) < ($1.error, $1.node) }
    var (arrays, nodes): (Set<String>, Set<Int>) = ([], [])
    var matches: [(array: String, node: Int, layout: ArrayLayout)] = []
    for pair in pairs where !arrays.contains(pair.array) && !nodes.contains(pair.node) {
      arrays.insert(pair.array)
      nodes.insert(pair.node)
      matches.append((pair.array, pair.node, pair.layout))
    }
    let near = Dictionary(uniqueKeysWithValues: matches.map { ($0.array, $0.node) })
    for array in names where !arrays.contains(array) {
      guard let node = nextNode(for: array, of: near, taken: nodes) else { continue }
      nodes.insert(node)
      matches.append((array, node, layouts(of: array, as: node)[0]))
    }
    take(matches.sorted { $0.node < $1.node })
  }
}

extension EngineArchive {
  /// The layer that an array may be which is near to none: the first free one of its shape after those of the arrays before it.
  private func nextNode(for array: String, of near: [String: Int], taken: Set<Int>) -> Int? {
    let before = unmatched.prefix { $0 != array }.compactMap { near[$0] }.max() ?? 0
    let free = freeNodes(taken).filter { !layouts(of: array, as: $0).isEmpty }
    return free.first { $0 > before } ?? free.first
  }
}
