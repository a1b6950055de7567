import Families
import Foundation
import Inference
import Plain
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Comparison
@testable import Reports

@Suite("Reports")
struct ReportTests {
  @Test("The table is at most 80 columns wide, whatever the names and values")
  func tableWidth() throws {
    for text in [
      TextReport(maximumRows: nil).text(for: try Self.failing()),
      TextReport(order: .graph).text(for: try Self.passing()),
    ] {
      for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }
  }

  @Test("A failure reads so")
  func failureText() throws {
    let text = TextReport(maximumRows: 2).text(for: try Self.failing())
    #expect(
      text == """
        layer                           shape             isolated propagated  × limit
        conv2_block2_1_bn               1×4×5×4               0.50       0.50    25000
        post_bn                         1×2×3×12                 0    1.0e-03       50
          … and 2 layers with smaller errors

        FAIL: 2 of 4 layers out of limits
          culprit   conv2_block2_1_bn (stage1.block2.norm2): error 0.50 from inputs that
                    are right
          suspected gamma and beta are swapped (put right, the error is 1.2e-07)
          worst     conv2_block2_1_bn: error 0.50 = 25000 × limit 2e-05
          limits    would pass from 0.5
          growth    error 1.0e-06 at conv1_conv, 1.0e-07 at predictions;
                    conv2_block2_1_bn adds most, 0.50 (0.50 from inputs that are right)
          noise     2 layers of 4 differ by float32 noise only, up to 4e-06
          output    same first class on 1 of 2 images, same first 5 on 2
          missing   avg_pool, not in the reference, not compared
          unknown   a, b, c and 1 more, only in the reference, not compared
          folded    conv1_pad, compared as part of the layer after it

        """)
    #expect(
      try Self.failing().verdict.line
        == "fail: 2 of 4 layers out of limits; first wrong layer conv2_block2_1_bn, "
        + "gamma and beta are swapped; worst conv2_block2_1_bn error 0.50 = 25000 × limit 2e-05")
  }

  @Test("A success reads so")
  func successText() throws {
    let text = TextReport(order: .graph, maximumRows: 1).text(for: try Self.passing())
    #expect(
      text
        == """
        layer                            shape              max|a-b|    error  × limit
        conv1_conv                       1×8×9×6             1.0e-06  1.0e-06    0.050
          … and 1 layers with smaller errors

        PASS: 2 layers compared, all within limits
          worst     conv1_conv: error 1.0e-06 = 0.050 × limit 2e-05; all errors are
                    float32 noise
          passes    with every limit down to 1e-06
          growth    error 1.0e-06 at conv1_conv, 1.0e-07 at head.dense; conv1_conv adds
                    most, 1.0e-06

        """.replacingOccurrences(of: "1 layers", with: "1 layer"))
  }

  @Test("Failures are red only where colour is asked for")
  func colour() throws {
    #expect(!TextReport().text(for: try Self.failing()).contains("\u{1B}"))
    let colored = TextReport(isColored: true).text(for: try Self.failing())
    #expect(colored.contains("\u{1B}[31mconv2_block2_1_bn"))
    #expect(colored.contains("\u{1B}[31mFAIL\u{1B}[0m"))
  }

  @Test("The JSON document has the promised keys and is the same every time")
  func json() throws {
    let text = try JSONReport(
      try Self.failing(), file: .init(path: "a.rnw", bytes: 12), command: "rnw verify a"
    ).text()
    #expect(
      try JSONReport(
        try Self.failing(), file: .init(path: "a.rnw", bytes: 12), command: "rnw verify a"
      ).text() == text)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    let document = try #require(object as? [String: Any])
    #expect(document["schema"] as? String == "rnw.comparison/1")
    #expect(document["verdict"] as? String == "fail")
    #expect(document["command"] as? String == "rnw verify a")
    let layers = try #require(document["layers"] as? [[String: Any]])
    #expect(layers.count == 4)
    let layer = try #require(layers.first { $0["pass"] as? Bool == false })
    #expect(layer["name"] as? String == "stage1.block2.norm2")
    #expect(layer["familyName"] as? String == "conv2_block2_1_bn")
    #expect(layer["shape"] as? [Int] == [1, 4, 5, 4])
    #expect(layer["scaledError"] as? Double == 0.5)
    #expect(layer["maxAbs"] as? Double == 0.5)
    #expect(layer["limit"] as? Double == 2e-5)
    let propagated = try #require(layer["propagated"] as? [String: Any])
    #expect(propagated["maxAbsAt"] as? [Int] == [0, 0, 1, 1])
    #expect(propagated["overLimit"] as? Int == 1)
    let culprit = try #require(document["culprit"] as? [String: Any])
    #expect(culprit["name"] as? String == "stage1.block2.norm2")
    #expect(culprit["suspicion"] as? String == "gamma and beta are swapped")
    let output = try #require(document["output"] as? [String: Any])
    #expect(output["bytes"] as? Int == 12)
    #expect(output["sameTop1"] as? Int == 1)
    #expect(output["images"] as? Int == 2)
    #expect(document["missing"] as? [String] == ["avg_pool"])
  }

  @Test("A document without culprit says null, and numbers that JSON lacks are strings")
  func jsonEdges() throws {
    let passing = try JSONReport(try Self.passing()).text()
    #expect(passing.contains("\"culprit\" : null"))
    #expect(passing.contains("\"familyName\" : null"))
    #expect(passing.contains("\"sameTop1\" : null"))
    var result = try Self.passing()
    result.layers[0].propagated = DifferenceStatistics([.nan], [1], limit: 1)
    let broken = try JSONReport(result).text()
    #expect(broken.contains("\"scaledError\" : \"inf\""))
    #expect(broken.contains("\"passingLimit\" : \"inf\""))
    #expect(try JSONSerialization.jsonObject(with: Data(broken.utf8)) is [String: Any])
  }

  @Test("Names from strangers can neither leave their element nor control a terminal")
  func hostileNames() throws {
    let hostile = "<script>alert('x')</script>\u{1B}[2J|\"&-->]]><img src=x onerror=alert(1)>`"
    let sample = Sample.keras
    var result = try Self.failing()
    result = Comparison.Outcome(
      graph: result.graph,
      layerNames: LayerNames(
        layout: .nhwc,
        names: Dictionary(uniqueKeysWithValues: sample.graph.nodes.map { ($0.name, hostile) }),
        folded: []),
      layers: result.layers.map { layer in
        var hostileLayer = LayerComparison(
          node: layer.node, name: layer.name, familyName: hostile, operation: hostile,
          shape: layer.shape, layout: .nhwc, propagatedBound: LayerBound(2e-5),
          isolatedBound: LayerBound(2e-5))
        hostileLayer.propagated = layer.propagated
        hostileLayer.problem = hostile
        return hostileLayer
      }, lacking: [], coverage: Coverage(missing: [hostile], unknown: [hostile]),
      agreement: nil, images: 1, inputShape: [1, 15, 18, 3],
      suspicion: Suspicion(explanation: hostile, scaledError: nil))
    let html = HTMLReport(title: hostile, command: hostile).text(for: result)
    // The two scripts are the page's own, and no other element was opened.
    #expect(html.components(separatedBy: "<script").count - 1 == 2)
    #expect(!html.contains("<img"))
    #expect(html.contains("&lt;script&gt;alert(&#39;x&#39;)"))
    let junit = JUnitReport(suite: hostile, command: hostile).text(for: result)
    let markdown = MarkdownReport(title: hostile, command: "rnw").text(for: result)
    for text in [html, TextReport().text(for: result), junit, markdown] {
      #expect(!text.contains("\u{1B}"))
    }
    #expect(!junit.contains("<script") && !junit.contains("<img"))
    // In Markdown a name is code or has its brackets escaped.
    let outside = markdown.replacing("\\`", with: "").split(separator: "`").enumerated().filter {
      $0.offset.isMultiple(of: 2)
    }
    #expect(!outside.contains { $0.element.contains("<script") || $0.element.contains("<img") })
  }

  @Test("The page needs nothing from anywhere, and draws every layer")
  func html() throws {
    let sample = Sample.keras
    var comparison = sample.comparison(of: sample.executor, mode: .both)
    comparison.collectsDetail = true
    let result = try comparison.run(against: sample.executor, inputs: [sample.input])
    let page = HTMLReport(title: "a", command: "rnw verify").text(for: result)
    for forbidden in ["http://", "https://", "src=", "@import", "url(", " style=", " onclick"] {
      #expect(!page.contains(forbidden), "\(forbidden)")
    }
    #expect(page.contains("default-src 'none'"))
    for layer in result.layers {
      #expect(page.contains("<tr id=\"layer-\(layer.node)\""))
      #expect(page.contains("href=\"#layer-\(layer.node)\""))
    }
    #expect(page.contains("✓ PASS"))
    #expect(HTMLReport(title: "a", command: "rnw verify").text(for: result) == page)
  }

  @Test("The page's script gets the spread of a layer's differences as numbers and letters only")
  func htmlData() throws {
    var result = try Self.passing()
    result.layers[0].propagated = statistics(
      [1, 2, 3, .nan], [1, 2 - 1e-4, 3 + 1e-5, 0], channels: 4)
    let text = HTMLLayerData(result).json
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let layer = try #require(document["\(result.layers[0].node)"] as? [String: Any])
    let propagated = try #require(layer["propagated"] as? [String: Any])
    #expect(propagated["limit"] as? Double == 2e-5)
    // Zero; 1.7 times the limit; a sixth of it; not finite.
    #expect(propagated["channels"] as? String == "AdX9")
    let sizes = try #require(propagated["sizes"] as? [Any])
    #expect(sizes[0] as? Int == 1)
    #expect(sizes[1] as? Int == 1)
    #expect((propagated["figures"] as? [String])?.count == 12)
  }

  @Test("Values that are not finite are counted in words, not called an error of infinity")
  func notFinite() throws {
    var result = try Self.passing()
    result.layers[0].propagated = DifferenceStatistics([.nan, .infinity, 1], [1, 1, 1], limit: 1)
    let text = TextReport().text(for: result)
    #expect(text.contains("conv1_conv: 1 value is NaN, 1 infinite, none in the reference"))
    #expect(!text.contains("error inf"))
  }

  @Test("JUnit has a case per layer and a failure per failing one")
  func junit() throws {
    let text = JUnitReport(suite: "a & b").text(for: try Self.failing())
    #expect(text.components(separatedBy: "<testcase ").count - 1 == 4)
    #expect(text.components(separatedBy: "<failure ").count - 1 == 2)
    #expect(text.contains("<testsuite name=\"a &amp; b\" tests=\"4\" failures=\"2\" errors=\"0\""))
    #expect(text.contains("the first wrong layer: gamma and beta are swapped"))
    #expect(!text.contains("time="))
    for (seconds, expected) in [(0.0123, "0.012"), (61.5, "61.500"), (-1, "0.000")] {
      let timed = JUnitReport(seconds: seconds).text(for: try Self.failing())
      #expect(timed.components(separatedBy: " time=\"\(expected)\"").count - 1 == 2)
    }
  }

  @Test("Markdown has the verdict and the worst layers")
  func markdown() throws {
    let text = MarkdownReport(
      title: "a against [b]", maximumRows: 2, command: "rnw verify a '```'"
    ).text(for: try Self.failing())
    #expect(text.hasPrefix("### a against \\[b\\]\n\n**❌ FAIL**: 2 of 4 layers out of limits\n"))
    #expect(text.contains("- suspected: **gamma and beta are swapped"))
    #expect(text.contains("| `conv2_block2_1_bn` | 1×4×5×4 | 0.50 | 0.50 | 25000 | ◆ |\n"))
    #expect(text.contains("| `post_bn` | 1×2×3×12 | 0 | 1.0e-03 | 50 | ✗ |\n"))
    #expect(text.contains("\n````sh\nrnw verify a '```'\n````\n"))
    #expect(text.contains("… and 2 layers with smaller errors"))
  }

  @Test(
    "Numbers are written for people",
    arguments: [
      (0, "0"), (1.5, "1.5"), (0.05, "0.050"), (0.0099, "9.9e-03"), (123456, "120000"),
      (1_234_567, "1.2e+06"), (9.99, "10"), (0.0999, "0.10"), (1e-300, "1.0e-300"), (-2.55, "-2.6"),
      (.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"), (2e-5, "2.0e-05"), (99.5, "100"),
    ] as [(Double, String)])
  func numbers(value: Double, text: String) {
    #expect(readable(value) == text)
  }

  // MARK: - Results to report

  /// Four layers, two of them out of limits, in both modes.
  static func failing() throws -> Comparison.Outcome {
    var result = try result(of: [
      ("stem.conv", [1, 8, 9, 6], 1e-6, 0), ("stage1.block2.norm2", [1, 4, 5, 4], 0.5, 0.5),
      ("final.norm", [1, 2, 3, 12], 1e-3, 0), ("head.softmax", [1, 7], 1e-7, 0),
    ])
    result.coverage = Coverage(
      folded: [.init(name: "conv1_pad", into: "conv1_conv")], missing: ["avg_pool"],
      unknown: ["a", "b", "c", "d"])
    result.suspicion = Suspicion(
      explanation: "gamma and beta are swapped", scaledError: 1.2e-7)
    var agreement = OutputAgreement()
    agreement.add(
      candidate: Activation(shape: [2, 5], values: [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]),
      reference: Activation(shape: [2, 5], values: [1, 2, 3, 4, 5, 1, 2, 3, 5, 4]))
    result.agreement = agreement
    return result
  }

  /// Two layers within float32 noise.
  static func passing() throws -> Comparison.Outcome {
    try result(of: [
      ("stem.conv", [1, 8, 9, 6], 1e-6, nil), ("head.dense", [1, 7], 1e-7, nil),
    ])
  }

  private static func result(
    of layers: [(name: String, shape: Shape, propagated: Double, isolated: Double?)]
  ) throws -> Comparison.Outcome {
    let sample = Sample.keras
    return Comparison.Outcome(
      graph: sample.graph, layerNames: sample.names,
      layers: try layers.map { name, shape, propagated, isolated in
        var layer = LayerComparison(
          node: try #require(sample.graph.index(of: name)), name: name,
          familyName: sample.names.name(of: name), operation: "layer", shape: shape, layout: .nhwc,
          propagatedBound: LayerBound(2e-5),
          isolatedBound: LayerBound(2e-5))
        layer.propagated = statistics(of: shape, error: propagated)
        layer.isolated = isolated.map { statistics(of: shape, error: $0) }
        return layer
      }, lacking: [], coverage: Coverage(), agreement: nil, images: 1,
      inputShape: [1, 15, 18, 3])
  }

  private func statistics(
    _ candidate: [Float], _ reference: [Float], channels: Int
  ) -> DifferenceStatistics {
    candidate.withUnsafeBufferPointer { candidate in
      reference.withUnsafeBufferPointer { reference in
        DifferenceStatistics(
          candidate: candidate, reference: reference, limit: 2e-5, channels: channels)
      }
    }
  }

  /// One value of 1 on both sides, and one that is off.
  private static func statistics(of shape: Shape, error: Double) -> DifferenceStatistics {
    var reference = [Float](repeating: 0, count: shape.elementCount)
    reference[0] = 1
    var candidate = reference
    candidate[5] = Float(error)
    return DifferenceStatistics(candidate, reference, limit: 2e-5)
  }
}
