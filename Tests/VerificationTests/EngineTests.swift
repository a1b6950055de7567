import Families
import Files
import Inference
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import Diagnosis
@testable import Reports

/// What an engine of the user's own computed, judged by a network that is right.
@Suite("Engines on trial", .timeLimit(.minutes(30)))
struct EngineTests {
  @Test("Every mistake of an engine that moves the output is found where it is made")
  func catalogue() throws {
    var trials: [EngineTrial] = []
    for (index, fault) in Fault.all.enumerated() where !fault.isOfExecutor {
      for family in ["keras", "torch"] {
        for number in 0..<UInt64(2) {
          if let trial = try EngineTrial(
            fault, family: family, seed: 7000 + 10 * UInt64(index) + number)
          {
            trials.append(trial)
          }
        }
      }
    }
    let visible = trials.filter(\.isVisible)
    let unexplained = visible.filter { !$0.isExplained }
    print(
      "\(visible.count) of \(trials.count) mistakes of engines can be seen, "
        + "\(visible.count - unexplained.count) are explained; not these:\n"
        + unexplained.map(\.report).joined(separator: "\n"))
    #expect(visible.count > 250)
    #expect(visible.filter { !$0.isFound }.map(\.report) == [])
    #expect(unexplained.count * 10 <= visible.count)
  }

  @Test("Of 200 healthy engines none is flagged, whatever names, layouts and types they have")
  func healthy() throws {
    var flagged: [String] = []
    for seed in 0..<UInt64(200) {
      let sample = try Sample.random(family: seed.isMultiple(of: 2) ? "keras" : "torch", seed: seed)
      let form = EngineForm.allCases[Int(seed / 2) % EngineForm.allCases.count]
      let engine: any Executor =
        seed % 3 == 0
        ? NaiveExecutor(sample.graph, sample.parameters)
        : FastExecutor(
          graph: sample.graph, parameters: sample.parameters, pool: WorkerPool(threads: 1))
      let result = try sample.judged(engine, form)
      if !result.verdict.passes || result.verdict.culprit != nil {
        flagged.append("seed \(seed) as \(form): \(result.verdict.line)")
      }
      #expect(result.layers.count > result.graph.nodes.count / 2, "\(form)")
    }
    #expect(flagged == [])
  }

  @Test(
    "A wrong max-pool border is said in one sentence, in any form of the archive",
    arguments: EngineForm.allCases)
  func border(_ form: EngineForm) throws {
    let sample = try Sample(family: "keras")
    var other = sample.graph.configuration
    other.stem.pool?.padding = .negativeInfinity
    let engine = NaiveExecutor(try Graph(other), sample.parameters)
    let verdict = try sample.judged(engine, form).verdict
    #expect(!verdict.passes)
    #expect(verdict.culprit?.name == "stem.pool")
    #expect(
      verdict.culprit?.suspicion?.explanation
        == "your pool1_pool pads with −∞; this network pads with zeros")
  }

  @Test("Names of the user's own are told by a list, or by the nearest values")
  func ownNames() throws {
    let sample = try Sample(family: "torch")
    let right = try sample.executor.archive(of: sample) { "out\($0)" }
    let archive = try sample.engineArchive(right)
    #expect(archive.assignment.arrays.count == sample.graph.nodes.count - 1)
    #expect(archive.remarks.contains { $0.contains("told by shape and closeness") })
    // What comes after a mistake is near to nothing; it is compared all the same.
    let engine = try sample.changing("stage2.block1.conv1.weight") { $0.map { -3 * $0 } }
    let result = try sample.judged(engine.archive(of: sample) { "out\($0)" })
    #expect(result.verdict.culprit?.name == "stage2.block1.conv1")
    #expect(!result.verdict.passes)
  }

  @Test("Of a few layers the stretch is told in which the mistake is, and which layers tell more")
  func partial() throws {
    let sample = try Sample.random(family: "keras", seed: 11)
    let graph = sample.graph
    let place = try #require(graph.nodes.last { $0.has(.variance) && $0.name != "final.norm" })
    let engine = try sample.changing("\(place.name).variance") { $0.map { $0 * 1.5 } }
    let output = graph.nodes[graph.outputIndex].name
    var kept: Set<String> = [output]
    var looks = 0
    while true {
      let values = try engine.archive(of: sample, keeping: kept)
      let verdict = try sample.judged(values).verdict
      #expect(!verdict.passes)
      let culprit = try #require(verdict.culprit)
      guard
        let note = verdict.notes.first(where: { $0.contains("to halve them, write out") })
      else {
        #expect(culprit.name == place.name || culprit.unseen.isEmpty)
        #expect(culprit.name == place.name)
        break
      }
      let wanted = graph.nodes.map(\.name).filter { name in
        note.split { " ,".contains($0) }.map(String.init).contains(
          sample.names.name(of: name) ?? name)
      }
      #expect(!wanted.isEmpty)
      kept.formUnion(wanted)
      looks += 1
      try #require(looks < 12)
    }
    #expect(looks > 0)
  }

  @Test("An engine that computes layers alone is judged by what it makes of right inputs")
  func alone() throws {
    let sample = try Sample(family: "keras")
    let names = Set(sample.graph.nodes.dropFirst().map(\.name))
    let right = try sample.judged(LiveEngine(engine: sample.executor, names: names))
    #expect(right.verdict.passes)
    #expect(right.layers.allSatisfy { $0.isolated != nil })
    let wrong = try sample.changing("stage1.block1.norm2.scale") { $0.map { $0 * 1.1 } }
    let result = try sample.judged(LiveEngine(engine: wrong, names: names))
    #expect(result.layers.filter { !$0.passesAlone }.map(\.name) == ["stage1.block1.norm2"])
    #expect(
      result.verdict.culprit?.suspicion?.explanation.contains("1.100 × what it should be") == true)
  }

  @Test("An engine that gives no output is not said to be right about it")
  func withoutOutput() throws {
    let sample = try Sample(family: "keras")
    let values = try sample.executor.archive(of: sample, keeping: ["stem.pool"])
    let verdict = try sample.judged(values).verdict
    #expect(verdict.compared == 1)
    #expect(verdict.notes.contains { $0.contains("nothing after pool1_pool was judged") })
  }

  @Test("A value of another shape is a finding, with the layer's name")
  func misshapen() throws {
    let sample = try Sample(family: "keras")
    var arrays = try sample.executor.archive(of: sample).arrays
    let index = try #require(arrays.firstIndex { $0.name == "pool1_pool" })
    arrays[index].tensor = TensorData(
      shape: [2, 3, 3, 6], values: [Float](repeating: 0, count: 108))
    let verdict = try sample.judged(MemorySource(arrays.map { ($0.name, $0.tensor) })).verdict
    #expect(!verdict.passes)
    #expect(verdict.culprit?.familyName == "pool1_pool")
    #expect(verdict.culprit?.layer.problem?.contains("the shape is 2×3×3×6") == true)
  }

  @Test("What is no layer's may be of any type; a file of another kind is no archive")
  func others() throws {
    let sample = try Sample(family: "keras")
    var arrays = try sample.executor.archive(of: sample).arrays.map { ($0.name, $0.tensor) }
    arrays.append(
      ("labels", TensorData(dtype: .int64, shape: [2], bytes: [UInt8](repeating: 0, count: 16))))
    #expect(try sample.judged(MemorySource(arrays)).verdict.passes)
    var weights = MemorySource(arrays)
    weights.container = "keras-h5"
    #expect(throws: InputError.self) { try sample.engineArchive(weights) }
  }

  @Test("Integers need a scale, and a scale must be one")
  func scales() throws {
    let sample = try Sample(family: "keras")
    let values = TensorData(
      dtype: .int8, shape: [2, 7], bytes: [UInt8](repeating: 1, count: 14))
    func archive(_ scale: [Float]?) throws -> EngineArchive {
      var arrays = [("input", sample.input.tensor(.nhwc)), ("predictions", values)]
      if let scale {
        arrays.append(
          ("predictions.scale", TensorData(shape: Shape([scale.count]), values: scale)))
      }
      return try sample.engineArchive(MemorySource(arrays))
    }
    #expect(throws: InputError.self) { try archive(nil) }
    #expect(throws: InputError.self) { try archive([0]) }
    #expect(throws: InputError.self) { try archive([.nan]) }
    #expect(throws: InputError.self) { try archive([1, 2, 3]) }
    #expect(try archive([0.5]).assignment.arrays == ["head.softmax": "predictions"])
  }
}

/// In which form an engine writes its values.
enum EngineForm: String, CaseIterable, Sendable {
  case family
  case canonical
  case otherLayout
  case float16
  case bfloat16
  case quantized

  /// The arrays of a value.
  func arrays(_ name: String, _ value: Activation, family: LayerNames.Layout) -> [(
    String, TensorData
  )] {
    let tensor = value.tensor(self == .otherLayout ? (family == .nhwc ? .nchw : .nhwc) : family)
    let values = tensor.floats()
    switch self {
    case .family, .canonical, .otherLayout: return [(name, tensor)]
    case .float16:
      let bytes = values.flatMap { Self.bytes(Float16($0).bitPattern) }
      return [(name, TensorData(dtype: .float16, shape: tensor.shape, bytes: bytes))]
    case .bfloat16:
      let bytes = values.flatMap { value in
        // To nearest, ties to even.
        let bits = value.bitPattern
        return Self.bytes(UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16))
      }
      return [(name, TensorData(dtype: .uint16, shape: tensor.shape, bytes: bytes))]
    case .quantized:
      let scale = max((values.map(\.magnitude).max() ?? 0) / 32_000, 1e-9)
      let bytes = values.flatMap {
        Self.bytes(UInt16(bitPattern: Int16(($0 / scale).rounded())))
      }
      return [
        (name, TensorData(dtype: .int16, shape: tensor.shape, bytes: bytes)),
        ("\(name).scale", TensorData(shape: [1], values: [scale])),
      ]
    }
  }

  private static func bytes(_ bits: UInt16) -> [UInt8] {
    [UInt8(truncatingIfNeeded: bits), UInt8(truncatingIfNeeded: bits >> 8)]
  }
}

/// An engine that is asked for its layers, and can compute each alone.
private struct LiveEngine: LayerTruth {
  let engine: NaiveExecutor
  let names: Set<String>
  let computesLayersAlone = true

  var assignment: LayerNames.Assignment {
    var result = LayerNames.Assignment()
    result.arrays = Dictionary(uniqueKeysWithValues: names.map { ($0, $0) })
    return result
  }

  func values(for input: Activation) throws -> Values {
    var values: [String: Activation] = [:]
    _ = try engine.run(input) { values[engine.graph.nodes[$0].name] = $1 }
    return { [values] node, _ in values[node] }
  }

  func evaluate(
    _ node: Node, inputs: [Activation], graph: Graph, shape: Shape
  ) -> Activation? {
    engine.graph.index(of: node.name).flatMap { try? engine.evaluate($0, inputs: inputs) }
  }
}

/// A mistake put into an engine, and what was said of its values.
private struct EngineTrial {
  let isVisible: Bool
  let isFound: Bool
  let isExplained: Bool
  let report: String

  init?(_ fault: Fault, family: String, seed: UInt64) throws {
    let sample = try fault.sample(family: family, seed: seed)
    var generator = SplitMix64(seed: seed &+ 1)
    guard
      let place = sample.graph.nodes.filter({ fault.applies(sample, $0) })
        .randomElement(using: &generator)
    else { return nil }
    let (graph, parameters) = try fault.inject(sample, place)
    let engine = NaiveExecutor(graph, parameters)
    let right = try sample.executor.run(sample.input, observer: nil)
    let wrong = try engine.run(sample.input, observer: nil)
    isVisible =
      zip(right.values, wrong.values).map { ($0 - $1).magnitude }.max() ?? 0
      > 2e-5 * (right.values.map(\.magnitude).max() ?? 0)
    let result = try sample.judged(engine)
    let ofEngine = fault.firstNode(sample, place)
    // A layer that does something else may have another name in the engine.
    let first =
      graph.index(of: ofEngine).flatMap { graph.counterpart(of: $0, in: sample.graph) }
      .map { sample.graph.nodes[$0].name } ?? ofEngine
    let culprit = result.verdict.culprit
    let said = culprit?.suspicion?.explanation
    isFound =
      culprit?.name == first
      || culprit?.unseen.contains(sample.names.name(of: first) ?? first) == true
    isExplained = said != nil
    report =
      "\(fault) in \(place.name) of \(family), seed \(seed): "
      + "\(culprit?.name ?? "none"), expected \(first): \(said ?? "nothing")"
  }
}

extension Executor {
  /// What an engine computed of a sample's input, under names of its own.
  fileprivate func archive(
    of sample: Sample, _ form: EngineForm = .family, keeping kept: Set<String>? = nil,
    named makeName: ((Int) -> String)? = nil
  ) throws -> MemorySource {
    let names = try sample.names(for: graph)
    let arrayNames = names.arrayNames(of: graph.nodes.map(\.name))
    // An engine in half precision is given its input in that, too.
    let isHalf = form == .float16 || form == .bfloat16
    var arrays =
      isHalf
      ? form.arrays("input", sample.input, family: names.layout)
      : [("input", sample.input.tensor(names.layout))]
    _ = try run(sample.input) { index, value in
      let node = graph.nodes[index].name
      guard index > 0, kept?.contains(node) ?? true else { return }
      let name = form == .canonical ? node : arrayNames[node]
      guard let name = makeName?(index) ?? name else { return }
      arrays += form.arrays(name, value, family: names.layout)
    }
    return MemorySource(arrays)
  }
}

extension Sample {
  fileprivate func judged(
    _ engine: some Executor, _ form: EngineForm = .family
  ) throws -> Comparison.Outcome {
    try judged(engine.archive(of: self, form))
  }

  fileprivate func engineArchive(_ values: MemorySource) throws -> EngineArchive {
    var archive = try EngineArchive(
      values, graph: graph, layerNames: names, input: input.shape)
    try archive.matchByCloseness(executor, input: input)
    return archive
  }

  /// The verdict on an engine's values.
  fileprivate func judged(_ values: MemorySource) throws -> Comparison.Outcome {
    try judged(engineArchive(values))
  }

  fileprivate func judged(_ values: some LayerTruth) throws -> Comparison.Outcome {
    let network = ReferenceExecutor(
      graph: graph, parameters: parameters, pool: WorkerPool(threads: 1))
    var comparison = Comparison(candidate: network, layerNames: names, mode: .both)
    comparison.trial = .values
    let result = try comparison.run(against: values, input: input)
    return try Diagnosis(of: comparison, parameters: parameters) {
      ReferenceExecutor(graph: $0, parameters: $1, pool: WorkerPool(threads: 1))
    }.explain(result, against: values, input: input)
  }
}
