import Comparison
import Families
import ResNetV2
import SourceGraph

/// One node of a file's own graph in the words of this tool's graph.
struct OwnLayer {
  private let view: SourceView
  private let index: Int
  private let node: Node
  private let names: [Int: String]

  /// - Parameters:
  ///   - node: the node of the compared network that it is.
  ///   - names: the canonical names of the file's nodes.
  init(_ view: SourceView, _ index: Int, as node: Node, names: [Int: String]) {
    self.view = view
    self.index = index
    self.node = node
    self.names = names
  }

  var layer: LayerDescription? {
    let own = view.graph.nodes[index]
    let (reads, padding) = view.inputs(of: index)
    let operation = view.operation(of: index, as: node.operation)
    let title = [own.className, own.operation.remark(after: padding)].compactMap { $0 }
    return LayerDescription(
      operation: operation, title: operation == nil ? title.joined(separator: ", ") : nil,
      inputs: reads.map { names[$0] ?? view.graph.nodes[$0].name })
  }
}
