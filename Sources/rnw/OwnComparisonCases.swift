import Conversion
import Plain
import Reports
import Tensors

extension OwnComparison {
  /// The comparison as JUnit XML: a test case per layer, and one each for the weights and for what the layers do, where
  /// both sides have them.
  func junit(suite: String, command: String, seconds: Double) -> String {
    let cases = layers.map { JUnitSuite.Case($0.name, failure: failure(of: $0)) }
    return JUnitSuite(
      name: suite, cases: cases + (agreement?.cases ?? []),
      output: [command, line] + remarks
        + [("missing", missing), ("unknown", unknown)].compactMap { title, names in
          names.isEmpty ? nil : "\(title): \(names.joined(separator: ", "))"
        }, seconds: seconds
    ).text
  }

  private func failure(of layer: Layer) -> JUnitSuite.Failure? {
    guard !layer.pass else { return nil }
    var message = "error \(readable(layer.scaledError)), limit \(readable(layer.limit))"
    message += layer.isolatedError.map { "; \(readable($0)) alone" } ?? ""
    if culprit?.name == layer.name {
      message += "; the first wrong layer" + (suspicion.map { ": \($0)" } ?? "")
    }
    let shape = layer.shape.map { "\($0)" }.joined(separator: "×")
    return .init(
      type: "limit", message: message, text: "\(layer.name), a \(layer.className), shape \(shape)")
  }
}

extension OwnAgreement {
  /// What the values of layers may not show.
  fileprivate var cases: [JUnitSuite.Case] {
    func hidden(_ name: String, _ faults: [String], _ message: String) -> JUnitSuite.Case {
      JUnitSuite.Case(
        "(\(name))",
        failure: faults.isEmpty
          ? nil : .init(type: name, message: message, text: faults.joined(separator: "\n")))
    }
    return [
      hidden("weights", different, "\(different.count) of \(compared) tensors differ"),
      hidden("functions", options, OwnComparison.otherwise(options.count)),
    ]
  }
}
