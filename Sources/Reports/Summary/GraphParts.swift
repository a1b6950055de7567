import ResNetV2

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
      switch node.place {
      case .input, .stem: stem.append(index)
      case .head: tail.append(index)
      case .stage(let stage, let number, let path):
        if stage > stages.count { stages.append([]) }
        if number > stages[stage - 1].count {
          stages[stage - 1].append(Block(number: number, input: node.inputs[0]))
        }
        switch path {
        case .main: stages[stage - 1][number - 1].main.append(index)
        case .side: stages[stage - 1][number - 1].side.append(index)
        }
      }
    }
  }
}
