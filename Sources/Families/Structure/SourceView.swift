package import Files
package import ResNetV2
package import SourceGraph
package import Tensors

/// A file's graph as it is compared with a network's: without layers that do nothing, and with padding as part of
/// the window that moves over it.
package struct SourceView: Sendable {
  /// The graph.
  package let graph: SourceGraph

  /// The nodes that an output depends on.
  package let live: Set<Int>

  /// The nodes that read each value, without those that do nothing.
  private(set) var readers: [Int: [Int]] = [:]

  /// The shapes for the image that the file fixes, or for one of 224×224.
  private let shapes: [Shape?]

  /// Whether the file fixes the size of its image: only then a window may be the whole image.
  private let hasFixedSize: Bool

  /// For each node, the one whose value it hands on: itself where it does anything.
  private var origins: [Int] = []

  /// - Throws: `InputError` where the graph has what is not understood, or cannot be computed.
  package init(_ graph: SourceGraph) throws(InputError) {
    self.graph = graph
    live = graph.liveNodes
    let size = graph.inputSize
    let usual = graph.usualInput
    hasFixedSize = size.height == usual[1] && size.width == usual[2]
    shapes = try graph.shapes(for: usual)
    for (index, node) in graph.nodes.enumerated() {
      origins.append(isNothing(index) ? origins[node.inputs[0]] : index)
    }
    let paddings = paddingsOfWindows()
    for node in live.sorted() where !isNothing(node) && !paddings.contains(node) {
      for input in Set(inputs(of: node).reads) { readers[input, default: []].append(node) }
    }
  }

  /// The shape of a node's value for the image that the file fixes.
  package func shape(of node: Int) -> Shape? { shapes[node] }

  /// The height and width that the image must have, because a window or the head reads the whole of it; `nil`
  /// where any size does.
  package var requiredSize: (height: Int, width: Int)? {
    guard hasFixedSize, let shape = shapes[input] else { return nil }
    let needsIt = live.contains { node in
      switch graph.nodes[node].operation {
      case .flatten, .reshape: readsImage(node)
      case .averagePool, .maxPool:
        [.globalAverage, .globalMaximum].contains(operation(of: node, as: .add))
      default: false
      }
    }
    return needsIt ? (shape[1], shape[2]) : nil
  }

  /// The one input.
  package var input: Int { graph.inputs[0] }

  /// Whether a node hands on the values that it reads, in their order.
  package func isNothing(_ node: Int) -> Bool {
    let operation = graph.nodes[node].operation
    if operation.isIdentity { return true }
    guard let input = graph.nodes[node].inputs.first, let before = shapes[input],
      let after = shapes[node]
    else { return false }
    switch operation {
    case .flatten, .reshape:
      // Features in another shape: one pixel, or none; whether an image has one pixel depends on its size.
      guard !readsImage(node) || hasFixedSize else { return false }
      // A map of one pixel that no pool made is flattened in place of a pool.
      if readsImage(node), after.rank == 2, !readsPool(node) { return false }
      return before.elementCount == before[0] * before[before.rank - 1]
        && after[after.rank - 1] == before[before.rank - 1]
    case .affine(let scale, let offset):
      return scale.allSatisfy { $0 == 1 } && offset.allSatisfy { $0 == 0 }
    case .padding(let border):
      return [border.top, border.bottom, border.left, border.right].allSatisfy { $0 == 0 }
    case .maxPool(let window), .averagePool(let window):
      return window.size == 1 && window.stride == 1
    case .activation(.relu):
      // What is not negative any more.
      return graph.nodes[origins[input]].operation == .activation(.relu)
    default: return false
    }
  }

  /// Whether a node reads what a window made that may have been as large as the image.
  private func readsPool(_ node: Int) -> Bool {
    guard let input = graph.nodes[node].inputs.first else { return false }
    switch graph.nodes[origins[input]].operation {
    case .averagePool, .maxPool: return true
    default: return false
    }
  }

  /// Whether a node reads an image that was not pooled as a whole.
  private func readsImage(_ node: Int) -> Bool {
    guard let input = graph.nodes[node].inputs.first, shapes[input]?.rank == 4 else { return false }
    switch graph.nodes[origins[input]].operation {
    case .globalAverage, .globalMaximum: return false
    default: return true
    }
  }

  /// The node whose value another one hands on.
  package func origin(of node: Int) -> Int { origins[node] }

  /// The nodes whose values the graph puts out.
  package var outputs: [Int] { graph.outputs.map(origin) }

  /// What a node reads, without layers that do nothing, and the padding just before its window.
  package func inputs(of node: Int) -> (reads: [Int], padding: SourceOperation?) {
    let reads = graph.nodes[node].inputs.map(origin)
    guard graph.nodes[node].operation.hasWindow, let input = reads.first,
      case .padding = graph.nodes[input].operation
    else { return (reads, nil) }
    return (graph.nodes[input].inputs.map(origin), graph.nodes[input].operation)
  }

  /// The nodes that are padding which only windows read.
  private func paddingsOfWindows() -> Set<Int> {
    var paddings = live.filter { node in
      if case .padding = graph.nodes[node].operation { !isNothing(node) } else { false }
    }
    paddings.subtract(outputs)
    for node in live where !isNothing(node) && !graph.nodes[node].operation.hasWindow {
      paddings.subtract(graph.nodes[node].inputs.map(origin))
    }
    return paddings
  }

  /// What a node does in the words of a network's graph; `nil` where no operation does it.
  ///
  /// - Parameter other: the operation that it is compared with; what the file leaves open, such as the order in which
  ///   a flattened image is read, is taken from there.
  package func operation(of node: Int, as other: Operation) -> Operation? {
    let (reads, padding) = inputs(of: node)
    guard let shape = reads.first.flatMap({ shapes[$0] }) else { return nil }
    let operation = graph.nodes[node].operation
    if let pooled = pooledWhole(operation, shape, padding) { return pooled }
    return operation.operation(after: padding, reading: shape, as: other)
  }

  /// A window that is the whole image.
  private func pooledWhole(
    _ operation: SourceOperation, _ shape: Shape, _ padding: SourceOperation?
  ) -> Operation? {
    guard padding == nil, hasFixedSize, shape.rank == 4 else { return nil }
    func isWhole(_ window: SourceOperation.Window) -> Bool {
      !window.isSame && window.size == shape[1] && window.size == shape[2] && window.size > 1
    }
    switch operation {
    case .averagePool(let window) where isWhole(window): return .globalAverage
    case .maxPool(let window) where isWhole(window): return .globalMaximum
    default: return nil
    }
  }
}
