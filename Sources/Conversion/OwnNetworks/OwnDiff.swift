import Diagnosis
import Files
import SourceGraph
import Tensors

/// Compares the weights of two models of any kind by their layers' names, and what their layers do.
///
/// - Throws: `InputError` where a file cannot be read; `nil` is returned where one carries no graph that is understood.
func ownDifferences(
  between first: any WeightSource, and second: any WeightSource, threads: Int
) throws -> WeightComparison? {
  guard let own = OwnNetwork(first), let other = OwnNetwork(second) else { return nil }
  let (descriptions, others) = (own.descriptions, other.descriptions)
  let options = Set(descriptions.keys).union(others.keys).sorted().filter {
    descriptions[$0] != others[$0]
  }.map {
    WeightComparison.DifferingOption(name: $0, first: descriptions[$0], second: others[$0])
  }
  return try WeightComparison(
    try own.tensors(), try other.tensors(), options: options, threads: threads)
}

extension OwnNetwork {
  fileprivate var descriptions: [String: String] {
    Dictionary(layers.map { (graph.nodes[$0].name, description(of: $0)) }) { first, _ in first }
  }

  /// The variables of all layers, as `layer/variable`.
  fileprivate func tensors() throws -> [ComparedTensor] {
    var seen: Set<String> = []
    return try graph.liveNodes.sorted().flatMap { index in
      try weights.tensors(of: index).sorted { $0.key < $1.key }.compactMap { variable, tensor in
        guard seen.insert(tensor.name).inserted else { return nil }
        let layer = graph.nodes[index].place.names.joined(separator: "/")
        return ComparedTensor(
          name: "\(layer)/\(variable)", fileName: tensor.name,
          tensor: try weights.tensor(variable, of: index) ?? source.tensor(named: tensor.name))
      }
    }
  }
}
