package import Families
package import Inference
package import ResNetV2
package import Tensors

/// What the layers of a network should give, told by something that is no executor of the same
/// graph: recorded by a framework, or computed from a graph of the source's own.
package protocol LayerTruth: Sendable {
  /// Which of its layers is which node's value; what only one side has is listed.
  var assignment: LayerNames.Assignment { get }

  /// Checks what can be checked before anything is computed.
  ///
  /// - Throws: `InputError` where the two cannot be compared.
  func check(_ graph: Graph, shapes: [Shape], input: Shape) throws(InputError)

  /// By how much a node's values may be off because the truth itself was rounded, in units of the
  /// largest.
  func allowance(for node: String, isolated: Bool) -> Double

  /// The values for one input [N, H, W, C].
  func values(for input: Activation) throws -> any LayerValues

  /// What the truth says that a node computes; `nil` where it does not say.
  func layer(of node: Node) -> TrueLayer?
}

/// The values of a truth for one input.
package protocol LayerValues {
  /// The value of a node in the layout of the graph; `nil` where there is none.
  ///
  /// - Parameter shape: the shape that the graph's own value has.
  func value(of node: String, shape: Shape) throws -> Activation?
}

/// What a truth says of one layer.
package struct TrueLayer: Sendable {
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

extension LayerTruth {
  /// Whether there is a value of a node.
  func holds(_ node: String) -> Bool { assignment.arrays[node] != nil }
}

extension ActivationArchive: LayerTruth, LayerValues {
  /// The archive itself: it holds the values for the one input that it was made from.
  package func values(for input: Activation) -> any LayerValues { self }

  /// Nothing: an archive has values only.
  package func layer(of node: Node) -> TrueLayer? { nil }
}
