package import Families
package import ResNetV2

extension Family {
  /// In whose form a network of the family is summarised, under these layer names.
  package func summaryStyle(for graph: Graph, names: LayerNames) -> SummaryStyle {
    let words = Dictionary(
      uniqueKeysWithValues: graph.nodes.compactMap { node in
        names.name(of: node.name).map { (node.name, $0) }
      })
    return switch summaryForm {
    case .pyTorch: .pyTorch
    case .keras:
      .keras(names: words, paddings: names.folded.map { .init(name: $0.name, node: $0.node) })
    case .graph: .graph(names: words, layout: names.layout == .nhwc ? .nhwc : .nchw)
    }
  }
}
