import ResNetV2
import SourceGraph
import Tensors

/// Reads the options of a network from a graph that was taken apart.
///
/// What is read here need not be right: whether the network is the file's graph is decided by ``StructureMatch``,
/// node by node. Where the graph leaves an option open, several configurations are tried.
struct StructureReader {
  private let view: SourceView
  private let trunk: Trunk
  private let input: Configuration.Input
  /// What is read where every norm has been folded: no norm tells its ε.
  private static let usualNorm = Configuration.Norm.batch(epsilon: 1e-5)

  init(_ view: SourceView, adjustment: InputAdjustment) throws(StructureFault) {
    self.view = view
    input = adjustment.input
    trunk = try Trunk(view, from: adjustment.end)
  }

  /// The configurations that may be the graph's, the likeliest first.
  func configurations() throws(StructureFault) -> [Configuration] {
    let blocks = try trunk.blocks.map { (block) throws(StructureFault) in try facts(of: block) }
    guard let last = blocks.last, let lastMain = trunk.blocks.last?.main.last else { return [] }
    // Where norms were folded, a block of either order ends in a convolution: what follows the sum tells.
    let isPreActivated = isConvolution(lastMain) && !rectifiesSums
    let stages = try stages(of: blocks, isPreActivated: isPreActivated)
    var result: [Configuration] = []
    for stemHasOwnNorm in [true, false] {
      guard
        let stem = try stem(
          isPreActivated: isPreActivated, keepsNorm: stemHasOwnNorm, first: trunk.blocks[0])
      else { continue }
      let block = Configuration.Block(
        kind: last.convolutions.count == 3 ? .bottleneck : .basic,
        order: isPreActivated ? .preActivation : .postActivation,
        stridedConvolution: stridedConvolution(blocks), stridedBlock: stages.stridedBlock,
        hasInnerBiases: last.convolutions[0].hasBias,
        omitsSpatialBias: last.convolutions.count == 3 && last.convolutions[0].hasBias
          && !last.convolutions[1].hasBias,
        hasLastBias: last.convolutions.last?.hasBias ?? false,
        firstBlockIsPreActivated: !isPreActivated || stem.firstBlockIsPreActivated)
      let foldsNorms = foldsNorms
      guard let norm = norms.first ?? (foldsNorms ? (Self.usualNorm, .both) : nil) else {
        throw fault(trunk.blocks[0].add, "ends a block without norms")
      }
      var input = input
      if let own = stem.inputNorm {
        input.hasNorm = true
        input.hasNormScale = own.hasScale || !norm.affine.hasScale
      }
      let head = try head(isPreActivated: isPreActivated)
      let hasSame = convolutions.contains { conv in
        conv.isSame && conv.stride > 1 && conv.height > 1
      }
      result.append(
        Configuration(
          block: block, stages: stages.stages, stem: stem.stem,
          shortcut: shortcut(blocks, stem, isPreActivated: isPreActivated), norm: norm.norm,
          head: head.head, input: input, hasNormScales: norm.affine.hasScale,
          hasNormShifts: norm.affine.hasShift,
          hasNormStatistics: norm.affine.hasStatistics, foldsNorms: foldsNorms,
          convolutionPadding: hasSame ? .same : .symmetric,
          ending: head.ending))
    }
    return result
  }

  // MARK: - Blocks

  /// What is seen of a block.
  private struct Facts {
    var convolutions: [SourceOperation.Convolution]
    /// The projection; `nil` where there is none.
    var projection: SourceOperation.Convolution?
    /// The operations on the side way.
    var side: [SourceOperation]
    /// The channels of zeros that a shortcut without parameters adds before the others; `nil` without such a one.
    var zeroChannelsBefore: Int?
    /// Whether the side way begins after the block's first norm and ReLU.
    var sideIsPreActivated: Bool

    var stride: Int { convolutions.map(\.stride).max() ?? 1 }
    var dilation: Int { convolutions.filter { $0.height > 1 }.map(\.dilation).max() ?? 1 }
    var outputs: Int { convolutions.last?.outputs ?? 0 }
  }

  private func facts(of block: Trunk.Block) throws(StructureFault) -> Facts {
    let convolutions = block.main.compactMap { convolution($0) }
    guard convolutions.count == 2 || convolutions.count == 3 else {
      throw fault(
        block.add, "ends a block of \(convolutions.count) convolutions; two or three were expected")
    }
    let side = block.side.map { view.graph.nodes[$0].operation }
    return Facts(
      convolutions: convolutions, projection: block.side.compactMap { convolution($0) }.first,
      side: side,
      zeroChannelsBefore: side.lazy.compactMap {
        if case .padChannels(let before, _) = $0 { before } else { nil }
      }.first, sideIsPreActivated: block.main.first.map(isConvolution) ?? false)
  }

  private func stages(
    of blocks: [Facts], isPreActivated: Bool
  ) throws(StructureFault) -> (
    stages: [Configuration.Stage], stridedBlock: Configuration.Block.StridedBlock
  ) {
    var stages: [[Facts]] = []
    for block in blocks {
      if stages.isEmpty || block.projection != nil || block.zeroChannelsBefore != nil {
        stages.append([block])
      } else {
        stages[stages.count - 1].append(block)
      }
    }
    let strided = stages.filter { $0.count > 1 }.flatMap { stage in
      stage.indices.filter { stage[$0].stride > 1 }.map { $0 == 0 }
    }
    // Where every stage that shrinks has one block, both mean the same.
    let isFirst =
      strided.isEmpty
      ? !isPreActivated || !blocks.contains { $0.sideIsPreActivated } : strided.contains(true)
    return (
      stages.map { stage in
        Configuration.Stage(
          blocks: stage.count, innerChannels: stage[0].convolutions[0].outputs,
          outputChannels: stage[0].outputs, stride: stage.map(\.stride).max() ?? 1,
          dilation: stage.map(\.dilation).max() ?? 1)
      }, isFirst ? .first : .last
    )
  }

  private func stridedConvolution(
    _ blocks: [Facts]
  ) -> Configuration.Block.StridedConvolution {
    let isFirst = blocks.contains { block in
      block.convolutions.count == 3 && block.convolutions[0].stride > 1
    }
    return isFirst ? .first : .spatial
  }

  private func shortcut(
    _ blocks: [Facts], _ stem: StemFacts, isPreActivated: Bool
  ) -> Configuration.Shortcut {
    let projected = blocks.filter { $0.projection != nil }
    // Every stage but the first begins with a projection, or it would be none.
    let isEverywhere = blocks[0].projection != nil
    // The first block tells least: it may have no norm of its own.
    let example = projected.last
    let hasNorm =
      example?.side.contains { if case .batchNorm = $0 { true } else { false } } ?? false
    let hasPool = projected.contains { block in
      block.side.contains { if case .averagePool = $0 { true } else { false } }
    }
    // One channel is added after the others either way.
    let zeros = blocks.compactMap(\.zeroChannelsBefore).sorted(by: >)
    let kind: Configuration.Shortcut.Kind =
      if let before = zeros.first {
        before > 0 ? .zeroChannelsAround : .zeroChannelsAfter
      } else {
        hasPool ? .averagePoolConvolution : hasNorm ? .convolutionNorm : .convolution
      }
    let readsPreActivated: Bool
    if isPreActivated, let example, projected.count > 1 || stem.firstBlockIsPreActivated {
      readsPreActivated = example.sideIsPreActivated
    } else {
      readsPreActivated = false
    }
    return Configuration.Shortcut(
      placement: isEverywhere ? .everyStage : .whereShapeChanges,
      input: readsPreActivated ? .preActivated : .raw,
      kind: kind,
      hasBias: example?.projection?.hasBias ?? false)
  }

  // MARK: - Stem

  private struct StemFacts {
    var stem: Configuration.Stem
    var firstBlockIsPreActivated: Bool
    /// The norm of the input, where there is one.
    var inputNorm: SourceOperation.Norm?
  }

  /// The stem; `nil` where its norm cannot be the way that is asked for.
  ///
  /// - Parameter keepsNorm: whether a norm and ReLU at its end are its own, rather than the first block's.
  private func stem(
    isPreActivated: Bool, keepsNorm: Bool, first: Trunk.Block
  ) throws(StructureFault) -> StemFacts? {
    var operations = trunk.stem.map { view.graph.nodes[$0].operation }[...]
    let firstBeginsWithNorm = first.main.first.map { !isConvolution($0) } ?? false
    var firstIsPreActivated = firstBeginsWithNorm
    if isPreActivated, !keepsNorm {
      // They stand before the fork where the projection reads them too.
      guard !firstBeginsWithNorm, operations.count > 2,
        operations.dropLast().last?.isNorm == true
      else { return nil }
      operations = operations.dropLast(2)
      firstIsPreActivated = true
    }
    var stem = Configuration.Stem(convolutions: [], hasNorm: false, pool: nil)
    var inputNorm: SourceOperation.Norm?
    for (index, operation) in zip(operations.indices, operations) {
      switch operation {
      case .convolution(let conv):
        stem.convolutions.append(
          .init(
            kernel: conv.height, stride: conv.stride, outputChannels: conv.outputs,
            hasBias: conv.hasBias))
        stem.hasNorm = false
      case .batchNorm(let norm) where stem.convolutions.isEmpty: inputNorm = norm
      case .batchNorm, .groupNorm: stem.hasNorm = true
      // After a norm, or after a convolution into which that was folded.
      case .activation(.relu): stem.hasNorm = true
      case .maxPool(let window):
        let border = view.inputs(of: trunk.stem[index]).padding
        stem.pool = .init(
          size: window.size, stride: window.stride,
          padding: window.isSame
            ? .same
            : border == nil && window.size > 2
              ? .valid : border.isNegativeInfinity ? .negativeInfinity : .zero)
      default: throw fault(trunk.stem[index], "is no layer of a stem")
      }
    }
    guard !stem.convolutions.isEmpty else {
      throw fault(trunk.blocks[0].add, "ends a block without a convolution before it")
    }
    return StemFacts(
      stem: stem, firstBlockIsPreActivated: firstIsPreActivated, inputNorm: inputNorm)
  }

  // MARK: - Head

  private func head(
    isPreActivated: Bool
  ) throws(StructureFault) -> (ending: Configuration.Ending, head: Configuration.Head) {
    var rest = trunk.tail[...]
    var ending = Configuration.Ending.sum
    func next() -> SourceOperation? { rest.first.map { view.graph.nodes[$0].operation } }
    if isPreActivated, next().map({ $0.isNorm }) == true {
      ending = .norm
      rest.removeFirst()
    }
    if next() == .activation(.relu), isPreActivated ? ending == .norm : true {
      ending = .activation
      rest.removeFirst()
    }
    var head = Configuration.Head(pooling: .none)
    if let node = rest.first,
      let operation = view.operation(of: node, as: .add),
      let pooling = operation.pooling
    {
      head.pooling = pooling
      rest.removeFirst()
    }
    for node in rest {
      guard let layer = view.operation(of: node, as: .add)?.headLayer else {
        let own = view.graph.nodes[node]
        throw fault(node, "is a \(own.className) that no head of a network has")
      }
      head.layers.append(layer)
    }
    return (ending, head)
  }

  // MARK: - Single nodes

  /// Whether a ReLU follows a convolution at once: the norm between them was folded.
  private var foldsNorms: Bool {
    ([trunk.stem] + trunk.blocks.map(\.main)).contains { chain in
      zip(chain, chain.dropFirst()).contains { node, next in
        isConvolution(node) && view.graph.nodes[next].operation == .activation(.relu)
      }
    }
  }

  /// Whether a ReLU follows a block's sum at once.
  private var rectifiesSums: Bool {
    let after =
      trunk.blocks.count > 1
      ? trunk.blocks.dropFirst().map { $0.lead.first } : [trunk.tail.first]
    return after.contains { node in
      node.map { view.graph.nodes[$0].operation } == .activation(.relu)
    }
  }

  private var convolutions: [SourceOperation.Convolution] {
    (trunk.stem + trunk.blocks.flatMap { $0.main + $0.side }).compactMap { convolution($0) }
  }

  private var norms: [(norm: Configuration.Norm, affine: Operation.Affine)] {
    (trunk.blocks.flatMap { $0.lead + $0.main } + trunk.stem).compactMap { node in
      if case .norm(let norm, _, let affine) = view.operation(of: node, as: .add) {
        (norm, affine)
      } else {
        nil
      }
    }
  }

  private func convolution(_ node: Int) -> SourceOperation.Convolution? {
    if case .convolution(let conv) = view.graph.nodes[node].operation { conv } else { nil }
  }

  private func isConvolution(_ node: Int) -> Bool { convolution(node) != nil }

  private func fault(_ node: Int, _ problem: String) -> StructureFault {
    StructureFault(view, node, problem)
  }
}

extension SourceOperation {
  fileprivate var isNorm: Bool {
    switch self {
    case .batchNorm, .groupNorm: true
    default: false
    }
  }
}

extension Operation {
  fileprivate var pooling: Configuration.Head.Pooling? {
    switch self {
    case .globalAverage: .average
    case .globalMaximum: .max
    case .flatten(let height, let width, let channelsFirst):
      .flatten(height: height, width: width, channelsFirst: channelsFirst)
    default: nil
    }
  }

  fileprivate var headLayer: Configuration.Head.Layer? {
    switch self {
    case .dense(_, let outputs, let hasBias): .dense(outputs: outputs, hasBias: hasBias)
    case .norm(let norm, _, let affine):
      .norm(norm, hasScale: affine.hasScale, hasShift: affine.hasShift)
    case .activation(let activation): .activation(activation)
    default: nil
    }
  }
}
