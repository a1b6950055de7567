import ResNetV2
import SourceGraph
import Tensors

/// A file's graph taken apart: a stem, blocks between a fork and an addition, and what follows them.
///
/// Nothing is decided here about options; a chain is a list of nodes of which each is read by the next alone.
struct Trunk {
  /// From the input to the first fork.
  private(set) var stem: [Int] = []
  /// The blocks in order.
  private(set) var blocks: [Block] = []
  /// From the last addition to the output.
  private(set) var tail: [Int] = []

  /// What lies between a fork and the addition at which its two ways meet.
  struct Block {
    /// The nodes between the addition before, or the stem's end, and the fork.
    var lead: [Int]
    /// The nodes of the way with the convolutions.
    var main: [Int]
    /// The nodes of the other way; empty where it is the value itself.
    var side: [Int]
    /// The addition.
    var add: Int
  }

  private let view: SourceView

  /// - Parameter start: the node after which the network begins.
  /// - Throws: `StructureFault` at the first node that is no part of such a graph.
  init(_ view: SourceView, from start: Int) throws(StructureFault) {
    self.view = view
    var chain: [Int] = []
    var current = start
    let output = view.outputs[0]
    while current != output {
      let readers = view.readers[current] ?? []
      if readers.count == 1, !isAddition(readers[0]) {
        current = readers[0]
        chain.append(current)
        continue
      }
      guard readers.count == 2 else {
        throw StructureFault(view, current, "is read by \(readers.count) layers")
      }
      let ways = [try way(from: readers[0]), try way(from: readers[1])]
      guard ways[0].add == ways[1].add else {
        throw StructureFault(view, current, "has two ways that do not meet in one addition")
      }
      // Of two ways with a convolution the longer is the main one.
      let isFirstMain = ways[0].nodes.count >= ways[1].nodes.count
      blocks.append(
        Block(
          lead: chain, main: ways[isFirstMain ? 0 : 1].nodes, side: ways[isFirstMain ? 1 : 0].nodes,
          add: ways[0].add))
      chain = []
      current = ways[0].add
    }
    if view.readers[output] != nil {
      throw StructureFault(view, output, "is an output, and is read by other layers")
    }
    if blocks.isEmpty {
      throw StructureFault(view, output, "is reached without any residual block")
    }
    tail = chain
    stem = blocks[0].lead
    blocks[0].lead = []
  }

  /// The nodes from one to the next addition, each read by the next alone.
  private func way(from first: Int) throws(StructureFault) -> (nodes: [Int], add: Int) {
    var nodes: [Int] = []
    var current = first
    while !isAddition(current) {
      nodes.append(current)
      let readers = view.readers[current] ?? []
      guard readers.count == 1, !view.outputs.contains(current) else {
        throw StructureFault(
          view, current,
          readers.isEmpty || view.outputs.contains(current)
            ? "is an output within a block" : "is read by \(readers.count) layers within a block")
      }
      current = readers[0]
    }
    guard view.inputs(of: current).reads.count == 2 else {
      throw StructureFault(view, current, "adds more than two values")
    }
    return (nodes, current)
  }

  private func isAddition(_ node: Int) -> Bool {
    view.graph.nodes[node].operation == .merge(.add)
  }
}

/// Why a graph is not that of a residual network: a layer, and what of it.
struct StructureFault: Error {
  let layer: String
  let problem: String

  init(_ view: SourceView, _ node: Int, _ problem: String) {
    layer = view.graph.nodes[node].name
    self.problem = problem
  }

  init(layer: String, _ problem: String) {
    (self.layer, self.problem) = (layer, problem)
  }
}
