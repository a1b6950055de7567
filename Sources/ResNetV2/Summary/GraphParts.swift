/// The nodes of a graph by the part of the network to which they belong.
struct GraphParts {
  /// The nodes between the input and the first block.
  private(set) var stem: [Int] = []

  /// The blocks of each stage.
  private(set) var stages: [[Block]] = []

  /// The nodes after the last block.
  private(set) var tail: [Int] = []

  /// The nodes of one block, each path in the order of computation.
  struct Block {
    /// The number of the block within its stage, counted from 1.
    let number: Int
    /// The value that the block reads.
    let input: Int
    /// The main path, with the addition and what follows it.
    var main: [Int] = []
    /// The side path; empty where it is the identity.
    var side: [Int] = []

    /// The value that the block puts out.
    var output: Int { main.last ?? input }
  }

  init(_ graph: Graph) {
    for (index, node) in graph.nodes.enumerated() where index > 0 {
      guard let path = NodePath(node.name) else {
        if stages.isEmpty { stem.append(index) } else { tail.append(index) }
        continue
      }
      if path.stage > stages.count { stages.append([]) }
      let stage = stages.count - 1
      if path.block > stages[stage].count {
        stages[stage].append(Block(number: path.block, input: node.inputs[0]))
      }
      let block = stages[stage].count - 1
      if path.isSide {
        stages[stage][block].side.append(index)
      } else {
        stages[stage][block].main.append(index)
      }
    }
  }
}

/// A canonical name of a node within a block, such as `stage3.block2.shortcut.conv`, taken apart.
struct NodePath {
  /// The number of the stage, counted from 1.
  let stage: Int
  /// The number of the block within its stage, counted from 1.
  let block: Int
  /// What follows, such as `norm1` or `shortcut.conv`.
  let rest: Substring

  /// Whether the node is on the side path of its block.
  var isSide: Bool { rest.hasPrefix("shortcut.") }

  /// Returns `nil` for a node outside the blocks.
  init?(_ name: String) {
    let parts = name.split(separator: ".", maxSplits: 2)
    guard parts.count == 3, parts[0].hasPrefix("stage"), parts[1].hasPrefix("block"),
      let stage = Int(parts[0].dropFirst(5)), let block = Int(parts[1].dropFirst(5))
    else { return nil }
    (self.stage, self.block, rest) = (stage, block, parts[2])
  }
}
