import Files
import Plain
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

  /// The options that the file tells though it carries no graph.
  let known: Set<String>
}

extension Recognition {
  /// The network that the tensors are for: the family's options, with stages, widths and classes
  /// read from the names and shapes.
  func makeNetwork(
    described: SourceGraph?, description: JSONValue?, listed: ListedLayers, told: Told, path: String
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
      let found = try findHead(freeHead, after: configuration, listed: listed, path: path)
      configuration.head = found.head
      head = found
    } else {
      shapes.readHead(into: &configuration)
    }
    if let problem = described.flatMap({ family.refine(&configuration, $0) }) {
      throw InputError(.badData, path: path, "is not a network of \(family.title)", place: problem)
    }
    var known: Set<String> = []
    if let description {
      switch family.readDescription(&configuration, description) {
      case .silent: break
      case .tells(let options): known.formUnion(options)
      case .other(let problem):
        throw InputError(
          .badData, path: path, "is not a network of \(family.title)", place: problem)
      }
    }
    if described == nil {
      try listed.requireKnown(told: told)
      try listed.readBorders(into: &configuration, of: family)
      if let pooling = listed.pooling, configuration.head.pooling.isGlobal {
        configuration.head.pooling = pooling
        known.insert(Assumption.Option.pooling.rawValue)
        guard told.pooling.map({ $0.rawValue == "\(pooling)" }) ?? true else {
          throw InputError(
            .badData, path: path,
            "lists a layer of another pooling than \(told.pooling?.rawValue ?? "")",
            place: "global_\(pooling)_pooling2d")
        }
      }
      configuration = try told.completing(configuration, of: family, path: path)
    } else {
      try told.requireSame(as: configuration, path: path)
    }
    head?.notePool(in: configuration.head)
    return RecognizedNetwork(
      graph: try graph(configuration, path: path), headTensors: head?.tensors ?? [:],
      headNames: head?.names ?? [:], assumptions: head?.assumptions ?? [], known: known)
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

  private func findHead(
    _ freeHead: FreeHead, after configuration: Configuration, listed: ListedLayers, path: String
  ) throws(InputError) -> FoundHead {
    let (graph, left) = try body(of: configuration, path: path)
    let beside = outsiders.map { (name: plainName(of: $0), tensor: $0) }
    guard case .counted = freeHead.names else {
      let finder = HeadFinder(
        left: left, outsiders: beside, prefix: prefix, family: family,
        channels: graph.outputChannels)
      return try finder.find(freeHead, path: path)
    }
    let candidates = left.merging(beside.map { ($0.name, $0.tensor) }) { first, _ in first }
    let head = ChainedHead(
      candidates: candidates, positions: positions,
      hasOwnActivations: listed.hasOwnActivations(beyond: graph, of: family), family: family,
      channels: graph.outputChannels, path: path)
    return try head.find(freeHead)
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

extension Configuration.Head.Pooling {
  /// Whether it makes one value of each channel, or nothing of the map: then a layer of the file may tell another one.
  fileprivate var isGlobal: Bool {
    if case .flatten = self { false } else { true }
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
