import Comparison
import Families
package import Files
import Inference
import Plain
import SourceGraph
import Tensors
import WeightSources

/// Judges an archive of what an engine of the user's own computed, by a model of no known family.
///
/// - Parameter error: why no family knows it.
/// - Throws: that error where its file carries no graph that is understood, or something else than one archive is judged;
///   `InputError` where the archive cannot be read or has none of the model's layers.
package func verifyOwnGraph(
  _ request: VerificationRequest, engine: EngineRequest, instead error: InputError,
  progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, begin: () throws -> Void = {}
) throws -> OwnComparison {
  guard let path = engine.archive, request.against == nil else { throw error }
  let sources = try openSources([request.model, path], request.dictionary)
  let network = try OwnNetwork(sources[0], instead: error)
  let archive = sources[1]
  try begin()
  var probe = try network.images(request.input ?? .standardProbe)
  let recorded =
    try request.input == nil ? archive.engineInput(channels: network.graph.usualInput[3]) : nil
  let input = try recorded ?? probe.all()
  let names = network.layers.map { network.graph.nodes[$0].name }
  let listed = try engine.layerNames.map { path in
    try EngineNames(path: path).assignment(
      to: archive.tensors.map(\.name), path: archive.path
    ) { names.contains($0) ? $0 : nil }
  }
  let judge = try OwnEngineJudge(
    network, archive, names: listed ?? nil, input: input, request: request)
  var result = try judge.comparison(progress: progress)
  if request.input == nil, recorded == nil {
    result.remarks.append(
      "the archive has no array 'input': it was taken to be computed from the probe")
  }
  for source in sources { try source.checkUnchanged() }
  return result
}

/// A model that is right by its own graph, and what an engine computed of its layers.
private struct OwnEngineJudge {
  let network: OwnNetwork
  let arrays: EngineArrays
  let archive: String
  let input: Activation
  let request: VerificationRequest
  let run: SourceRun
  let shapes: [Shape?]
  let limit: Double

  init(
    _ network: OwnNetwork, _ archive: any WeightSource, names: [String: String]?, input: Activation,
    request: VerificationRequest
  ) throws {
    (self.network, self.input, self.request) = (network, input, request)
    self.archive = archive.path
    let shapes = try network.graph.shapes(for: input.shape)
    var layers: [String: Shape] = [:]
    for index in network.layers { layers[network.graph.nodes[index].name] = shapes[index] }
    arrays = try EngineArrays(archive, layers: layers, names: names)
    run = try network.run(input, pool: request.pool)
    limit = request.limits?.propagated ?? Limits.float32
    self.shapes = shapes
  }

  func comparison(
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws -> OwnComparison {
    let graph = network.graph
    var (layers, missing): ([OwnComparison.Layer], [String]) = ([], [])
    var culprit: Int?
    for index in network.layers {
      let node = graph.nodes[index]
      guard request.layers?.matches(node.name) ?? true else { continue }
      progress(index + 1, graph.nodes.count)
      guard let found = try arrays.value(of: node.name), let right = try run.value(of: index) else {
        missing.append(node.name)
        continue
      }
      let limit = try limit + arrays.allowance(for: node.name, isolated: false)
      let ownLimit = try self.limit + arrays.allowance(for: node.name, isolated: true)
      let measured = ScaledError(of: found, from: right)
      let alone = try run.value(of: index, from: engineValue).map {
        ScaledError(of: found, from: $0)
      }
      let passes = measured.value <= limit
      let isWrong = (alone?.value ?? .infinity) > ownLimit
      if isWrong || !passes, culprit == nil { culprit = index }
      layers.append(
        OwnComparison.Layer(
          name: node.name, className: node.className, shape: found.shape.dimensions,
          maxAbs: measured.difference, scaledError: measured.value,
          isolatedError: alone?.value, limit: limit, pass: passes && !isWrong))
    }
    var result = try OwnComparison(
      images: input.shape[0], layers: layers,
      culprit: culprit.map {
        .init(name: graph.nodes[$0].name, className: graph.nodes[$0].className)
      }, missing: missing, unknown: arrays.unknown.sorted(), agreement: nil, path: archive)
    result.suspicion = try culprit.flatMap(suspicion)
    let outputs = graph.outputs.map { graph.nodes[graph.skippingIdentities($0)].name }
    result.remarks =
      [arrays.remark].compactMap { $0 }
      + outputs.filter(missing.contains).map {
        "the output, \($0), is not there: nothing is said of it"
      }
    return result
  }

  /// The engine's value of a node, where it has the shape that the node's value has.
  private func engineValue(_ index: Int) throws -> Activation? {
    let index = network.graph.skippingIdentities(index)
    let value = try arrays.value(of: network.graph.nodes[index].name)
    return value?.shape == shapes[index] ? value : nil
  }

  /// What the engine does instead, where a change of one node on the way from the engine's values gives its value.
  private func suspicion(of culprit: Int) throws -> String? {
    let graph = network.graph
    let name = graph.nodes[culprit].name
    guard let found = try arrays.value(of: name) else { return nil }
    guard found.shape == shapes[culprit] else {
      return "your \(name) is \(found.shape); this network's is "
        + (shapes[culprit].map { "\($0)" } ?? "another one")
    }
    let now = try run.value(of: culprit, from: engineValue).map { ScaledError(of: found, from: $0) }
    let before = try nodesBefore(culprit)
    for index in before {
      for change in graph.nodes[index].operation.mistakes {
        let value = try run.value(
          of: culprit, from: engineValue, changed: [index: change.operation])
        guard let error = value.map({ ScaledError(of: found, from: $0).value }), error <= limit,
          error * 4 <= now?.value ?? .infinity
        else { continue }
        return "your \(name) \(change.words) (put right, the error is \(readable(error)))"
      }
    }
    return nil
  }

  /// The node, and those before it that the engine shows nothing of.
  private func nodesBefore(_ node: Int) throws -> [Int] {
    var (result, open): (Set<Int>, [Int]) = ([], [node])
    while let next = open.popLast() {
      guard result.insert(next).inserted else { continue }
      for read in network.graph.nodes[next].inputs where !network.graph.inputs.contains(read) {
        if try engineValue(read) == nil { open.append(read) }
      }
    }
    return result.sorted(by: >)
  }
}

extension ScaledError {
  /// The error of an engine's value; infinite where it has another shape.
  fileprivate init(of found: Activation, from right: Activation) {
    self =
      found.shape == right.shape
      ? ScaledError(of: found.values, from: right.values) : ScaledError(isFinite: false)
  }
}

extension SourceOperation {
  /// The mistakes that engines make here: what they compute, and what that is in words.
  fileprivate var mistakes: [(operation: SourceOperation, words: String)] {
    switch self {
    case .padding(let border):
      var (other, below, left) = (border, border, border)
      other.isNegativeInfinity.toggle()
      (below.top, below.bottom) = (0, border.top + border.bottom)
      (below.left, below.right) = (0, border.left + border.right)
      (left.top, left.bottom) = (0, border.top + border.bottom)
      let (engine, own) = border.isNegativeInfinity ? ("zeros", "−∞") : ("−∞", "zeros")
      return [
        (.padding(other), "pads with \(engine); this network pads with \(own)"),
        (.padding(below), "pads below and right only; this network pads on all sides"),
        (.padding(left), "pads no row above; this network does"),
      ]
    case .batchNorm(let norm):
      return [1e-3, 1e-4, 1e-5, 1.001e-5, 1e-6, 0].filter { $0 != norm.epsilon }.map { epsilon in
        var other = norm
        other.epsilon = epsilon
        return (.batchNorm(other), "adds ε = \(epsilon); this network adds \(norm.epsilon)")
      }
    case .activation(let function):
      return [
        (.identity, "does not apply \(function.title)"),
        (.activation(.relu), "applies relu; this network applies \(function.title)"),
        (.activation(.relu6), "applies relu6; this network applies \(function.title)"),
      ].filter { $0.0 != self }
    case .globalAverage(let keeps):
      return [(.globalMaximum(keepsImage: keeps), "takes the maximum; this network takes the mean")]
    case .globalMaximum(let keeps):
      return [(.globalAverage(keepsImage: keeps), "takes the mean; this network takes the maximum")]
    case .flatten(let isFirst):
      return [
        (.flatten(channelsFirst: !isFirst), "flattens the image in another order of the axes")
      ]
    default: return []
    }
  }
}
