public import Tensors

/// Why an input does not fit a network.
///
/// ```swift
/// do {
///   let output = try network.run(input)
/// } catch {
///   switch error.reason {
///   case .channels(let expected): print("give images of \(expected) channels")
///   case .tooSmall: print("give larger images")
///   default: print(error)
///   }
/// }
/// ```
public struct InputShapeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The rule that an input breaks.
  ///
  /// Later versions may add cases: a `switch` has a `default`.
  public enum Reason: Hashable, Sendable {
    /// It is no batch of images, [N, H, W, C].
    case rank
    /// There is no image, or one without pixels.
    case empty
    /// The images have other channels than the network reads.
    case channels(expected: Int)
    /// Nothing is left of an image on its way through the stages.
    case tooSmall
    /// The network flattens its feature map, so its images have one size.
    case flattened(height: Int, width: Int)
    /// There is no memory for the values of a layer.
    case tooLarge
  }

  /// The rule that is broken.
  public let reason: Reason

  /// The shape of the input.
  public let input: Shape

  /// The layer at which it does not fit, by its canonical name.
  public let node: String

  private let channels: Int

  /// What is wrong, in one line.
  public var description: String {
    let size =
      switch reason {
      case .tooLarge: "of a size that memory holds"
      case .flattened(let height, let width):
        "with an image that is \(height)×\(width) pixels when it is flattened"
      default: "with an image large enough to shrink through every stage"
      }
    return "an input of \(input) does not fit at \(node): expected N×H×W×\(channels), \(size)"
  }

  /// Finds the rule that an input breaks.
  init(_ input: Shape, at node: String, of configuration: Configuration) {
    let channels = configuration.input.channels
    reason =
      if input.rank != 4 {
        .rank
      } else if input.elementCount == 0 {
        .empty
      } else if input[3] != channels {
        .channels(expected: channels)
      } else if max(input[1], input[2]) > Operation.longestSide {
        .tooLarge
      } else if case .flatten(let height, let width, _) = configuration.head.pooling {
        .flattened(height: height, width: width)
      } else {
        .tooSmall
      }
    (self.input, self.node, self.channels) = (input, node, channels)
  }

  /// An input for which there is no memory.
  package init(tooLarge input: Shape, at node: String, channels: Int) {
    (reason, self.input, self.node, self.channels) = (.tooLarge, input, node, channels)
  }
}
