import Files
import ResNetV2
import SourceGraph
import Tensors

/// The network that a file's tensors are for, and what of it the file did not tell.
struct RecognizedNetwork {
  /// The network.
  let graph: Graph

  /// The tensors of a head that the file has in place of the family's own, by the parameter's name.
  let headTensors: [String: TensorInfo]

  /// What the file calls the layers of such a head, by canonical name.
  let headNames: [String: String]

  /// What the file left open of its head.
  let assumptions: [Assumption]
}

extension Recognition {
  /// The network that the tensors are for: the family's options, with stages, widths and classes
  /// read from the names and shapes.
  func makeNetwork(
    described: SourceGraph?, told: Told, path: String
  ) throws(InputError) -> RecognizedNetwork {
    let shapes = CanonicalShapes(family, tensors)
    var configuration = variant.options
    shapes.readStem(into: &configuration)
    shapes.readBlock(into: &configuration)
    shapes.readStages(into: &configuration)
    try refuse(shapes, configuration, path: path)
    configuration.readNormGroups()
    do {
      try shapes.readParts(into: &configuration)
    } catch {
      throw InputError(
        .badData, path: path, "is not a network of \(family.title)", place: error.description)
    }
    var head: FoundHead?
    if let freeHead = family.freeHead {
      let found = try findHead(freeHead, after: configuration, path: path)
      configuration.head = found.head
      head = found
    } else if described == nil, family.hasCountedHead,
      let found = try findCountedHead(after: configuration, path: path)
    {
      configuration.head = found.head
      head = found
    } else {
      shapes.readHead(into: &configuration)
    }
    if let problem = described.flatMap({ family.refine(&configuration, $0) }) {
      throw InputError(.badData, path: path, "is not a network of \(family.title)", place: problem)
    }
    if described == nil {
      configuration = try told.completing(configuration, of: family, path: path)
    } else {
      try told.requireSame(as: configuration, path: path)
    }
    return RecognizedNetwork(
      graph: try graph(configuration, path: path), headTensors: head?.tensors ?? [:],
      headNames: head?.names ?? [:], assumptions: head?.assumptions ?? [])
  }

  /// The graph without a head, and the tensors that it leaves over.
  private func body(
    of configuration: Configuration, path: String
  ) throws(InputError) -> (graph: Graph, left: [String: TensorInfo]) {
    var body = configuration
    body.head = .init(pooling: .none)
    let graph = try graph(body, path: path)
    let names = Set(graph.parameters.flatMap { family.tensorNames(of: $0.node, $0.role) })
    return (graph, tensors.filter { !names.contains($0.key) })
  }

  /// A head of counted layers; `nil` where there is the family's own, or none.
  private func findCountedHead(
    after configuration: Configuration, path: String
  ) throws(InputError) -> FoundHead? {
    let (graph, left) = try body(of: configuration, path: path)
    let own = Set(
      [Parameter.Role.weight, .bias].flatMap { family.tensorNames(of: "head.dense", $0) })
    let matrix = left.first { $0.value.shape.rank == 2 }?.value.shape[0]
    if outsiders.isEmpty, Set(left.keys).isSubset(of: own), matrix == graph.outputChannels {
      return nil
    }
    let all = left.merging(outsiders.map { (SourceNames.cleaned($0.name), $0) }) { first, _ in first
    }
    guard all.count == left.count + outsiders.count else { return nil }
    return try ChainedHead(left: all, family: family, channels: graph.outputChannels).find(
      path: path)
  }

  private func findHead(
    _ freeHead: FreeHead, after configuration: Configuration, path: String
  ) throws(InputError) -> FoundHead {
    let (graph, left) = try body(of: configuration, path: path)
    let finder = HeadFinder(
      left: left, outsiders: outsiders, prefix: prefix, family: family,
      channels: graph.outputChannels)
    return try finder.find(freeHead, path: path)
  }

  private func graph(_ configuration: Configuration, path: String) throws(InputError) -> Graph {
    do {
      return try Graph(configuration)
    } catch {
      throw InputError(
        .badData, path: path, "is not a network of \(family.title)", place: error.description)
    }
  }

  /// Stops where shapes show what no network of the family has.
  private func refuse(
    _ shapes: CanonicalShapes, _ configuration: Configuration, path: String
  ) throws(InputError) {
    var place: String?
    if shapes.convolutionGroups > 1 {
      place =
        "its 3×3 convolutions are in \(shapes.convolutionGroups) groups, as a ResNeXt's: grouped "
        + "convolutions are not computed"
    }
    let kernels = configuration.stem.convolutions.map(\.kernel)
    let expected = variant.options.stem.convolutions.map(\.kernel)
    if family.freeHead != nil, kernels != expected, !(family.hasSmallStem && kernels == [3]) {
      let found = kernels.map { "\($0)×\($0)" }.joined(separator: ", ")
      place = "the stem's kernel is \(found): its stride and padding are not known"
    }
    if let place {
      throw InputError(.badData, path: path, "is not a network of \(family.title)", place: place)
    }
  }
}

extension Configuration {
  /// The number of groups of a group norm: the usual one, where the channels can be divided by it.
  fileprivate mutating func readNormGroups() {
    guard case .group(let usual, let epsilon) = norm else { return }
    let widths =
      stages.flatMap { [$0.innerChannels, $0.outputChannels] }
      + stem.convolutions.map(\.outputChannels)
    let count = widths.filter { $0 > 0 }.reduce(usual, greatestCommonDivisor)
    norm = .group(count: count, epsilon: epsilon)
  }
}

/// Euclid's algorithm.
private func greatestCommonDivisor(_ first: Int, _ second: Int) -> Int {
  second == 0 ? first : greatestCommonDivisor(second, first % second)
}
