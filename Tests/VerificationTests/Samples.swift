import Families
import Files
import Inference
import Plain
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison

/// A tiny network of a family with random parameters.
struct Sample: Sendable, CustomStringConvertible {
  let family: String
  let graph: Graph
  let names: LayerNames
  let parameters: Parameters
  let input: Activation

  var description: String { family }
  var executor: NaiveExecutor { NaiveExecutor(graph, parameters) }

  // swift-format-ignore: NeverUseForceTry
  static let keras = try! Sample(family: "keras")
  // swift-format-ignore: NeverUseForceTry
  static let torch = try! Sample(family: "torch")
  static let all = [keras, torch]

  init(family id: String, seed: UInt64 = 7) throws {
    let family = try #require(Family.named(id))
    var configuration = family.configuration(kind: .bottleneck, blocks: [2, 1], classes: 7)
    configuration.stem.convolutions[0].outputChannels = 6
    for (index, widths) in [(4, 8), (6, 12)].enumerated() {
      configuration.stages[index].innerChannels = widths.0
      configuration.stages[index].outputChannels = widths.1
    }
    try self.init(
      family: family, configuration: configuration, seed: seed,
      input: .probe([2, 15, 18, 3], seed: 3))
  }

  /// A network of a family with a random architecture, random parameters and a random input size.
  static func random(family id: String, seed: UInt64) throws -> Sample {
    var generator = SplitMix64(seed: seed)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    let family = try #require(Family.named(id))
    let isBasic = id == "torch" && pick(0...2) == 0
    let stages = pick(1...3)
    var configuration = family.configuration(
      kind: isBasic ? .basic : .bottleneck, blocks: (0..<stages).map { _ in pick(1...3) },
      classes: pick(3...12))
    configuration.stem.convolutions[0].outputChannels = pick(3...9)
    for index in configuration.stages.indices {
      let inner = pick(3...8)
      configuration.stages[index].innerChannels = inner
      configuration.stages[index].outputChannels = isBasic ? inner : pick(4...14)
    }
    let size = pick(1...2)
    return try Sample(
      family: family, configuration: configuration, seed: seed,
      input: .probe([size, pick(12...24), pick(12...24), 3], seed: seed))
  }

  init(
    family: Family, configuration: Configuration, seed: UInt64, renamed: [String: String] = [:],
    input: Activation
  ) throws {
    self.family = family.id
    graph = try Graph(configuration)
    names = family.layerNames(for: graph, renamed: renamed)
    parameters = try .random(for: graph, seed: seed)
    self.input = input
  }

  /// The same network with other parameters.
  init(_ other: Sample, _ parameters: Parameters) {
    family = other.family
    graph = other.graph
    names = other.names
    input = other.input
    self.parameters = parameters
  }

  /// The same parameters in a network with other options.
  init(_ other: Sample, _ graph: Graph) {
    family = other.family
    self.graph = graph
    names = other.names
    input = other.input
    parameters = other.parameters
  }

  /// The same network with one parameter changed.
  func changing(_ name: String, _ change: ([Float]) -> [Float]) throws -> NaiveExecutor {
    let parameter = try #require(graph.parameters.first { $0.name == name })
    let tensor = TensorData(shape: parameter.shape, values: change(parameters[parameter].floats()))
    return NaiveExecutor(graph, parameters.replacing(parameter, with: tensor))
  }

  /// The same network with two parameters exchanged.
  func exchanging(_ first: String, _ second: String) throws -> NaiveExecutor {
    let a = try #require(graph.parameters.first { $0.name == first })
    let b = try #require(graph.parameters.first { $0.name == second })
    return NaiveExecutor(
      graph,
      parameters.replacing(a, with: parameters[b]).replacing(b, with: parameters[a]))
  }

  /// What the file of this network calls the layers of one that should be the same.
  func names(for other: Graph) throws -> LayerNames {
    guard other.nodes.map(\.name) != graph.nodes.map(\.name) else { return names }
    let own = other.nodes.indices.compactMap { index in
      other.counterpart(of: index, in: graph).flatMap { names.name(of: graph.nodes[$0].name) }
        .map { (other.nodes[index].name, $0) }
    }
    return try #require(Family.named(family)).layerNames(
      for: other, renamed: Dictionary(uniqueKeysWithValues: own))
  }

  func comparison(
    of candidate: any Executor, mode: Comparison.Mode = .propagated, layers: String? = nil
  ) -> Comparison {
    Comparison(candidate: candidate, layerNames: names, mode: mode, layers: layers.map(Glob.init))
  }

  /// An archive of what this network computes, as the family's framework would write it.
  ///
  /// - Parameter other: what computes it, where that is not this network.
  func archive(
    of other: (any Executor)? = nil,
    changing change: @escaping (String, TensorData) -> [(String, TensorData)] = { [($0, $1)] }
  ) throws -> MemorySource {
    var arrays = change("input", input.tensor(names.layout))
    _ = try (other ?? executor).run(input) { node, value in
      guard node > 0, let name = names.name(of: graph.nodes[node].name) else { return }
      arrays += change(name, value.tensor(names.layout))
    }
    return MemorySource(arrays)
  }
}

/// Arrays in memory as a source.
struct MemorySource: WeightSource {
  var container = "npz"
  let path = "acts.npz"
  let metadata: [String: String] = [:]
  var arrays: [(name: String, tensor: TensorData)]

  init(_ arrays: [(String, TensorData)]) {
    self.arrays = arrays.map { (name: $0.0, tensor: $0.1) }
  }

  var tensors: [TensorInfo] {
    arrays.map { TensorInfo(name: $0.name, dtype: $0.tensor.dtype, shape: $0.tensor.shape) }
  }

  func tensor(named name: String) throws(InputError) -> TensorData {
    guard let array = arrays.first(where: { $0.name == name }) else {
      throw .noTensor(name, in: path)
    }
    return array.tensor
  }
}

extension Activation {
  /// The values in a family's layout.
  func tensor(_ layout: LayerNames.Layout) -> TensorData {
    guard layout == .nchw, shape.rank == 4 else { return TensorData(shape: shape, values: values) }
    var values: [Float] = []
    for n in 0..<shape[0] {
      for c in 0..<shape[3] {
        for y in 0..<shape[1] {
          for x in 0..<shape[2] { values.append(self[n, y, x, c]) }
        }
      }
    }
    return TensorData(shape: [shape[0], shape[3], shape[1], shape[2]], values: values)
  }
}
