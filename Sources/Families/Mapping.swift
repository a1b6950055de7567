package import Files
package import ResNetV2
import SourceGraph
package import Tensors
import Threads

/// Which tensor of a file is which parameter of which network: complete, or an error.
///
/// Every tensor is used or passed over by a named rule, every parameter is filled exactly once, and
/// all shapes agree, before any data is read.
package struct Mapping: Sendable {
  /// One parameter and the tensor that fills it.
  package struct Entry: Sendable {
    /// The parameter.
    package let parameter: Parameter
    /// The tensor in the file, under the file's own name.
    package let tensor: TensorInfo
    /// How the tensor's axes become the parameter's.
    let layout: AxisOrder
    /// What a rule does with the axes before.
    var rearrangement: Rearrangement?

    /// The parameter that a tensor becomes, as float32.
    func parameter(from tensor: TensorData) -> TensorData {
      layout.parameter(from: rearrangement?.applied(to: tensor) ?? tensor)
    }
  }

  /// A tensor that belongs to no network, and the rule by which it is passed over.
  package struct Waived: Sendable {
    /// The tensor in the file.
    package let tensor: TensorInfo
    /// The rule's reason.
    package let reason: String
  }

  /// The family that the file belongs to.
  package let family: Family

  /// The network that the file's parameters are for.
  package let graph: Graph

  /// What the family, and this file, call the layers.
  package let layerNames: LayerNames

  /// The family's layer names that this file has differently, by canonical name (`head.dense`:
  /// `probs`).
  package let renamedLayers: [String: String]

  /// What the family supplied and the file does not tell.
  package let assumptions: [Assumption]

  /// The parameters in the order of the graph.
  package let entries: [Entry]

  /// The tensors that are passed over.
  package let waived: [Waived]

  /// The file's own graph, node by node, where the network was read from it.
  package let structure: StructureMatch?

  /// What the network is only a part of, and what was left out; `nil` for a whole model.
  package let part: String?

  /// Finds the family of a file and maps its tensors.
  ///
  /// - Parameters:
  ///   - source: the file.
  ///   - family: the family to take, or `nil` to recognise it.
  ///   - usesGraph: whether a graph that the file carries says what the network is; without one, and without this,
  ///     the tensors' names do.
  ///   - part: the part of a bigger model that is taken, or `nil` for the whole.
  ///   - told: what its user says of the network.
  /// - Throws: `InputError` where the file is of no known family or does not fit its network.
  package init(
    _ source: some WeightSource, family requested: Family? = nil, usesGraph: Bool = true,
    part: ModelPart? = nil, told: Told = Told()
  ) throws(InputError) {
    if usesGraph, told.rules == nil, let graph = try source.graph() {
      let network = try StructuredNetwork(graph, of: source, part: part)
      if requested == nil || requested?.id == network.family.id {
        try told.requireSame(as: network.graph.configuration, path: source.path)
        self = try Mapping(network, of: source)
        return
      }
    }
    if told.rules == nil,
      let refusal = Parametrization.refusal(source.tensors, path: source.path)
    {
      throw refusal
    }
    try self.init(MappingAttempt(source, family: requested, part: part, told: told))
  }

  private init(_ attempt: MappingAttempt) throws(InputError) {
    if let error = attempt.problems.error { throw error }
    family = attempt.family
    graph = attempt.graph
    entries = attempt.entries
    waived = attempt.waived
    assumptions = attempt.assumptions
    structure = nil
    part = attempt.part
    renamedLayers = attempt.renamedLayers
    layerNames = family.layerNames(for: graph, renamed: renamedLayers)
  }

  /// Takes the tensors that a file's own graph names.
  private init(_ network: StructuredNetwork, of source: some WeightSource) throws(InputError) {
    var problems = MappingProblems(path: source.path)
    problems.network = "its own graph"
    var entries: [Entry] = []
    var unused = Dictionary(source.tensors.map { ($0.name, $0) }) { first, _ in first }
    for parameter in network.graph.parameters {
      guard let (tensor, layout) = network.tensor(of: parameter) else {
        problems.addMissing(parameter, name: parameter.name)
        continue
      }
      unused[tensor.name] = nil
      guard layout.parameterShape(of: tensor.shape) == parameter.shape else {
        problems.addMisshapen(tensor, expected: layout.tensorShape(of: parameter.shape))
        continue
      }
      entries.append(Entry(parameter: parameter, tensor: tensor, layout: layout))
    }
    var waived: [Waived] = []
    for tensor in unused.values.sorted(by: { $0.name < $1.name }) {
      if let reason = network.reasonToWaive(tensor) {
        waived.append(.init(tensor: tensor, reason: reason))
      } else {
        problems.addUnexpected([tensor])
      }
    }
    if let error = problems.error { throw error }
    self.waived = waived
    self.entries = entries
    family = network.family
    graph = network.graph
    structure = network.match
    part = network.part
    assumptions = []
    renamedLayers = network.renamedLayers
    layerNames = family.layerNames(for: graph, renamed: renamedLayers)
  }

  /// Reads one parameter as float32 in the layout of the graph; `nil` for one that the network lacks.
  ///
  /// - Throws: what the source throws when the tensor cannot be read.
  package func tensor(
    of parameter: Parameter, from source: some WeightSource
  ) throws -> TensorData? {
    try entries.first { $0.parameter.name == parameter.name }.map { entry in
      let tensor = try source.tensor(named: entry.tensor.name)
      defer { tensor.releasePages() }
      return entry.parameter(from: tensor)
    }
  }

  /// Reads all parameters as float32 in the layout of the graph.
  ///
  /// Those of a network that is not held as a whole (``WorkingMemory``) are read where they are used, as often as they are,
  /// where they lie in a mapped file.
  ///
  /// - Throws: what the source throws when a tensor cannot be read.
  package func parameters(from source: some WeightSource, threads: Int) throws -> Parameters {
    // The largest tensors first, so that no thread is left with one at the end.
    let order = entries.sorted { $0.parameter.shape.elementCount > $1.parameter.shape.elementCount }
    let total = order.reduce(0) { $0 + $1.parameter.shape.elementCount * DType.float32.byteWidth }
    let isDeferred = total > WorkingMemory.whole
    let tensors = try concurrentMap(order, threads: threads) { entry in
      let tensor = try source.tensor(named: entry.tensor.name)
      // Whoever made the source, memory is read by what it lists.
      guard tensor.shape == entry.tensor.shape, tensor.dtype == entry.tensor.dtype else {
        throw InputError(
          .badData, path: source.path, "gives another tensor than it lists",
          place: "\(entry.tensor.name): \(tensor.shape), where \(entry.tensor.shape) was expected")
      }
      if isDeferred, tensor.isMapped {
        let deferred = TensorData(dtype: .float32, shape: entry.parameter.shape) {
          let parameter = entry.parameter(from: tensor)
          if !parameter.isInPlace(of: tensor) { tensor.releasePages() }
          return parameter
        }
        return (entry.parameter.name, deferred)
      }
      let parameter = entry.parameter(from: tensor)
      if !parameter.isInPlace(of: tensor) { tensor.discardPages() }
      return (entry.parameter.name, parameter)
    }
    return try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: graph)
  }
}

/// How the axes of a family's tensor become those of a parameter.
enum AxisOrder: Sendable {
  /// The same axes.
  case same
  /// [H, W, I, O] to [O, I, H, W], or [I, O] to [O, I].
  case outputLast
  /// [O, I, 1, 1] to [O, I].
  case squeezed
  /// [1, 1, I, O] to [O, I].
  case outputLastSqueezed
  /// [1, …, C, …, 1] to [C].
  case flattened

  /// How a tensor as it is stored becomes a parameter: a dense layer's matrix may as well be a 1×1
  /// kernel, and a vector may have axes of length 1 before its own.
  init(_ role: Parameter.Role, rank: Int, stored: Shape, in tensors: TensorTemplates) {
    switch (AxisOrder(role, rank: rank, in: tensors), rank, stored.rank) {
    case (.same, 2, 4): self = .squeezed
    case (.squeezed, 2, 2): self = .same
    case (.outputLast, 2, 4): self = .outputLastSqueezed
    case (.outputLastSqueezed, 2, 2): self = .outputLast
    case (.same, 1, 2...): self = .flattened
    case (let order, _, _): self = order
    }
  }

  /// How a variable of a file's own graph becomes a parameter.
  init(_ order: SourceGraph.Tensor.Order, of parameter: Parameter, stored: Shape) {
    switch (parameter.role, order) {
    case (.weight, .outputsLast): self = .outputLast
    case (.weight, .outputsFirst): self = parameter.shape.rank < stored.rank ? .squeezed : .same
    default: self = stored.rank == 1 ? .same : .flattened
    }
  }

  init(_ role: Parameter.Role, rank: Int, in tensors: TensorTemplates) {
    switch (role, rank) {
    case (.weight, 4):
      self = tensors.convolutionLayout == .hwio ? .outputLast : .same
    case (.weight, 2):
      self =
        switch tensors.denseLayout {
        case .inputOutput: .outputLast
        case .outputInput: .same
        case .outputInput1x1: .squeezed
        case .inputOutput1x1: .outputLastSqueezed
        }
    default:
      self = .same
    }
  }

  /// The shape of the parameter that a tensor of a shape becomes.
  func parameterShape(of tensor: Shape) -> Shape? {
    let sizes = tensor.dimensions
    switch (self, sizes.count) {
    case (.same, _): return tensor
    case (.outputLast, 4): return Shape(validating: [sizes[3], sizes[2], sizes[0], sizes[1]])
    case (.outputLast, 2): return Shape(validating: [sizes[1], sizes[0]])
    case (.squeezed, 4) where sizes[2] == 1 && sizes[3] == 1:
      return Shape(validating: [sizes[0], sizes[1]])
    case (.outputLastSqueezed, 4) where sizes[0] == 1 && sizes[1] == 1:
      return Shape(validating: [sizes[3], sizes[2]])
    case (.flattened, 1...) where sizes.count(where: { $0 != 1 }) <= 1:
      return Shape(validating: [tensor.elementCount])
    default: return nil
    }
  }

  /// The shape of the tensor that becomes a parameter of a shape.
  func tensorShape(of parameter: Shape) -> Shape {
    let sizes = parameter.dimensions
    return switch self {
    case .same, .flattened: parameter
    case .outputLast: Shape(Array(sizes.dropFirst(2)) + [sizes[1], sizes[0]])
    case .squeezed: Shape(sizes + [1, 1])
    case .outputLastSqueezed: Shape([1, 1, sizes[1], sizes[0]])
    }
  }

  /// The parameter as float32.
  func parameter(from tensor: TensorData) -> TensorData {
    switch self {
    case .same, .squeezed, .flattened:
      let shape = parameterShape(of: tensor.shape) ?? tensor.shape
      return tensor.asFloat32().reshaped(to: shape)
    case .outputLast:
      return tensor.outputChannelsFirst()
    case .outputLastSqueezed:
      let matrix = Shape(Array(tensor.shape.dimensions.suffix(2)))
      return tensor.reshaped(to: matrix).outputChannelsFirst()
    }
  }

  /// The way back, for writing a family's files.
  func tensor(from parameter: TensorData) -> TensorData {
    switch self {
    case .same, .squeezed, .flattened:
      return parameter.reshaped(to: tensorShape(of: parameter.shape))
    case .outputLast, .outputLastSqueezed:
      return parameter.outputChannelsLast().reshaped(to: tensorShape(of: parameter.shape))
    }
  }
}
