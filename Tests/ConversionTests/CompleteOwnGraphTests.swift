import Files
import Foundation
import Inference
import ResNetV2
import SourceGraph
import Tensors
import TestSupport
import Testing

@testable import Conversion
@testable import WeightSources

@Suite("A source's own graph is compared as a whole")
struct CompleteOwnGraphTests {
  /// A layer more, or a second use of a value, that no compared layer shows.
  struct Addition: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Layers at the end of the list.
    let layers: [String]
    /// The ends of the model.
    let outputs: [String]
    /// What is said.
    let fault: String
  }

  private static func layer(_ name: String, _ className: String, _ reads: [String]) -> String {
    let config = ["Rescaling": #", "scale": 10, "offset": 3"#, "Softmax": #", "axis": -1"#]
    let inputs = reads.map { #"["\#($0)", 0, 0, {}]"# }.joined(separator: ", ")
    return
      #"{"class_name": "\#(className)", "module": "keras.layers", "registered_name": null, "name": "\#(name)", "#
      + #""config": {"name": "\#(name)"\#(config[className] ?? "")}, "inbound_nodes": [[\#(inputs)]]}"#
  }

  static let additions = [
    Addition(
      testDescription: "a rescaling after", layers: [layer("after", "Rescaling", ["predictions"])],
      outputs: ["after"], fault: "predictions, a Dense, is no part of the network"),
    Addition(
      testDescription: "a second softmax", layers: [layer("again", "Softmax", ["predictions"])],
      outputs: ["again"], fault: "again, a Softmax, is no part of the network"),
    Addition(
      testDescription: "a sum after the output",
      layers: [layer("sum", "Add", ["predictions", "predictions"])],
      outputs: ["sum"], fault: "predictions, a Dense, is no part of the network"),
    Addition(
      testDescription: "a second output", layers: [], outputs: ["predictions", "avg_pool"],
      fault: "it has 2 outputs, predictions and avg_pool"),
    Addition(
      testDescription: "another output", layers: [], outputs: ["avg_pool"],
      fault: "its output is that of avg_pool"),
    Addition(
      testDescription: "a layer on the way to a second output",
      layers: [layer("branch", "Flatten", ["conv2_block1_out"])],
      outputs: ["predictions", "branch"], fault: "branch, a Flatten, is no part of the network"),
  ]

  @Test("A map of one pixel that is flattened is no map afterwards")
  func flattensOnePixel() throws {
    let json = try Self.configuration()
      .replacing("GlobalAveragePooling2D", with: "Flatten")
      .replacing(#/"batch_shape": \[null, \w+, \w+, 3\]/#, with: #""batch_shape": [null, 8, 8, 3]"#)
    let source = try WeightFile.open(OwnGraphTests.small)
    let model = try Model(ChangedSource(source: source, json: json))
    #expect(
      model.graph.configuration.head.pooling
        == .flatten(height: 1, width: 1, channelsFirst: false))
  }

  @Test("What follows an activation of the same kind does nothing, and augmentation is not run")
  func provesIdentities() throws {
    let relu = #"{"name": "again", "activation": "relu"}"#
    var json = try Self.configuration()
    let source = try WeightFile.open(OwnGraphTests.small)
    let usual = try Model(source).graph.configuration
    for (name, className, config, call) in [
      ("again", "Activation", relu, "{}"),
      ("flip", "RandomFlip", #"{"name": "flip", "mode": "horizontal"}"#, #"{"training": true}"#),
    ] {
      let reads = className == "Activation" ? "post_relu" : "input_layer"
      let addition =
        #"{"class_name": "\#(className)", "module": "keras.layers", "registered_name": null, "name": "\#(name)", "#
        + #""config": \#(config), "inbound_nodes": [[["\#(reads)", 0, 0, \#(call)]]]}"#
      json = try Self.inserting(addition, named: name, after: reads, in: json)
    }
    #expect(try Model(ChangedSource(source: source, json: json)).graph.configuration == usual)
  }

  /// The configuration with a layer between another one and all that read it.
  private static func inserting(
    _ addition: String, named name: String, after other: String, in json: String
  ) throws -> String {
    let parsed = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    var model = try #require(parsed)
    var config = try #require(model["config"] as? [String: Any])
    let layers = try #require(config["layers"] as? [Any])
    let renamed = try layers.map { layer in
      var layer = try #require(layer as? [String: Any])
      let nodes = try JSONSerialization.data(withJSONObject: layer["inbound_nodes"] ?? [])
      let text = String(decoding: nodes, as: UTF8.self)
        .replacing("\"\(other)\"", with: "\"\(name)\"")
      layer["inbound_nodes"] = try JSONSerialization.jsonObject(with: Data(text.utf8))
      return layer
    }
    config["layers"] =
      renamed + [try JSONSerialization.jsonObject(with: Data(addition.utf8))]
    model["config"] = config
    return String(decoding: try JSONSerialization.data(withJSONObject: model), as: UTF8.self)
  }

  private static func configuration() throws -> String {
    let archive = try ZipArchive(MappedFile(path: OwnGraphTests.small))
    let member = try #require(archive.member(named: "config.json"))
    return String(decoding: try archive.bytes(of: member, limit: 1 << 20), as: UTF8.self)
  }

  @Test("What follows the network, or leaves it elsewhere, is named", arguments: additions)
  func namesWhatFollows(_ addition: Addition) throws {
    let source = try Self.source(changedBy: addition)
    let model = try Model(source, usesGraph: false)
    let own = try #require(
      try OwnGraph(of: source, for: model.graph, layerNames: model.layerNames, pool: .shared))
    let error = #expect(throws: InputError.self) {
      try own.requireSameFunction(tensors: model.tensorNames)
    }
    #expect(error?.place?.hasPrefix(addition.fault) == true, "\(error?.place ?? "")")
  }

  @Test("The network itself is proven, and so is one with dropout at its end")
  func provesTheSame() throws {
    for layers in [[], [Self.layer("drop", "Dropout", ["predictions"])]] {
      let addition = Addition(
        testDescription: "", layers: layers, outputs: [layers.isEmpty ? "predictions" : "drop"],
        fault: "")
      let source = try Self.source(changedBy: addition)
      let model = try Model(source, usesGraph: false)
      let own = try #require(
        try OwnGraph(of: source, for: model.graph, layerNames: model.layerNames, pool: .shared))
      try own.requireSameFunction(tensors: model.tensorNames)
    }
  }

  @Test("Weights that stand in each other's places are named")
  func namesOtherTensors() throws {
    let source = try WeightFile.open(OwnGraphTests.small)
    let model = try Model(source, usesGraph: false)
    let own = try #require(
      try OwnGraph(of: source, for: model.graph, layerNames: model.layerNames, pool: .shared))
    var tensors = model.tensorNames
    let pair = ("stage1.block1.norm1.scale", "stage1.block1.norm1.variance")
    (tensors[pair.0], tensors[pair.1]) = (tensors[pair.1], tensors[pair.0])
    let error = #expect(throws: InputError.self) { try own.requireSameFunction(tensors: tensors) }
    #expect(error?.place?.hasPrefix("stage1.block1.norm1.scale is ") == true)
  }

  private static func source(changedBy addition: Addition) throws -> ChangedSource {
    let source = try WeightFile.open(OwnGraphTests.small)
    let json = try Self.configuration()
    let parsed = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    var model = try #require(parsed)
    var config = try #require(model["config"] as? [String: Any])
    var layers = try #require(config["layers"] as? [Any])
    layers += try addition.layers.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) }
    config["layers"] = layers
    config["output_layers"] = addition.outputs.map { [$0, 0, 0] as [Any] }
    model["config"] = config
    let text = String(
      decoding: try JSONSerialization.data(withJSONObject: model), as: UTF8.self)
    return ChangedSource(source: source, json: text)
  }
}

/// A Keras file with another configuration.
struct ChangedSource: GraphCarrier {
  let source: any WeightSource
  let json: String

  var container: String { source.container }
  var path: String { source.path }
  var tensors: [TensorInfo] { source.tensors }
  var metadata: [String: String] { [:] }
  var carriedGraph: Result<SourceGraph, InputError>? {
    Result { () throws(InputError) in
      try SourceGraph(keras: json, version: "3.15.1", path: path)
    }
  }

  func tensor(named name: String) throws(InputError) -> TensorData {
    try source.tensor(named: name)
  }
}
