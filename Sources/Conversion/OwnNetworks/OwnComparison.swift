import Comparison
import Families
package import Files
import Inference
import Plain
import SourceGraph
import Tensors
import WeightSources

/// A model of any kind beside another one, or beside what its framework computed, layer by layer by the layers' names.
package struct OwnComparison: Encodable, Sendable {
  private let schema = "rnw.graph-comparison/1"
  private let verdict: String
  package let images: Int
  package let layers: [Layer]
  package let culprit: Culprit?
  /// The layers of the model that the other side lacks, and the other's that the model lacks.
  package let missing: [String]
  package let unknown: [String]
  /// The weights and the layers' options beside each other; `nil` where the other side has only values.
  package let agreement: OwnAgreement?
  /// What the engine that is judged does instead at the culprit; `nil` where nothing was found.
  package var suspicion: String?
  /// What the reader should know besides, each in a sentence.
  package var remarks: [String] = []

  /// Whether every layer is within its limit, and weights and options are the same.
  package var passes: Bool { verdict == "pass" }

  /// A layer that both sides have.
  package struct Layer: Encodable, Sendable {
    package let name: String
    package let className: String
    package let shape: [Int]
    package let maxAbs: Double
    package let scaledError: Double
    /// The same against what the model computes from the engine's own values of what the layer reads; `nil` where no
    /// engine is judged.
    package var isolatedError: Double?
    package let limit: Double
    package let pass: Bool
  }

  /// The first layer whose inputs agree and whose value does not.
  package struct Culprit: Encodable, Sendable {
    package let name: String
    package let className: String
  }

  /// - Parameter path: the other side's file.
  /// - Throws: `InputError` where no layer was compared: that proves nothing.
  init(
    images: Int, layers: [Layer], culprit: Culprit?, missing: [String], unknown: [String],
    agreement: OwnAgreement?, path: String
  ) throws(InputError) {
    guard !layers.isEmpty else {
      throw InputError(
        .badData, path: path, ComparisonError.nothingCompared.description,
        hint: unknown.isEmpty ? nil : "it has \(listed(unknown, atMost: 3))")
    }
    self.images = images
    self.layers = layers
    self.culprit = culprit
    self.missing = missing
    self.unknown = unknown
    self.agreement = agreement
    verdict = layers.allSatisfy(\.pass) && agreement?.agrees ?? true ? "pass" : "fail"
  }
}

/// Compares a model of no known family with what it is verified against.
///
/// - Parameters:
///   - error: why no family knows it.
///   - begin: is called once both sides are found to be of this kind, before anything is run; what it throws ends the
///     comparison.
/// - Throws: that error where its file carries no graph that is understood; `InputError` where the other side has
///   no value of its output.
package func verifyOwnGraph(
  _ request: VerificationRequest, against path: String, instead error: InputError,
  progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, begin: () throws -> Void = {}
) throws -> OwnComparison {
  let sources = try openSources([request.model, path], request.dictionary)
  let network = try OwnNetwork(sources[0], instead: error)
  let other = OwnNetwork(sources[1])
  let truth = try OwnTruth(sources[1], other, request: request, for: network)
  try begin()
  let limit = request.limits?.propagated ?? Limits.float32
  let run = try network.run(truth.input, pool: request.pool)
  let graph = network.graph
  var found: [Int: OwnComparison.Layer] = [:]
  var missing: [String] = []
  for index in network.layers {
    let node = graph.nodes[index]
    guard request.layers?.matches(node.name) ?? true else { continue }
    progress(index + 1, graph.nodes.count)
    guard let value = try run.value(of: index), let other = try truth.value(of: node.name) else {
      missing.append(node.name)
      continue
    }
    let measured = ScaledError(of: value.values, from: other)
    found[index] = OwnComparison.Layer(
      name: node.name, className: node.className, shape: value.shape.dimensions,
      maxAbs: measured.difference, scaledError: measured.value, limit: limit,
      pass: measured.value <= limit)
  }
  let output = graph.skippingIdentities(graph.outputs[0])
  guard found[output] != nil || request.layers != nil else {
    throw InputError(
      .badData, path: path, "has no value of the model's output",
      place: "\(graph.nodes[output].name) was expected")
  }
  let agreement = try other.map {
    try OwnAgreement(network, $0, tolerance: request.limits?.propagated ?? Limits.float32Noise)
  }
  for source in sources { try source.checkUnchanged() }
  return try OwnComparison(
    images: truth.input.shape[0], layers: found.sorted { $0.key < $1.key }.map(\.value),
    culprit: culprit(of: graph, found).map {
      .init(name: graph.nodes[$0].name, className: graph.nodes[$0].className)
    }, missing: missing,
    unknown: truth.names.subtracting(graph.nodes.map(\.name)).sorted(), agreement: agreement,
    path: path)
}

/// The first layer that is wrong though all that it reads, as far as it was compared, is right.
private func culprit(of graph: SourceGraph, _ found: [Int: OwnComparison.Layer]) -> Int? {
  var isWrong: Set<Int> = []
  for (index, node) in graph.nodes.enumerated() {
    let readsWrong = node.inputs.contains(where: isWrong.contains)
    if let layer = found[index] {
      guard !layer.pass else { continue }
      if !readsWrong { return index }
      isWrong.insert(index)
    } else if readsWrong {
      isWrong.insert(index)
    }
  }
  return nil
}

/// The side that is believed: an archive of activations, or another model that carries its graph.
private struct OwnTruth {
  let input: Activation
  /// The names of its layers.
  let names: Set<String>
  private let read: (String) throws -> [Float]?

  /// - Parameter other: the model that the source is, where it is one.
  init(
    _ source: any WeightSource, _ other: OwnNetwork?, request: VerificationRequest,
    for network: OwnNetwork
  ) throws {
    if let array = source.tensors.first(where: { $0.name == "input" && $0.shape.rank == 4 }) {
      let recorded = try source.tensor(named: array.name)
      input = Activation(shape: recorded.shape, values: recorded.floats())
      names = Set(source.tensors.map(\.name)).subtracting(["input"])
      let known = names
      read = { known.contains($0) ? try source.tensor(named: $0).floats() : nil }
      return
    }
    guard let other else {
      throw InputError(
        .badData, path: source.path, "is nothing that this model can be compared with",
        place: "an archive of activations with `input`, or a Keras model, was expected")
    }
    var images = try network.images(request.input ?? .standardProbe)
    let batch = try images.all()
    let run = try other.run(batch, pool: request.pool)
    let places = Dictionary(
      other.layers.map { (other.graph.nodes[$0].name, $0) }
    ) { first, _ in first }
    input = batch
    names = Set(places.keys)
    read = { try places[$0].flatMap { try run.value(of: $0)?.values } }
  }

  func value(of layer: String) throws -> [Float]? { try read(layer) }
}
