import Families
import Inference
import ResNetV2
import Tensors
import Testing

@testable import Verification

@Suite("Fault catalogue")
struct FaultCatalogueTests {
  @Test(
    "Every kind of fault is traced to its layer, and nearly all are explained",
    arguments: Sample.all, Fault.all)
  func singleFaults(_ sample: Sample, _ fault: Fault) throws {
    var generator = SplitMix64(seed: 17)
    let places = sample.graph.nodes.indices.filter { fault.applies(sample, sample.graph.nodes[$0]) }
    guard !places.isEmpty else { return }
    let reference = ReferenceExecutor(
      graph: sample.graph, parameters: sample.parameters, threads: 1)
    var failures = 0
    for _ in 0..<3 {
      let place = sample.graph.nodes[places[Int.random(in: 0..<places.count, using: &generator)]]
      let (graph, parameters) = try fault.inject(sample, place)
      let candidate = FastExecutor(graph: graph, parameters: parameters, threads: 1)
      let comparison = sample.comparison(of: candidate)
      let result = try comparison.run(against: reference, inputs: [sample.input])
      guard !result.verdict.passes else { continue }
      failures += 1
      let diagnosis = Diagnosis(
        of: comparison, parameters: parameters,
        reference: .init(graph: sample.graph, parameters: sample.parameters)
      ) { ReferenceExecutor(graph: $0, parameters: $1, threads: 1) }
      let culprit = try #require(
        try diagnosis.explain(result, against: reference, input: sample.input).verdict.culprit)
      #expect(culprit.name == fault.firstNode(sample, place), "\(fault) at \(place.name)")
      let explanation = try #require(culprit.suspicion?.explanation, "\(fault) at \(place.name)")
      #expect(
        fault.words.contains { explanation.contains($0) },
        "\(fault) at \(place.name): \(explanation)")
    }
    #expect((failures == 0) == fault.harmless.contains(sample.family))
  }

  @Test(
    "From an archive every layer is found as well, most faults are explained, and none falsely",
    arguments: Sample.all)
  func singleFaultsFromArchive(_ sample: Sample) throws {
    var generator = SplitMix64(seed: 23)
    let activations = try sample.archive()
    var failures = 0
    var explained = 0
    for fault in Fault.all where fault.keepsShapes {
      let places = sample.graph.nodes.filter { fault.applies(sample, $0) }
      for place in (0..<2).compactMap({ _ in places.randomElement(using: &generator) }) {
        guard
          let culprit = try culprit(of: fault, at: place, in: sample, against: activations)
        else { continue }
        failures += 1
        let first = fault.firstNode(sample, place)
        #expect(
          culprit.name == first || culprit.unseen.contains(sample.names.name(of: first) ?? first),
          "\(fault) at \(place.name)")
        guard let explanation = culprit.suspicion?.explanation else { continue }
        explained += 1
        #expect(
          fault.words.contains { explanation.contains($0) },
          "\(fault) at \(place.name): \(explanation)")
      }
    }
    // A tensor that is nowhere any more, and sums of inputs in another order, cannot be told.
    #expect(explained * 10 >= failures * 8, "\(explained) of \(failures)")
  }

  private func culprit(
    of fault: Fault, at place: Node, in sample: Sample, against activations: MemorySource
  ) throws -> Culprit? {
    let (graph, parameters) = try fault.inject(sample, place)
    let comparison = sample.comparison(
      of: FastExecutor(graph: graph, parameters: parameters, threads: 1))
    let archive = try ActivationArchive(activations, graph: graph, layerNames: sample.names)
    let diagnosis = Diagnosis(of: comparison, parameters: parameters) {
      ReferenceExecutor(graph: $0, parameters: $1, threads: 1)
    }
    return try diagnosis.explain(try comparison.run(against: archive), against: archive)
      .verdict.culprit
  }

  @Test("No healthy network is flagged", arguments: Sample.all, 0..<10)
  func healthy(_ sample: Sample, _ seed: Int) throws {
    let healthy = try Sample(family: sample.family, seed: UInt64(100 + seed))
    let candidate = FastExecutor(
      graph: healthy.graph, parameters: healthy.parameters, threads: 1)
    let reference = ReferenceExecutor(
      graph: healthy.graph, parameters: healthy.parameters, threads: 1)
    let result = try healthy.comparison(of: candidate, mode: .both)
      .run(against: reference, inputs: [healthy.input])
    #expect(result.verdict.passes)
    #expect(result.verdict.culprit == nil)
  }
}

/// One way to get a network wrong.
struct Fault: Sendable, CustomStringConvertible {
  let description: String
  /// What the explanation says, in one of these ways.
  let words: [String]
  let applies: @Sendable (Sample, Node) -> Bool
  let inject: @Sendable (Sample, Node) throws -> (Graph, Parameters)
  /// The families whose sample it does not change: a border of zeros after a ReLU never wins, and a
  /// stage with one block has its stride in the first and the last one.
  var harmless: Set<String> = []
  /// Whether the layers keep their shapes; where not, an archive is refused as another network's.
  var keepsShapes = true
  /// The first node in the order of the graph that the fault is in.
  var firstNode: @Sendable (Sample, Node) -> String = { $1.name }

  static let all = swaps + changes + kernels + exchanges + options

  /// Two tensors of a norm in each other's place.
  private static var swaps: [Fault] {
    let roles: [Parameter.Role] = [.scale, .shift, .mean, .variance]
    return roles.indices.flatMap { first in
      roles.indices.dropFirst(first + 1).map { second in
        Fault(
          description: "\(roles[first]) and \(roles[second]) swapped",
          words: ["\(roles[first]) and \(roles[second]) are swapped"],
          applies: { _, node in node.has(roles[second]) }
        ) { sample, node in
          try sample.exchangingParameters((node, roles[first]), (node, roles[second]))
        }
      }
    }
  }

  /// All values of a tensor changed alike, or a few of them spoilt.
  private static var changes: [Fault] {
    let factor = { @Sendable (values: [Float]) in values.map { $0 * 1.01 } }
    let offset = { @Sendable (values: [Float]) in values.map { $0 + 1e-3 } }
    return [
      change("scale × 1.01", .scale, ["scale is 1.010 ×"], factor),
      change("variance × 1.01", .variance, ["variance is 1.010 ×"], factor),
      change("mean + 0.001", .mean, ["mean is off by 1.00e-03"], offset),
      change("shift + 0.001", .shift, ["shift is off by 1.00e-03"], offset),
      change("kernel × 1.01", .weight, ["weight is 1.010 ×"], factor),
      change("bias dropped", .bias, ["bias is missing"]) { $0.map { _ in 0 } },
      change("one NaN", .weight, ["NaN", "only 1 of"]) { [.nan] + $0.dropFirst() },
      change("float16 overflow", .weight, ["infinite", "only 1 of"]) {
        [.infinity] + $0.dropFirst()
      },
      change("negative variance", .variance, ["variance"]) { [-1] + $0.dropFirst() },
      change("one value negated", .weight, ["weight differs in 1 of", "only 1 of"]) {
        var values = $0
        let largest = values.map(\.magnitude).max()
        if let index = values.firstIndex(where: { $0.magnitude == largest }) {
          values[index].negate()
        }
        return values
      },
      change("scale reversed", .scale, ["scale has its channels in another order"]) {
        $0.reversed()
      },
    ]
  }

  private static func change(
    _ description: String, _ role: Parameter.Role, _ words: [String],
    _ change: @escaping @Sendable ([Float]) -> [Float]
  ) -> Fault {
    Fault(
      description: description, words: words, applies: { _, node in node.has(role) }
    ) { sample, node in
      try sample.changingParameter(node, role) { _, values in change(values) }
    }
  }

  /// A kernel with its values in the wrong order.
  private static var kernels: [Fault] {
    [
      kernel("transposed channels", ["input and output channels transposed"], { $0[0] == $0[1] }) {
        [$0[1], $0[0], $0[2], $0[3]]
      },
      kernel("transposed space", ["height and width transposed"], { $0[2] > 1 }) {
        [$0[0], $0[1], $0[3], $0[2]]
      },
      kernel("upside down", ["flipped top to bottom"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], shape[2] - 1 - index[2], index[3]]
      },
      kernel("left to right", ["flipped left to right"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], index[2], shape[3] - 1 - index[3]]
      },
      kernel("rotated by 180°", ["flipped in both directions"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], shape[2] - 1 - index[2], shape[3] - 1 - index[3]]
      },
      kernel(
        "output channels rotated",
        ["output channels in another", "output channels are in another"], { $0[0] > 1 }
      ) {
        index, shape in [(index[0] + 1) % shape[0], index[1], index[2], index[3]]
      },
      kernel(
        "input channels rotated", ["input channels in another order"],
        { $0[1] > 1 }
      ) {
        index, shape in [index[0], (index[1] + 1) % shape[1], index[2], index[3]]
      },
      Fault(
        description: "HWIO values taken as OIHW",
        words: ["in the order", "input and output channels transposed"],
        applies: { _, node in node.isConvolution }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, _ in
          tensor.outputChannelsLast().floats()
        }
      },
      Fault(
        description: "matrix not transposed", words: ["in the order input, output"],
        applies: { _, node in node.has(.weight) && !node.isConvolution }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, _ in
          tensor.outputChannelsLast().floats()
        }
      },
    ]
  }

  private static func kernel(
    _ description: String, _ words: [String], _ fits: @escaping @Sendable ([Int]) -> Bool,
    _ index: @escaping @Sendable ([Int], [Int]) -> [Int]
  ) -> Fault {
    Fault(
      description: description, words: words,
      applies: { _, node in node.isConvolution && fits(node.parameters[0].shape.dimensions) }
    ) { sample, node in
      let parameter = node.parameters[0]
      return try sample.changingParameter(node, .weight) { _, _ in
        sample.reordered(parameter) { index($0, parameter.shape.dimensions) }
      }
    }
  }

  private static func kernel(
    _ description: String, _ words: [String], _ fits: @escaping @Sendable ([Int]) -> Bool,
    _ index: @escaping @Sendable ([Int]) -> [Int]
  ) -> Fault {
    kernel(description, words, fits) { position, _ in index(position) }
  }

  /// Tensors of two layers confused.
  private static var exchanges: [Fault] {
    let partner = { @Sendable (sample: Sample, node: Node) in
      sample.graph.nodes.first {
        $0.name != node.name && !node.parameters.isEmpty
          && $0.parameters.map(\.shape) == node.parameters.map(\.shape)
      }
    }
    let first = { @Sendable (sample: Sample, node: Node) in
      let names = [node.name, partner(sample, node)?.name]
      return sample.graph.nodes.first { names.contains($0.name) }?.name ?? ""
    }
    return [
      Fault(
        description: "two layers exchanged",
        words: [" is that of ", " stand in ", " stands in ", " differs in "],
        applies: { partner($0, $1) != nil },
        inject: { sample, node in
          let other = try #require(partner(sample, node))
          var parameters = sample.parameters
          for (own, their) in zip(node.parameters, other.parameters) {
            parameters = parameters.replacing(own, with: sample.parameters[their])
              .replacing(their, with: sample.parameters[own])
          }
          return (sample.graph, parameters)
        }, firstNode: first),
      Fault(
        description: "a tensor of another layer",
        words: [" is that of ", " stand in ", " stands in ", " differs in "],
        applies: { partner($0, $1) != nil }
      ) { sample, node in
        let other = try #require(partner(sample, node))
        let parameters = sample.parameters.replacing(
          node.parameters[0], with: sample.parameters[other.parameters[0]])
        return (sample.graph, parameters)
      },
    ]
  }

  /// The options of other families.
  private static var options: [Fault] {
    [
      option("pool border left out", ["the border is", "the border should"], harmless: ["torch"]) {
        $0.stem.poolPadding = $0.stem.poolPadding == .zero ? .negativeInfinity : .zero
      },
      option("pool border SAME", ["the border is", "the border should"]) {
        $0.stem.poolPadding = .same
      },
      option("ε 0.001", ["ε is", "ε should be"]) { $0.norm = .batch(epsilon: 1e-3) },
      option("weights standardised", ["weight standardisation", "weights should"]) {
        $0.weightStandardizationEpsilon = 1e-8
      },
      option("shortcut reads otherwise", ["it reads", "it should read"]) {
        $0.shortcut.input = $0.shortcut.input == .raw ? .preActivated : .raw
      },
      option(
        "stride in the other block", ["stride", "shape"], harmless: ["torch"], keepsShapes: false
      ) {
        $0.block.stridedBlock = $0.block.stridedBlock == .first ? .last : .first
      },
      option("stride in the first convolution", ["stride", "shape"], keepsShapes: false) {
        $0.block.stridedConvolution = .first
      },
    ]
  }

  /// A wrong option; its first node is the first whose operation or inputs differ.
  private static func option(
    _ description: String, _ words: [String], harmless: Set<String> = [], keepsShapes: Bool = true,
    _ change: @escaping @Sendable (inout Configuration) -> Void
  ) -> Fault {
    let changed = { @Sendable (sample: Sample) in
      var configuration = sample.graph.configuration
      change(&configuration)
      return try Graph(configuration)
    }
    return Fault(
      description: description, words: words, applies: { _, node in node.name == "input" },
      inject: { sample, _ in
        let graph = try changed(sample)
        let own = Dictionary(
          uniqueKeysWithValues: sample.graph.parameters.map { ($0.name, sample.parameters[$0]) })
        return (graph, try Parameters(own, for: graph))
      }, harmless: harmless, keepsShapes: keepsShapes,
      firstNode: { sample, _ in
        guard let graph = try? changed(sample) else { return "" }
        return graph.nodes.first { node in
          guard let index = sample.graph.index(of: node.name) else { return false }
          let other = sample.graph.nodes[index]
          return other.operation != node.operation
            || other.inputs.map({ sample.graph.nodes[$0].name })
              != node.inputs.map({ graph.nodes[$0].name })
        }?.name ?? ""
      })
  }
}

extension Node {
  fileprivate func has(_ role: Parameter.Role) -> Bool {
    parameters.contains { $0.role == role }
  }

  fileprivate var isConvolution: Bool {
    if case .convolution = operation { true } else { false }
  }
}

extension Sample {
  fileprivate func changingParameter(
    _ node: Node, _ role: Parameter.Role, _ change: (TensorData, [Float]) -> [Float]
  ) throws -> (Graph, Parameters) {
    let parameter = try #require(node.parameters.first { $0.role == role })
    let values = change(parameters[parameter], parameters[parameter].floats())
    return (
      graph,
      parameters.replacing(parameter, with: TensorData(shape: parameter.shape, values: values))
    )
  }

  fileprivate func exchangingParameters(
    _ first: (Node, Parameter.Role), _ second: (Node, Parameter.Role)
  ) throws -> (Graph, Parameters) {
    let a = try #require(first.0.parameters.first { $0.role == first.1 })
    let b = try #require(second.0.parameters.first { $0.role == second.1 })
    return (
      graph, parameters.replacing(a, with: parameters[b]).replacing(b, with: parameters[a])
    )
  }
}
