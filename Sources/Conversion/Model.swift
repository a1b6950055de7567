package import Families
import Files
import Inference
package import RNW
package import ResNetV2
import SourceGraph
package import Tensors
import WeightSources

/// A network from a file of any kind: what it is, what its layers are called, and where its tensors
/// are.
package struct Model: Sendable {
  /// The file.
  package let source: any WeightSource

  /// The family that the weights come from.
  package let family: Family

  /// The network.
  package let graph: Graph

  /// What the family, and this file, call the layers.
  package let layerNames: LayerNames

  private let origin: Origin

  private enum Origin: Sendable {
    case mapped(Mapping)
    case converted(RNWFile)
  }

  /// Opens a file and finds out which network it holds.
  ///
  /// - Throws: `InputError` where it cannot be read or holds no known network.
  package init(
    path: String, family: Family? = nil, part: ModelPart? = nil, dictionary: String? = nil,
    told: Told = Told()
  ) throws {
    try self.init(
      try WeightFile.open(path, dictionary: dictionary), family: family, part: part,
      told: told)
  }

  /// Finds out which network an opened file holds.
  ///
  /// - Parameters:
  ///   - family: the family to take, or `nil` to recognise it.
  ///   - usesGraph: whether a graph that the file carries says what the network is, rather than names.
  ///   - part: the part of a bigger model that is taken, or `nil` for the whole.
  ///   - told: what its user says of the network.
  package init(
    _ source: any WeightSource, family requested: Family? = nil, usesGraph: Bool = true,
    part: ModelPart? = nil, told: Told = Told()
  ) throws {
    self.source = source
    if let file = source as? RNWFile {
      let record: SourceRecord = try file.source()
      family = try Self.family(of: record, in: file)
      let certificate: CertificateRecord? = try file.certificate()
      let silent = certificate?.assumptions ?? []
      if let requested, requested.id != family.id {
        throw InputError(
          .badData, path: file.path, "is of the family \(family.id)",
          place: "--family \(requested.id) was asked for")
      }
      graph = try Self.graph(of: file, silent: silent, told: told)
      assumptions = silent.filter { !told.tells($0) }
      self.told = (record.told ?? [:]).merging(told.record) { $1 }
      rules = record.rules
      renamedLayers = record.renamedLayers
      layerNames = family.layerNames(for: graph, renamed: renamedLayers)
      origin = .converted(file)
      // Only images that are no squares are certified as the file fixed them.
      let probe = certificate?.probe.shape ?? []
      fixedSize = probe.count == 4 && probe[1] != probe[2] ? (probe[1], probe[2]) : nil
    } else {
      let mapping: Mapping
      do {
        mapping = try Mapping(
          source, family: requested, usesGraph: usesGraph, part: part, told: told)
      } catch {
        throw error.because(.unknownNetwork)
      }
      self.told = told.record
      rules = told.rules?.record
      family = mapping.family
      graph = mapping.graph
      layerNames = mapping.layerNames
      renamedLayers = mapping.renamedLayers
      // The parts of a class and all that its code does with them are told together.
      let hasParts = source.metadata["keras.parts.assumed"] != nil
      assumptions =
        mapping.assumptions.filter {
          !hasParts || $0.option != Assumption.Option.arithmetic.rawValue
        }
        + Self.silentParts.compactMap { option, key in
          source.metadata[key].map { Assumption(option: option, value: $0) }
        }
      origin = .mapped(mapping)
      fixedSize = usesGraph ? (try? source.graph())?.fixedSize : nil
    }
  }

  /// What a container does not tell of the network: which of several dictionaries is the one in use, what a sparse
  /// tensor beside the weights is for, what the code of a class does with its parts.
  private static let silentParts: KeyValuePairs = [
    "dictionary": "torch.dictionary.assumed", "sparse": "torch.sparse.assumed",
    "parts": "keras.parts.assumed",
  ]

  /// What the family supplied and the file does not tell; of a converted file, what its source did not.
  package let assumptions: [Assumption]

  /// The height and width of the images that the file's own graph fixes.
  private let fixedSize: (height: Int, width: Int)?

  /// The same, where they differ: no photo is resized to that, as a family's functions make squares.
  var oblongSize: (height: Int, width: Int)? {
    fixedSize.flatMap { $0.height == $0.width ? nil : $0 }
  }

  /// What users said of the network, by option.
  let told: [String: String]

  /// The user's own rules for names, by the expression that each matches; `nil` without.
  let rules: [String: String]?

  /// The name of the network, such as `resnet50_v2`.
  package var architectureName: String { family.architectureName(of: graph.configuration) }

  /// The layers that the file calls otherwise than its family does, by canonical name.
  package let renamedLayers: [String: String]

  /// How the tensors were mapped; `nil` for a converted file, whose names are the graph's own.
  package var mapping: Mapping? {
    if case .mapped(let mapping) = origin { return mapping }
    return nil
  }

  /// The file's name of each parameter, where the file was mapped.
  var tensorNames: [String: String] {
    Dictionary(
      (mapping?.entries ?? []).map { ($0.parameter.name, $0.tensor.name) }
    ) { first, _ in first }
  }

  /// The converted file, where the model is one.
  package var converted: RNWFile? {
    if case .converted(let file) = origin { return file }
    return nil
  }

  /// What images go through before they are given to the network: as the file says where it does, else
  /// as the family does, for images of the size that the file fixes.
  ///
  /// - Throws: `InputError` where the file says what cannot be.
  package func preprocessing() throws -> Preprocessing {
    guard let converted else {
      // What the network does itself is not done before it as well.
      var preprocessing =
        graph.configuration.input.isAdjusted
        ? family.preprocessing.leavingPixels : family.preprocessing
      if let fixedSize, oblongSize == nil {
        preprocessing.resize = preprocessing.resize?.fitted(to: fixedSize.height)
      }
      return preprocessing
    }
    let record: PreprocessingRecord = try converted.preprocessing()
    guard record.preprocessing.isPossible else {
      throw InputError(
        .badData, path: converted.path, "describes impossible preprocessing",
        place: "rnw.preprocessing")
    }
    return record.preprocessing
  }

  /// The shape of one image that the network is usually run on, [1, H, W, C].
  package var usualInput: Shape {
    let channels = graph.configuration.input.channels
    if let size = mapping?.structure?.view.requiredSize ?? oblongSize {
      return [1, size.height, size.width, channels]
    }
    return graph.usualInput(side: usualSide)
      ?? [1, family.defaultInputSize, family.defaultInputSize, channels]
  }

  /// The height and width of that image, where they are the same: as the file says where it does, else as the family
  /// does.
  package var usualSide: Int {
    if let size = mapping?.structure?.view.requiredSize { return size.height }
    if let converted, let record: PreprocessingRecord = try? converted.preprocessing(),
      (1...4096).contains(record.inputSize)
    {
      return record.inputSize
    }
    return family.defaultInputSize
  }

  /// Reads all parameters as float32 in the layout of the graph.
  ///
  /// - Throws: `InputError` where a tensor is damaged.
  package func parameters(threads: Int) throws -> Parameters {
    switch origin {
    case .mapped(let mapping):
      return try mapping.parameters(from: source, threads: threads)
    case .converted(let file):
      return try ConvertedNetwork(file, configuration: graph.configuration)
        .parameters(threads: threads)
    }
  }

  /// Reads one parameter; `nil` for one that the network lacks.
  ///
  /// - Throws: `InputError` where the tensor is damaged.
  package func tensor(of parameter: Parameter) throws -> TensorData? {
    switch origin {
    case .mapped(let mapping):
      return try mapping.tensor(of: parameter, from: source)
    case .converted(let file):
      guard graph.parameters.contains(where: { $0.name == parameter.name }) else { return nil }
      return try file.tensor(named: parameter.name)
    }
  }

  /// What is told of the network of a file, where the file does not tell it itself.
  ///
  /// Of two files that are compared, what is told is of those that are silent.
  static func told(_ told: Told, of source: any WeightSource) throws -> Told {
    let isSilent: Bool
    if let file = source as? RNWFile {
      let certificate: CertificateRecord? = try file.certificate()
      let silent = Set((certificate?.assumptions ?? []).map(\.option))
      isSilent = !told.options.isDisjoint(with: silent)
    } else {
      isSilent = try source.graph() == nil
    }
    guard !isSilent else { return told }
    var rest = Told()
    rest.ignored = told.ignored
    rest.rules = told.rules
    return rest
  }

  private static func family(of record: SourceRecord, in file: RNWFile) throws -> Family {
    guard let family = Family.named(record.family) else {
      throw InputError(
        .badData, path: file.path, "comes from an unknown family", place: record.family,
        hint: "a newer rnw knows it")
    }
    return family
  }

  /// The network that a converted file describes, and whose tensors it holds, with what its user tells of what
  /// its source did not.
  ///
  /// - Throws: `InputError` where they are not.
  static func graph(
    of file: RNWFile, silent: [Assumption] = [], told: Told = Told()
  ) throws -> Graph {
    var configuration = try ConvertedNetwork.configuration(of: file)
    let open = Set(silent.map(\.option))
    if !told.isEmpty {
      if told.options.isEmpty || !told.options.isSubset(of: open) {
        try told.requireSame(as: configuration, path: file.path)
      } else {
        configuration = try told.completed(configuration, path: file.path)
      }
    }
    return try ConvertedNetwork(file, configuration: configuration).graph
  }
}
