import Comparison
import Files
import Plain
import Reports
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("Judging a stored comparison")
struct JudgeTests {
  /// What is compared with what, and what comes of it.
  struct Pair: Sendable, CustomTestStringConvertible {
    let model, against: String
    var isolated = false
    var measuresULP = false
    var limit: Double?
    var passes = true

    var testDescription: String { "\(model) against \(against)" }

    func outcome() throws -> Comparison.Outcome {
      var request = VerificationRequest(model: Fixture.path(model))
      request.mode = isolated ? .both : .propagated
      request.limits = limit.map { Limits(standard: $0) }
      request.measuresULP = measuresULP
      return try verify(request, against: Fixture.path(against)) { _, _ in }
    }
  }

  static let pairs = [
    Pair(model: "keras/narrow.h5", against: "keras/narrow.activations.npz", isolated: true),
    Pair(model: "keras/narrow.h5", against: "keras/narrow.keras", measuresULP: true),
    Pair(model: "keras/narrow.h5", against: "keras/narrow.h5", limit: 1e-8, passes: false),
    Pair(model: "keras/v1.weights.h5", against: "keras/v1.activations.npz"),
    Pair(model: "keras/broken/swapped.h5", against: "keras/narrow.h5", passes: false),
    Pair(
      model: "keras/broken/nan.h5", against: "keras/narrow.activations.npz", isolated: true,
      passes: false),
    Pair(model: "huggingface/bit", against: "huggingface/bit.activations.npz"),
    Pair(model: "haiku/bottleneck.npz", against: "haiku/bottleneck.activations.npz"),
    Pair(model: "mxnet/basic.params", against: "mxnet/basic.activations.npz"),
    Pair(model: "kinds/fine_tuned.keras", against: "kinds/fine_tuned.truth.npz"),
  ]

  static let swapped = Pair(
    model: "keras/broken/swapped.h5", against: "keras/narrow.h5", passes: false)

  @Test("The limits that are kept of a comparison say what judging it says", arguments: pairs)
  func passingLimits(_ pair: Pair) throws {
    let outcome = try pair.outcome()
    let kept = outcome.passingLimits
    #expect(kept.passes.isFinite || !pair.passes)
    let edges = [kept.passes, kept.decides].filter { $0 > 0 && $0.isFinite }
    let limits = [1e-12, 1e-8, 1e-7, 1e-6, 4e-6, 2e-5, 1e-4, 1e-2, 1, 1e3]
    for limit in limits + edges.flatMap({ [$0 * 0.999, $0, $0 * 1.001] }) {
      do {
        let judged = try outcome.judged { $0 = Limits(standard: limit) }
        #expect(judged.verdict.passes == (limit >= kept.passes), "\(limit), \(kept)")
        #expect(!judged.verdict.passes || limit >= kept.decides, "\(limit), \(kept)")
      } catch {
        #expect(limit < kept.passes || limit < kept.decides, "\(limit), \(kept)")
      }
    }
  }

  @Test("Under its own limits a report is the same in every form", arguments: pairs)
  func roundTrip(_ pair: Pair) throws {
    let outcome = try pair.outcome()
    #expect(outcome.verdict.passes == pair.passes)
    let report = try Stored(outcome)
    let judged = try report.judged()
    #expect(
      try JSONReport(
        judged.outcome, command: "rnw verify", title: judged.title, measuredBy: judged.measuredBy
      ).text() == report.text)
    let (now, before) = (judged.outcome, outcome)
    #expect(
      TextReport(order: .graph, maximumRows: nil).text(for: now)
        == TextReport(order: .graph, maximumRows: nil).text(for: before))
    #expect(
      MarkdownReport(title: "a").text(for: now) == MarkdownReport(title: "a").text(for: before))
    #expect(JUnitReport(suite: "a").text(for: now) == JUnitReport(suite: "a").text(for: before))
    #expect(HTMLReport(title: "a").text(for: now) == HTMLReport(title: "a").text(for: before))
  }

  @Test(
    "Other limits give the verdict that a comparison under them gives",
    arguments: [1e-1, 1e-3, 1e-5, 5e-6], [false, true])
  func otherLimits(_ limit: Double, isBroken: Bool) throws {
    var pair = Pair(
      model: isBroken ? "keras/broken/scaled.h5" : "keras/narrow.h5",
      against: "keras/narrow.h5", isolated: true)
    let judged = try Stored(try pair.outcome()).judged(limit: limit).outcome
    pair.limit = limit
    let measured = try pair.outcome()
    #expect(judged.verdict.failed == measured.verdict.failed)
    // Weights that differ stay different, whatever is let pass of a comparison that begins with wider limits.
    if measured.verdict.failed > 0 {
      #expect(judged.verdict.culprit?.node == measured.verdict.culprit?.node)
    }
    for (own, other) in zip(judged.layers, measured.layers) {
      #expect(own.passes == other.passes && own.timesLimit == other.timesLimit, "\(own.name)")
    }
  }

  @Test(
    "What no limit can mend stays wrong",
    arguments: [
      swapped,
      Pair(model: "keras/broken/nan.h5", against: "keras/narrow.activations.npz"),
      Pair(model: "keras/broken/nan.h5", against: "keras/narrow.h5"),
    ])
  func staysWrong(_ pair: Pair) throws {
    let judged = try Stored(try pair.outcome()).judged(limit: 1e300).outcome
    #expect(!judged.verdict.passes)
  }

  @Test("Values of other shapes stay wrong under any limit")
  func shapes() throws {
    var request = VerificationRequest(model: Fixture.path("keras/narrow.h5"))
    request.search = nil
    var outcome = try verify(request, against: Fixture.path("keras/narrow.activations.npz")) {
      _, _ in
    }
    let report = try JSONValue(
      json: JSONReport(outcome, command: "rnw verify", title: "a").text().utf8)
    outcome = try Stored(report).judged(limit: 1).outcome
    #expect(outcome.verdict.passes)
    // The same with a layer of which no value has a partner.
    let count = try #require(report.at("layers.4.propagated.count")?.integer)
    var broken = report
    for (place, value) in [
      ("layers.4.propagated.maxAbs", JSONValue.text("nan")),
      ("layers.4.propagated.maxAbsIndex", .null), ("layers.4.propagated.maxAbsAt", .null),
      ("layers.4.propagated.notFinite.mismatched", .integer(count)),
      ("layers.4.problem", .text("the shape is another")),
    ] { broken = broken.setting(place, to: value) }
    #expect(throws: InputError.self) { try Stored(broken).judged(limit: 1) }
  }

  @Test("An engine's value of another shape is read back, and stays wrong")
  func engineShape() throws {
    let outcome = try Self.misshapenEngine()
    let report = try Stored(outcome)
    let judged = try report.judged().outcome
    #expect(!judged.verdict.passes && judged.trial == .values)
    #expect(TextReport().text(for: judged) == TextReport().text(for: outcome))
    #expect(try !report.judged(limit: 1e300).outcome.verdict.passes)
  }

  /// An engine that gives one layer without its last column.
  private static func misshapenEngine() throws -> Comparison.Outcome {
    let folder = try TemporaryFolder()
    let source = try WeightFile.open(Fixture.path("keras/narrow.activations.npz"))
    let tensors = try source.tensors.map { info -> (name: String, tensor: TensorData) in
      let tensor = try source.tensor(named: info.name)
      guard info.name == "conv2_block1_1_conv" else { return (info.name, tensor) }
      let shape = info.shape.dimensions
      let row = shape[2] * shape[3]
      let values = tensor.floats().enumerated().filter { $0.offset % row < row - shape[3] }
      return (
        info.name,
        TensorData(
          shape: [shape[0], shape[1], shape[2] - 1, shape[3]], values: values.map(\.element))
      )
    }
    let path = folder.file("engine.npz")
    let output = try OutputFile(path: path, replacing: false)
    var writer = NPZWriter(to: output)
    for (name, tensor) in tensors { try writer.append(name, tensor) }
    try writer.finish()
    try output.commit()
    return try verify(
      VerificationRequest(model: Fixture.path("keras/narrow.h5")),
      engine: EngineRequest(.archive(path))
    ) { _, _ in }
  }

  @Test("A cause is not said of a layer that it was not found for")
  func otherCulprit() throws {
    let report = try Stored(try Self.swapped.outcome())
    let own = try report.judged().outcome
    #expect(own.verdict.culprit?.suspicion?.explanation == "gamma and beta are swapped")
    let narrow = try report.judged(limit: 1e-9).outcome
    #expect(narrow.verdict.culprit?.name == "stem.conv")
    #expect(narrow.verdict.culprit?.suspicion == nil)
    #expect(narrow.verdict.notes.contains { $0.contains("does not explain this") })
    // Judged again, and back under the limits that it was measured with.
    let again = try Stored(narrow).judged(limit: 2e-5).outcome
    #expect(again.layers.allSatisfy { $0.statistics.overLimit == nil })
    #expect(again.verdict.culprit?.suspicion?.explanation == "gamma and beta are swapped")
    #expect(again.verdict.failed == own.verdict.failed)
  }

  @Test("How many values are over another limit is not known, and that is said")
  func countsUnknown() throws {
    let outcome = try Pair(model: "keras/narrow.h5", against: "keras/narrow.keras").outcome()
    let judged = try Stored(outcome).judged(limit: 1e-4).outcome
    #expect(judged.layers.allSatisfy { $0.statistics.overLimit == nil })
    #expect(judged.verdict.notes.contains { $0.hasPrefix("judged from a stored comparison") })
    #expect(try JSONReport(judged).text().contains("\"overLimit\" : null"))
  }

  @Test("Narrower limits are refused where the reference lacks what a layer reads")
  func lacking() throws {
    let outcome = try Pair(
      model: "mxnet/basic.params", against: "mxnet/basic.activations.npz"
    ).outcome()
    #expect(!outcome.lacking.isEmpty)
    // Small enough to be right whatever was lacking, and too large for that.
    #expect(try Stored(outcome).judged(limit: 1e-5).outcome.verdict.passes)
    let limit = 1.01 * (outcome.layers.map(\.largestError).max() ?? 0)
    let error = #expect(throws: InputError.self) { try Stored(outcome).judged(limit: limit) }
    #expect(error?.problem == "does not decide narrower limits")
    #expect(try Stored(outcome).judged(limit: 1e-3).outcome.verdict.passes)
  }

  @Test("Weights that were compared by a wider limit are not let pass under a narrower one")
  func toleratedWeights() throws {
    let outcome = try Pair(
      model: "keras/narrow.float16.h5", against: "keras/narrow.h5", limit: 0.5
    ).outcome()
    #expect(outcome.verdict.passes && (outcome.weights?.rounded ?? 0) > 0)
    let error = #expect(throws: InputError.self) { try Stored(outcome).judged(limit: 0.4) }
    #expect(error?.place?.hasPrefix("weights that are not the same") == true)
    #expect(try Stored(outcome).judged(limit: 0.6).outcome.verdict.passes)
    #expect(try !Stored(outcome).judged(limit: 1e-6).outcome.verdict.passes)
  }

  @Test("Limits of single layers count after the report's")
  func layerLimits() throws {
    let report = try Stored(
      try Pair(model: "keras/narrow.h5", against: "keras/narrow.keras").outcome())
    let judged = try report.judged(layerLimits: #"{"conv2_*": 1e-12}"#).outcome
    let failing = judged.layers.filter { !$0.passes }.map(\.displayName)
    #expect(!failing.isEmpty && failing.allSatisfy { $0.hasPrefix("conv2_") })
    #expect(judged.limits.propagated == Limits.float32)
    let error = #expect(throws: InputError.self) {
      try report.judged(layerLimits: #"{"nothing": 1e-12}"#)
    }
    #expect(error?.problem == "has a pattern that no layer matches")
  }

  static let contradictions: [(place: String, value: JSONValue)] = [
    ("verdict", .text("pass")), ("layersFailed", .integer(0)), ("layersCompared", .integer(59)),
    ("worstLayer", .text("stem.conv")), ("passingLimit", .number(1e-6)),
    ("withinFloat32Noise", .bool(true)), ("culprit", .null), ("culprit.name", .text("stem.conv")),
    ("culprit.suspicion", .text("all is well")), ("culprit.scaledError", .number(0.5)),
    ("layers.3.pass", .bool(false)), ("layers.3.limit", .number(1)),
    ("layers.3.scaledError", .number(1e-9)), ("layers.3.timesLimit", .number(1e-9)),
    ("layers.3.maxAbs", .number(1e-9)), ("layers.3.propagated.maxAbs", .number(1e-9)),
    ("layers.3.propagated.maxAbs", .number(1e9)), ("layers.3.propagated.maxAbs", .text("nan")),
    ("layers.3.propagated.maxReference", .number(1e9)),
    ("layers.3.propagated.maxReference", .number(-1)),
    ("layers.3.propagated.sums.differences", .number(-1)),
    ("layers.3.propagated.sums.squaredDifferences", .number(0)),
    ("layers.3.propagated.sums.products", .text("nan")),
    ("layers.3.propagated.count", .integer(1)), ("layers.3.propagated.count", .integer(.max)),
    ("layers.3.propagated.count", .integer(-1)), ("layers.3.propagated.count", .number(1.5)),
    ("layers.3.propagated.maxAbsIndex", .integer(.max)),
    ("layers.3.propagated.maxAbsIndex", .null), ("layers.3.propagated.maxAbsAt", .null),
    ("layers.3.propagated.notFinite.candidateNaN", .integer(1)),
    ("layers.3.propagated.notFinite.pairs", .integer(.max)),
    ("layers.3.propagated.allowance", .number(1)), ("layers.3.propagated.allowance", .number(-1)),
    ("layers.3.propagated.worstChannel.channel", .integer(9999)),
    ("layers.3.propagated.worstChannel.error", .number(1)), ("layers.3.propagated", .null),
    ("layers.3.unexcusedError", .number(0)), ("layers.3.growth", .number(1)),
    ("layers.3.growth", .text("-inf")),
    ("layers.3.problem", .text("none")), ("layers.3.name", .text("stem.conv")),
    ("layers.3.shape", .list([.integer(1)])), ("layers", .list([])), ("layers", .null),
    ("limits.propagated", .number(1)), ("limits.propagated", .integer(0)),
    ("limits.propagated", .text("inf")), ("limits.judgesChannels", .null),
    ("weights.compared", .integer(91)), ("weights.rounded", .integer(.max)),
    ("weights.different.0.channels", .integer(.max)),
    ("weights.different.0.shape", .list([])), ("images", .integer(2)), ("images", .integer(.max)),
    ("inputShape", .list([.integer(.max), .integer(.max), .integer(3), .integer(3)])),
    ("inputShape", .list([])), ("inputShape.3", .integer(4)),
    ("sleepingChannels.asleep", .integer(.max)), ("output.sameTop1", .integer(2)),
    ("selection", .object(["pattern": .text("*"), "layers": .integer(1)])),
    ("suspicion.layer", .text("nowhere")), ("suspicion", .null), ("trial", .text("both")),
    ("network.layout", .text("hwcn")), ("network.configuration", .null),
    ("network.configuration.stages", .list([])),
    ("network.familyNames.nowhere", .text("x")), ("lacking", .list([.text("nowhere")])),
    ("extra", .integer(1)), ("layers.3.extra", .text("x")),
  ]

  @Test("A report that contradicts itself is refused, with the place")
  func contradictions() throws {
    let document = try Stored(try Self.swapped.outcome()).document
    for (place, value) in Self.contradictions {
      let error = #expect(throws: InputError.self, "\(place)") {
        try Stored(document.setting(place, to: value)).judged(limit: 100)
      }
      #expect(error?.kind == .badData && error?.place?.isEmpty == false, "\(place)")
    }
  }

  @Test("Only a key that is younger than others may be missing")
  func missingKeys() throws {
    let document = try Stored(try Self.swapped.outcome()).document
    let report = try Stored(document.setting("layers.3.propagated.ulp", to: nil))
    #expect(try !report.judged().outcome.verdict.passes)
    for key in ["weights", "functions", "limits", "layers", "trial", "lacking", "layers.3.problem"]
    {
      #expect(throws: InputError.self, "\(key)") {
        try Stored(document.setting(key, to: nil)).judged(limit: 100)
      }
    }
  }

  @Test("A report of an older version says which version writes what is needed")
  func olderReport() throws {
    let document = try Stored(try Self.swapped.outcome()).document
    let error = #expect(throws: InputError.self) {
      try Stored(document.setting("network", to: nil)).judged()
    }
    #expect("\(error as Any)".contains("rnw 0.1.0 and later write it"))
  }

  @Test(
    "What is no report is refused in one line",
    arguments: [
      "", "[]", "{}", "null", "{\"schema\":\"rnw.bench/1\"}", "{\"schema\":\"rnw.conversion/1\"}",
      "{\"schema\":\"rnw.comparison/2\"}", "{\"schema\":1}", "{\"schema\":NaN}",
      "{\"schema\":\"rnw.comparison/1\",\"schema\":\"rnw.comparison/1\"}",
      "{\"schema\":\"rnw.comparison/1\",\"network\":{},\"limits\":{},\"measuredBy\":null}",
      "{\"schema\":\"rnw.comparison/1\",\"network\":[],\"limits\":0,\"measuredBy\":1}",
      String(repeating: "[", count: 100_000), "\u{FEFF}{}", "{\"a\":1e999}",
    ])
  func noReport(_ text: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array(text.utf8), to: "report.json")
    let error = #expect(throws: InputError.self) { try judge(JudgeRequest(report: path)) }
    #expect(error?.kind == .badData)
    #expect(error.map { !"\($0)".contains("\n") } == true)
  }
}

/// A comparison as a JSON report.
private struct Stored {
  let text: String
  private let folder: TemporaryFolder

  init(_ outcome: Comparison.Outcome) throws {
    text = try JSONReport(outcome, command: "rnw verify", title: "a against b").text()
    folder = try TemporaryFolder()
  }

  init(_ document: JSONValue) throws {
    text = document.json
    folder = try TemporaryFolder()
  }

  var document: JSONValue { get throws { try JSONValue(json: text.utf8) } }

  func judged(limit: Double? = nil, layerLimits: String? = nil) throws -> JudgedComparison {
    var request = JudgeRequest(report: try folder.write(Array(text.utf8), to: "report.json"))
    request.limit = limit
    request.limitsFile = try layerLimits.map {
      try folder.write(Array($0.utf8), to: "limits.json")
    }
    return try judge(request)
  }
}

extension JSONValue {
  fileprivate func at(_ place: String) -> JSONValue? {
    place.split(separator: ".").reduce(self) { value, key in
      Int(key).flatMap { index in value?.elements?[index] } ?? value?[String(key)]
    }
  }

  /// The value with another one at a place; `nil` takes it away.
  fileprivate func setting(_ place: String, to value: JSONValue?) -> JSONValue {
    setting(place.split(separator: ".")[...], to: value) ?? .null
  }

  private func setting(_ place: ArraySlice<Substring>, to value: JSONValue?) -> JSONValue? {
    guard let key = place.first else { return value }
    let rest = place.dropFirst()
    switch self {
    case .object(var entries):
      entries[String(key)] = (entries[String(key)] ?? .null).setting(rest, to: value)
      return .object(entries)
    case .list(var elements):
      guard let index = Int(key), elements.indices.contains(index) else { return self }
      elements[index] = elements[index].setting(rest, to: value) ?? .null
      return .list(elements)
    default: return self
    }
  }
}
