import Files
import Inference
import Tensors
import Testing

@testable import SourceGraph

@Suite("Configurations of strangers")
struct HostileConfigurationTests {
  /// A configuration and a part of the message that refuses it.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let json: String
    let message: String

    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "no JSON", json: "{", message: #"lacks a ""#),
    Case(name: "no model", json: "[]", message: "of the class ''"),
    Case(
      name: "deep nesting", json: String(repeating: "[", count: 100_000),
      message: "nested too deeply"),
    Case(
      name: "two entries of one name", json: #"{"class_name": "Model", "class_name": "Model"}"#,
      message: "two entries named class_name"),
    Case(
      name: "a number that is not finite", json: #"{"x": 1e999}"#, message: "that is too large"),
    Case(
      name: "two layers of one name", json: functional([input, relu("a", reads: "x"), relu("a")]),
      message: "two layers of one name (a)"),
    Case(
      name: "a circle",
      json: functional([input, relu("a", reads: "b"), relu("b", reads: "a")], output: "b"),
      message: "in a circle (a)"),
    Case(
      name: "a layer that reads itself", json: functional([input, relu("a", reads: "a")]),
      message: "in a circle (a)"),
    Case(
      name: "a missing layer", json: functional([input, relu("a", reads: "ghost")]),
      message: "lacks a layer which another one reads (ghost)"),
    Case(
      name: "a missing call", json: functional([input, relu("a", reads: "x", call: 7)]),
      message: "reads a call which a layer does not have (x, call 7)"),
    Case(
      name: "no inbound nodes", json: functional([input, layer("Flatten", "a", nodes: "[]")]),
      message: "a is connected to nothing"),
    Case(
      name: "damaged inbound nodes",
      json: functional([input, layer("Flatten", "a", nodes: "[7]")]),
      message: "inbound_nodes that are damaged"),
    Case(
      name: "a number in place of a value",
      json: functional([input, layer("Flatten", "a", nodes: #"[{"args": [2.0], "kwargs": {}}]"#)]),
      message: "are no values of layers"),
    Case(
      name: "training",
      json: functional([
        input, layer("Flatten", "a", nodes: #"[[["x", 0, 0, {"training": true}]]]"#),
      ]), message: "an argument that is not understood: training"),
    Case(
      name: "a class that nobody registered",
      json: functional([
        input, layer("Flatten", "a").replacing(#""config""#, #""module": null, "config""#),
      ]), message: "a is of a class that its own graph cannot be run with"),
    Case(
      name: "a model of a class that nobody registered",
      json: functional([input, relu("a")]).replacing(
        #""class_name": "Functional""#, #""class_name": "Functional", "module": null"#),
      message: "a model whose own graph cannot be run"),
    Case(
      name: "an activation of somebody's own", json: functional([input, layer("Activation", "a")]),
      message: "a lacks its activation"),
    Case(
      name: "a model in training",
      json: functional([
        input, inner(nodes: #"[[["x", 0, 0, {"training": true}]]]"#),
      ]), message: "a is called with training=True"),
    Case(
      name: "a model with an argument",
      json: functional([
        input, inner(nodes: #"[[["x", 0, 0, {"scale": 2}]]]"#),
      ]), message: "a is called with an argument that is not understood: scale"),
    Case(
      name: "a model with a second argument",
      json: functional([
        input, inner(nodes: #"[{"args": [\#(value), true], "kwargs": {}}]"#),
      ]), message: "a is called with an argument that is not understood: number 2, true"),
    Case(
      name: "whole numbers that wrap around",
      json: functional([
        input.replacing(#""name": "x""#, #""dtype": "uint8", "name": "x""#),
        layer(
          "TFOpLambda", "a", #""function": "math.subtract""#,
          nodes: #"[["x", 0, 0, {"y": 100, "name": null}]]"#),
      ]), message: "computes with whole numbers, uint8, which wrap around (a, a layer"),
    Case(
      name: "quantised values",
      json: functional([
        input,
        layer(
          "Flatten", "a",
          #""dtype": {"class_name": "QuantizedFloat8DTypePolicy", "config": {"mode": "float8"}}"#),
      ]), message: "a computes with quantised values: float8"),
    Case(
      name: "damaged ends",
      json: functional([input, relu("a")]).replacing(#"[["a", 0, 0]]}"#, "[[7]]}"),
      message: "damaged ends (output_layers)"),
    Case(
      name: "no ends", json: functional([input, relu("a")]).replacing(#"[["a", 0, 0]]}"#, "[]}"),
      message: "without ends (output_layers)"),
    Case(
      name: "an end of no layer", json: functional([input], output: "ghost"),
      message: "reads (ghost)"),
    Case(
      name: "an input that is a layer",
      json: functional([input, relu("a")]).replacing(
        #""input_layers": [["x""#, #""input_layers": [["a""#),
      message: "a is listed as an input"),
    Case(
      name: "an unknown layer", json: functional([input, layer("Conv3DTranspose", "a")]),
      message:
        "a is of a class that its own graph cannot be run with (a layer of class Conv3DTranspose)"
    ),
    Case(
      name: "somebody's own class",
      json: functional([
        input,
        #"{"class_name": "ReLU", "registered_name": "Mine>ReLU", "config": {"name": "a"}, "#
          + #""inbound_nodes": [[["x", 0, 0, {}]]]}"#,
      ]), message: "a is of a class that its own graph cannot be run with (Mine>ReLU)"),
    Case(
      name: "somebody's own module",
      json: functional([
        input,
        #"{"class_name": "ReLU", "module": "mine", "config": {"name": "a"}, "#
          + #""inbound_nodes": [[["x", 0, 0, {}]]]}"#,
      ]), message: "(mine.ReLU)"),
    Case(
      name: "an unknown activation",
      json: functional([input, layer("Activation", "a", #""activation": "mish""#)]),
      message: "a has a activation, mish, that its own graph"),
    Case(
      name: "two dilations", json: functional([input, conv(#""dilation_rate": [1, 2]"#)]),
      message: "a has a dilation_rate of two different numbers"),
    Case(
      name: "an absurd dilation",
      json: functional([input, conv(#""dilation_rate": 4611686018427387904"#)]),
      message: "a has an impossible dilation_rate"),
    Case(
      name: "groups", json: functional([input, conv(#""groups": 3"#)]),
      message: "a has a number of groups"),
    Case(
      name: "channels first", json: functional([input, conv(#""data_format": "channels_first""#)]),
      message: "a has a data_format"),
    Case(
      name: "two strides", json: functional([input, conv(#""strides": [1, 2]"#)]),
      message: "a has a strides of two different numbers"),
    Case(
      name: "a stride of zero", json: functional([input, conv(#""strides": [0, 0]"#)]),
      message: "a has an impossible strides"),
    Case(
      name: "absurd filters",
      json: functional([input, conv(filters: "99999999999999999999")]),
      message: "a has an impossible filters"),
    Case(
      name: "an absurd kernel",
      json: functional([input, conv(kernel: "[4611686018427387904, 2]")]),
      message: "a has an impossible kernel_size"),
    Case(
      name: "negative padding",
      json: functional([input, layer("ZeroPadding2D", "a", #""padding": [[-1, 1], [1, 1]]"#)]),
      message: "a has an impossible padding"),
    Case(
      name: "absurd padding",
      json: functional([input, layer("ZeroPadding2D", "a", #""padding": 16777216"#)]),
      message: "a layer that is too large, a"),
    Case(
      name: "a window larger than the image",
      json: functional([
        input, layer("MaxPooling2D", "a", #""pool_size": 9, "padding": "valid""#),
      ]), message: "cannot be run at a (a MaxPooling2D of 1×8×8×3)"),
    Case(
      name: "an axis that is no whole number",
      json: functional([input, layer("Concatenate", "a", #""axis": 1e300"#)]),
      message: "a has a axis that is not one number"),
    Case(
      name: "a scale that is no number",
      json: functional([input, layer("Rescaling", "a", #""scale": NaN"#)]),
      message: "a lacks its scale"),
    Case(
      name: "a softmax of everything",
      json: functional([input, layer("Softmax", "a", #""axis": null"#)]),
      message: "a has a axis that is not the last"),
    Case(
      name: "a least value of a maximum",
      json: functional([input, layer("Max", "a", #""axis": [1, 2], "initial": 3.0"#)]),
      message: "a has a initial that its own graph cannot be run with"),
    Case(
      name: "a least value of a maximum, as an argument",
      json: functional([
        input,
        layer(
          "Max", "a", #""axis": [1, 2], "initial": null"#,
          nodes: #"[{"args": [\#(value)], "kwargs": {"where": 3.0}}]"#),
      ]), message: "a has a where that its own graph cannot be run with"),
    Case(
      name: "code", json: functional([input, layer("Lambda", "a")]),
      message: "a runs code of its author"),
    Case(
      name: "resizing", json: functional([input, layer("Resizing", "a")]),
      message: "a resizes its images"),
    Case(
      name: "resizing, called as Keras 3 does",
      json: functional([
        input,
        layer("Resizing", "a", nodes: #"[{"args": [\#(value)], "kwargs": {"training": true}}]"#),
      ]), message: "a resizes its images"),
    Case(
      name: "a sum of different shapes",
      json: functional(
        [
          input, layer("Flatten", "a"),
          layer("Add", "b", nodes: #"[[["x", 0, 0, {}], ["a", 0, 0, {}]]]"#),
        ], output: "b"), message: "cannot be run at b (a Add of 1×8×8×3 and 1×192)"),
    Case(
      name: "too many layers", json: functional([input] + chain(20_001), output: "n0"),
      message: "too many layers"),
    Case(
      name: "models within models", json: nested(9, layers: 1), message: "too many models"),
    Case(
      name: "models that are called often", json: nested(7, layers: 60),
      message: "too many layers"),
  ]

  @Test("Each is refused in one line that names the place", arguments: cases)
  func refusals(_ hostile: Case) throws {
    let error = #expect(throws: InputError.self) {
      let network = try SourceGraph(
        keras: hostile.json, version: nil, path: "model.keras")
      _ = try network.shapes(for: [1, 8, 8, 3])
    }
    let line = try #require(error).description
    #expect(line.contains(hostile.message), "\(line)")
    #expect(error?.kind == .badData && !line.contains("\n"))
  }

  @Test(
    "What Keras 3 takes back in predict is no training, but for norms", arguments: [false, true])
  func modelInTraining(hasNorm: Bool) throws {
    let nodes = #"[{"args": [\#(Self.value)], "kwargs": {"training": true, "mask": null}}]"#
    let json = Self.functional([Self.input, Self.inner(norm: hasNorm, nodes: nodes)])
    func read() throws -> SourceGraph {
      try SourceGraph(keras: json, version: "3.15.1", path: "")
    }
    if hasNorm {
      #expect(throws: InputError.self) { try read() }
    } else {
      #expect(try read().nodes.count == 1)
    }
  }

  @Test("A model may be given its input by name")
  func namedInput() throws {
    let nodes = #"[{"args": [], "kwargs": {"inputs": \#(Self.value), "training": false}}]"#
    let json = Self.functional([Self.input, Self.inner(norm: true, nodes: nodes)])
    #expect(try SourceGraph(keras: json, version: "3.15.1", path: "").nodes.count == 2)
  }

  @Test(
    "Whole numbers that become floats before they are computed with are read",
    arguments: [
      layer("Rescaling", "a", #""scale": 2, "offset": -1"#),
      layer(
        "TFOpLambda", "a", #""function": "math.truediv""#,
        nodes: #"[["x", 0, 0, {"y": 127.5, "name": null}]]"#),
    ])
  func wholeNumbers(_ layer: String) throws {
    let input = Self.input.replacing(#""name": "x""#, #""dtype": "uint8", "name": "x""#)
    let graph = try SourceGraph(
      keras: Self.functional([input, layer]), version: nil, path: "")
    #expect(try graph.shapes(for: [1, 8, 8, 3]).count == 2)
  }

  @Test(
    "Of a model that is called twice the output is the call that Keras means",
    arguments: [
      ("Functional", false, 1, 1), ("Functional", false, 2, 2), ("Functional", true, 2, 2),
      ("Sequential", false, 0, 1), ("Sequential", false, 1, 2), ("Sequential", true, 1, 1),
      ("Sequential", true, 2, 2),
    ])
  func calls(className: String, isOfKeras2: Bool, index: Int, node: Int) throws {
    let again = Self.value.replacing(#""x""#, with: #""a""#)
    let nodes =
      isOfKeras2
      ? #"[[["x", 0, 0, {}]], [["a", 1, 0, {}]]]"#
      : #"[{"args": [\#(Self.value)], "kwargs": {}}, {"args": [\#(again)], "kwargs": {}}]"#
    let inner = Self.inner(norm: true, nodes: nodes).replacing("Functional", with: className)
    let json = Self.functional([Self.input, inner]).replacing(
      #"[["a", 0, 0]]"#, with: #"[["a", \#(index), 0]]"#)
    let graph = try SourceGraph(keras: json, version: nil, path: "")
    #expect(graph.nodes.count == 3)
    #expect(graph.outputs == [node])
    #expect(graph.nodes[2].inputs == [1])
  }

  @Test("A model of no layers gives what it is given")
  func emptyModel() throws {
    let network = try SourceGraph(
      keras: Self.functional([Self.input], output: "x"), version: nil, path: "")
    #expect(network.nodes.count == 1 && network.outputs == [0])
  }

  @Test(
    "A policy of half precision is told, in the forms of every version",
    arguments: [
      (#""mixed_float16""#, "mixed_float16"), (#""bfloat16""#, "bfloat16"),
      (#"{"class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}"#, "mixed_bfloat16"),
      (#"{"class_name": "Policy", "config": {"name": "mixed_float16"}}"#, "mixed_float16"),
      (#""float32""#, nil), (#"{"class_name": "DTypePolicy", "config": {"name": "float32"}}"#, nil),
    ] as [(String, String?)])
  func halfPrecision(_ policy: String, _ expected: String?) throws {
    let layer = Self.layer("Flatten", "a", #""dtype": \#(policy)"#)
    let graph = try SourceGraph(
      keras: Self.functional([Self.input, layer]), version: nil, path: "")
    #expect(graph.halfPrecision == expected)
  }

  // MARK: - Configurations

  private static let input =
    #"{"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 8, 8, 3]}}"#

  private static func functional(_ layers: [String], output: String = "a") -> String {
    let layers = layers.joined(separator: ", ")
    return #"{"class_name": "Functional", "config": {"name": "m", "layers": ["# + layers
      + #"], "input_layers": [["x", 0, 0]], "output_layers": [["# + "\"\(output)\""
      + #", 0, 0]]}}"#
  }

  private static func layer(
    _ className: String, _ name: String, _ settings: String = "", reads: String = "x",
    call: Int = 0, nodes: String? = nil
  ) -> String {
    let nodes = nodes ?? "[[[\"\(reads)\", \(call), 0, {}]]]"
    let settings = settings.isEmpty ? "" : ", " + settings
    return "{\"class_name\": \"\(className)\", \"config\": {\"name\": \"\(name)\"\(settings)}, "
      + "\"inbound_nodes\": \(nodes)}"
  }

  /// A model in the place of layer `a`, which gives what it is given, or its norm.
  private static func inner(norm: Bool = false, nodes: String) -> String {
    let norms = norm ? [layer("BatchNormalization", "n")] : []
    let model = functional([input] + norms, output: norm ? "n" : "x")
    return (model.dropLast() + ", \"inbound_nodes\": \(nodes)}")
      .replacing(#""name": "m""#, #""name": "a""#)
  }

  /// A value as Keras 3 writes it.
  private static let value =
    #"{"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}"#

  private static func relu(_ name: String, reads: String = "x", call: Int = 0) -> String {
    layer("ReLU", name, reads: reads, call: call)
  }

  private static func conv(
    _ settings: String = #""groups": 1"#, filters: String = "2", kernel: String = "3"
  ) -> String {
    layer(
      "Conv2D", "a",
      "\"filters\": \(filters), \"kernel_size\": \(kernel), \"padding\": \"same\", \(settings)")
  }

  private static func chain(_ count: Int) -> [String] {
    (0..<count).map { relu("n\($0)", reads: $0 == 0 ? "x" : "n\($0 - 1)") }
  }

  /// Models within each other, each of which calls the next so many times.
  private static func nested(_ depth: Int, layers: Int) -> String {
    var model = functional([input], output: "x")
    for _ in 0..<depth {
      let calls = Array(repeating: #"[["x", 0, 0, {}]]"#, count: layers).joined(separator: ", ")
      let inner = model.dropLast() + ", \"inbound_nodes\": [\(calls)]}"
      model = functional([input, inner.replacing(#""name": "m""#, #""name": "a""#)])
        .replacing(#"[["a", 0, 0]]"#, #"[["a", 1, 0]]"#)
    }
    return model
  }
}

extension String {
  fileprivate func replacing(_ part: String, _ other: String) -> String {
    guard let range = firstRange(of: part) else { return self }
    return String(self[..<range.lowerBound]) + other + self[range.upperBound...]
  }
}

extension Substring {
  fileprivate func replacing(_ part: String, _ other: String) -> String {
    String(self).replacing(part, other)
  }
}
