package import Families
package import Files
package import Inference
package import ResNetV2
package import Tensors

/// What the layers of a network give: computed by an executor, recorded by a framework, or computed from the graph
/// that a file carries.
package protocol LayerTruth: Sendable {
  /// A function from a layer, by its canonical name, to its value in the layout of the graph; `nil` where there is
  /// none.
  ///
  /// Layers are asked for in the order of the graph, and what a layer reads once more after it. The shape is that of the
  /// graph's own value.
  typealias Values = (_ node: String, _ shape: Shape) throws -> Activation?

  /// The values for one input [N, H, W, C].
  func values(for input: Activation) throws -> Values

  /// Which of its layers is which node's value; what only one side has is listed.
  var assignment: LayerNames.Assignment { get }

  /// A value that belongs to no layer of the graph, one of the assignment's unknown ones; `nil` where there is none of that
  /// shape.
  func unknownValue(named name: String, shape: Shape) throws -> Activation?

  /// The input that the values were recorded for; `nil` where they are computed for any.
  func recordedInput() throws -> Activation?

  /// Checks what can be checked before anything is computed.
  ///
  /// - Throws: `InputError` where the two cannot be compared.
  func check(_ graph: Graph, shapes: [Shape], input: Shape) throws(InputError)

  /// By how much a node's values may be off because the truth itself was rounded, in units of the
  /// largest.
  func allowance(for node: String, isolated: Bool) -> Double

  /// What a node computes; `nil` where that is not said.
  func layer(of node: Node) -> LayerDescription?

  /// The tensor of a parameter; `nil` where it is not known.
  func tensor(of parameter: Parameter) throws -> TensorData?

  /// Whether ``evaluate(_:inputs:graph:shape:)`` computes layers.
  var computesLayersAlone: Bool { get }

  /// What the other side makes of given inputs of a layer; `nil` where it cannot.
  func evaluate(_ node: Node, inputs: [Activation], graph: Graph, shape: Shape) -> Activation?

  /// Why there is no value of a node that there should be; `nil` where nothing went wrong.
  func problem(of node: String) -> String?
}

extension LayerTruth {
  package func unknownValue(named name: String, shape: Shape) throws -> Activation? { nil }

  package func recordedInput() throws -> Activation? { nil }

  package func check(_ graph: Graph, shapes: [Shape], input: Shape) throws(InputError) {}

  package func allowance(for node: String, isolated: Bool) -> Double { 0 }

  package func layer(of node: Node) -> LayerDescription? { nil }

  package func tensor(of parameter: Parameter) throws -> TensorData? { nil }

  package var computesLayersAlone: Bool { false }

  package func evaluate(
    _ node: Node, inputs: [Activation], graph: Graph, shape: Shape
  ) -> Activation? { nil }

  package func problem(of node: String) -> String? { nil }
}

/// What is known of one layer beside its values.
package struct LayerDescription: Sendable {
  /// What it computes; `nil` where no operation of the graph does the same.
  package let operation: Operation?
  /// The same in a few words.
  package let title: String
  /// What it reads, by canonical name where there is one.
  package let inputs: [String]

  /// Describes a layer.
  package init(operation: Operation?, title: String? = nil, inputs: [String]) {
    self.operation = operation
    self.title = title ?? operation?.title ?? ""
    self.inputs = inputs
  }
}
