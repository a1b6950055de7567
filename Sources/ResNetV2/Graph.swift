public import Tensors

/// A network as a list of nodes, each after the nodes it reads.
///
/// The graph is the single truth of what is computed: parameters, summaries, execution plans and
/// comparisons are all derived from it.
public struct Graph: Sendable {
  /// The options that the graph was made from.
  public let configuration: Configuration

  /// The nodes in the order of computation; the first is the input.
  public let nodes: [Node]

  /// The channels of the network's output.
  public let outputChannels: Int

  /// Makes the graph of a configuration.
  ///
  /// - Throws: ``ConfigurationError`` where the options contradict each other.
  public init(_ configuration: Configuration) throws(ConfigurationError) {
    try configuration.validate()
    var builder = GraphBuilder(configuration)
    builder.build()
    self.configuration = configuration
    nodes = builder.nodes
    outputChannels = builder.channels
    try checkParameterCount()
    try checkGroups()
  }

  /// The index of the node whose value is the network's output.
  public var outputIndex: Int { nodes.count - 1 }

  /// The index of the node whose value goes into the function that the head ends with; where it ends
  /// otherwise, that of the output.
  package var logitsIndex: Int {
    configuration.head.lastActivation == nil ? outputIndex : outputIndex - 1
  }

  /// Every parameter, in the order of the nodes that use it.
  public var parameters: [Parameter] { nodes.flatMap(\.parameters) }

  /// The index of the node with a name.
  public func index(of name: String) -> Int? {
    nodes.firstIndex { $0.name == name }
  }

  /// For every node, the index of the last node that reads it (its own index where none does).
  package var lastUses: [Int] {
    var result = Array(nodes.indices)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { result[input] = index }
    }
    return result
  }
}

/// One step of the network, with the names of what it needs.
public struct Node: Hashable, Sendable {
  /// The canonical name, such as `stage1.block1.norm1`.
  public let name: String

  /// The part of the network that the node belongs to.
  public let place: Place

  /// What is computed.
  public let operation: Operation

  /// The indices of the nodes that are read, all smaller than the node's own.
  public let inputs: [Int]

  /// The parameters that are used, in the order of ``Parameter/Role``.
  public var parameters: [Parameter] {
    operation.parameterShapes.map { role, shape in
      Parameter(node: name, role: role, shape: shape)
    }
  }

  /// The name without its stage and block, such as `shortcut.conv`.
  package var nameInBlock: String {
    guard case .stage(let stage, let block, _) = place else { return name }
    return String(name.dropFirst("stage\(stage).block\(block).".count))
  }

  /// A part of the network.
  public enum Place: Hashable, Sendable {
    /// The image, and what is done to it before the first convolution.
    case input
    /// What comes before the first block.
    case stem
    /// A block of a stage, both counted from 1.
    case stage(Int, block: Int, Path)
    /// What follows the last block.
    case head

    /// A way through a block.
    public enum Path: Hashable, Sendable {
      /// The convolutions, the addition and what follows it.
      case main
      /// The shortcut.
      case side
    }
  }
}

/// A tensor that a node needs.
public struct Parameter: Hashable, Sendable {
  /// The canonical name of the node that uses it, such as `stem.conv`.
  public let node: String

  /// What the tensor is for.
  public let role: Role

  /// The dimensions: OIHW for convolutions, [out, in] for dense layers, [channels] for the rest.
  public let shape: Shape

  /// The canonical name: the node's name and the role, such as `stem.conv.weight`.
  public var name: String { "\(node).\(role.rawValue)" }

  /// What a parameter is for.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    /// The kernel of a convolution or the matrix of a dense layer.
    case weight
    /// What is added per output channel.
    case bias
    /// What a norm multiplies by (γ).
    case scale
    /// What a norm adds (β).
    case shift
    /// The stored mean of a batch norm.
    case mean
    /// The stored variance of a batch norm.
    case variance

    /// Whether training changes the tensor by gradient; running statistics are not trained.
    public var isTrained: Bool {
      switch self {
      case .weight, .bias, .scale, .shift: true
      case .mean, .variance: false
      }
    }
  }
}

extension Operation {
  /// The parameters that the operation needs: role and dimensions.
  var parameterShapes: [(Parameter.Role, Shape)] {
    switch self {
    case .convolution(let conv):
      let weight = Shape([conv.outputChannels, conv.inputChannels, conv.kernel, conv.kernel])
      return [(.weight, weight)] + (conv.hasBias ? [(.bias, [conv.outputChannels])] : [])
    case .dense(let inputChannels, let outputChannels, let hasBias):
      return [(.weight, [outputChannels, inputChannels])]
        + (hasBias ? [(.bias, [outputChannels])] : [])
    case .norm(let norm, let channels, let affine):
      var roles: [Parameter.Role] = affine.hasScale ? [.scale] : []
      if affine.hasShift { roles.append(.shift) }
      if case .batch = norm, affine.hasStatistics { roles += [.mean, .variance] }
      return roles.map { ($0, [channels]) }
    case .input, .adjust, .activation, .maxPool, .averagePool, .subsample, .padChannels, .add,
      .globalAverage, .globalMaximum, .flatten:
      return []
    }
  }
}
