import Comparison
import Families
import Files
import Inference
import ResNetV2
import Tensors

/// What recorded values leave open of what a model's tensors do not tell.
///
/// Values that agree tell an option only where another value of it would have shown: what a model does after its last layer
/// only its own output shows, what it does to its input no image of one colour.
struct RecordedReach {
  /// The options that are left open.
  private(set) var open: Set<Assumption.Option> = []
  /// Why, in words.
  private(set) var remarks: [String] = []
  private var leavesAll = false
  /// Whether that of a layer within the head is left open.
  private var leavesHeadFunctions = false

  /// Options that all pixels of an image are needed for.
  private static let spatial: Set<Assumption.Option> = [
    .stridedBlock, .stridedConvolution, .stageStrides, .padding,
  ]

  /// Looks at what was compared.
  ///
  /// - Throws: `InputError` where the recorded input cannot be read.
  init(_ archive: ActivationArchive, _ graph: Graph, _ outcome: Comparison.Outcome) throws {
    let name = archive.path.lastName
    guard let input = try archive.recordedInput(), outcome.reachesOutput else {
      leavesAll = true
      if let last = outcome.layers.map(\.node).max() {
        let layer = outcome.layers.first { $0.node == last }?.displayName ?? ""
        remarks.append("\(name) lacks the output: nothing after \(layer) was compared")
      }
      return
    }
    if input.isPlain {
      leavesAll = true
      remarks.append(Activation.plainRemark(of: name))
      return
    }
    if archive.hasOutput, outcome.layer(of: graph.outputIndex)?.passes == false {
      remarks.append(
        "the last layer is held against the array 'output', what the model itself gives: whatever it does after that layer counts"
      )
    }
    if !archive.hasOutput {
      open.formUnion([.activation, .arithmetic])
      remarks.append(
        "\(name) has no array 'output' with what the model itself gives: it does not tell what comes after the last layer"
      )
    }
    if try Self.isSaturated(archive, graph, outcome) {
      remarks.append(
        "the output of \(name) is 0 or 1 everywhere: it tells little of what comes before")
      open.insert(.activation)
      leavesAll = outcome.layers.count == 1
    }
    if input.isGrey { open.insert(.input) }
    addFunctions(of: graph, outcome)
    try addSmallMaps(of: graph, seeing: outcome.inputShape)
  }

  /// The assumptions that are left.
  func left(of assumptions: [Assumption]) -> [Assumption] {
    assumptions.filter { assumption in
      leavesAll
        || Assumption.Option(rawValue: assumption.option).map(open.contains)
          ?? (assumption.option.hasSuffix(".activation") && leavesHeadFunctions)
    }
  }

  /// ReLU6, the usual other one, is the same as a ReLU below 6; that of the blocks is one function for all.
  private mutating func addFunctions(of graph: Graph, _ outcome: Comparison.Outcome) {
    let ends = graph.nodes.indices.filter { graph.nodes[$0].operation == .activation(.relu) }
    func isShown(_ node: Int) -> Bool {
      outcome.layer(of: node).map { $0.statistics.maximumReference > 6 } ?? false
    }
    let isOfHead = { (node: Int) in graph.nodes[node].name.hasPrefix("head.") }
    if !ends.contains(where: { !isOfHead($0) && isShown($0) }) { open.insert(.hiddenActivation) }
    leavesHeadFunctions = ends.contains { isOfHead($0) && !isShown($0) }
  }

  /// Of one pixel the mean is the maximum, and there is nothing beside it.
  private mutating func addSmallMaps(of graph: Graph, seeing input: Shape) throws {
    let shapes = try graph.shapes(for: input)
    for node in graph.nodes {
      guard let shape = node.inputs.first.map({ shapes[$0] }), shape.rank == 4,
        shape[1] == 1, shape[2] == 1
      else { continue }
      switch node.operation {
      case .globalAverage, .globalMaximum: open.insert(.pooling)
      case .convolution(let convolution) where convolution.kernel > 1:
        open.formUnion(Self.spatial)
      case .maxPool: open.insert(.stemPool)
      default: break
      }
    }
  }

  private static func isSaturated(
    _ archive: ActivationArchive, _ graph: Graph, _ outcome: Comparison.Outcome
  ) throws -> Bool {
    let last = graph.nodes[graph.outputIndex]
    guard [.activation(.softmax), .activation(.sigmoid)].contains(last.operation),
      let name = archive.assignment.arrays[last.name],
      let shape = try graph.shapes(for: outcome.inputShape).last,
      let output = try archive.unknownValue(named: name, shape: shape)
    else { return false }
    return output.values.allSatisfy { abs($0 - $0.rounded()) < 1e-3 }
  }
}
