import ResNetV2

/// One layer or module of a summary.
package struct SummaryRow: Hashable, Sendable {
  /// How deep the module lies; the network itself is at 0.
  package let depth: Int

  /// The number of the row among those of its depth, counted from 1.
  package let index: Int

  /// What it is, in the framework's words.
  package let className: String

  /// What the network calls it; empty where it has no name.
  package let name: String

  /// The stem, a stage or the head, in which it ends; `nil` for a network that has none.
  package let part: String?

  /// Whether no module lies within it.
  package let isLeaf: Bool

  /// Whether it is another call of a module that was already listed.
  package let isRepeated: Bool

  /// The dimensions of what it reads; `nil` without an input.
  package let inputShape: [Int]?

  /// The dimensions of what it puts out; `nil` without an input.
  package let outputShape: [Int]?

  /// The window of a convolution or pool.
  package let kernel: Kernel?

  /// The parameters in it and in all that lies within it.
  package internal(set) var parameters: Int

  /// Those of ``parameters`` that training changes.
  package internal(set) var trainedParameters: Int

  /// The multiplications with an addition that it and all within it do; `nil` without an input.
  package internal(set) var multAdds: Int?

  /// The window of a convolution or pool.
  package enum Kernel: Hashable, Sendable {
    /// The height and width of a convolution's kernel.
    case convolution(Int)
    /// The height and width of a pool's window.
    case pool(Int)
  }
}
