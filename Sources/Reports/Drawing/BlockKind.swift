import ResNetV2

/// Neighbouring blocks of a stage that are made alike, but for the channels they read.
struct BlockKind {
  /// The first of the blocks, which stands for all.
  let block: GraphParts.Block

  /// The number of the last block.
  private(set) var last: Int

  /// What the blocks are called.
  var label: String {
    block.number == last ? "block \(last)" : "blocks \(block.number)–\(last)"
  }

  /// The kinds of a stage, in order.
  static func kinds(of blocks: [GraphParts.Block], in graph: Graph) -> [BlockKind] {
    var kinds: [BlockKind] = []
    for block in blocks {
      if let kind = kinds.last,
        signature(of: kind.block, in: graph) == signature(of: block, in: graph)
      {
        kinds[kinds.count - 1].last = block.number
      } else {
        kinds.append(BlockKind(block: block, last: block.number))
      }
    }
    return kinds
  }

  /// What is drawn of a block.
  private static func signature(of block: GraphParts.Block, in graph: Graph) -> [[String]] {
    [block.main, block.side].map { $0.map { graph.nodes[$0].operation.label } }
  }
}
