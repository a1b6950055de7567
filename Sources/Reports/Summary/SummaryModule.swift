import ResNetV2

/// A part of a network as a framework lists it: a layer, or a module with layers within it.
package struct SummaryModule: Hashable, Sendable {
  /// What it is, in the framework's words, such as `Conv2d`.
  package let className: String

  /// What the network calls it, such as `conv1`; empty where it has no name.
  package let name: String

  /// The nodes of the graph that do its work, in order; empty for a module that only holds others.
  package let nodes: [Int]

  /// The node whose value it reads.
  package let input: Int

  /// The node whose value it puts out.
  package let output: Int

  /// How its output differs from the value of that node.
  package let form: OutputForm

  /// Whether the same module was already listed at an earlier call.
  package let isRepeated: Bool

  /// The modules within it, in the order in which they are listed.
  package let children: [SummaryModule]

  /// How the output of a layer differs from the value of a node.
  package enum OutputForm: Hashable, Sendable {
    /// It is the value.
    case value
    /// An average that keeps the image as 1×1.
    case image
    /// The value with so many rows and columns more on each side.
    case padded(Int)
  }

  /// A layer.
  package init(
    _ className: String, name: String, nodes: [Int], input: Int, output: Int,
    form: OutputForm = .value, isRepeated: Bool = false
  ) {
    self.className = className
    self.name = name
    self.nodes = nodes
    self.input = input
    self.output = output
    self.form = form
    self.isRepeated = isRepeated
    children = []
  }

  /// A module with others within it.
  package init(
    _ className: String, name: String, input: Int, output: Int, children: [SummaryModule]
  ) {
    self.className = className
    self.name = name
    nodes = []
    self.input = input
    self.output = output
    form = .value
    isRepeated = false
    self.children = children
  }
}
