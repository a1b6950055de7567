import Comparison
import ResNetV2

/// The shape that stands for an operation in the drawing, around the origin.
enum HTMLShape: CaseIterable {
  case product
  case norm
  case activation
  case pool
  case addition

  init(_ operation: Operation) {
    self =
      switch operation {
      case .convolution, .dense: .product
      case .norm, .adjust, .softmax: .norm
      case .activation: .activation
      case .maxPool, .averagePool, .globalAverage, .globalMaximum, .flatten, .subsample,
        .padChannels:
        .pool
      case .add, .input: .addition
      }
  }

  /// What the shape means, for the legend.
  var title: String {
    switch self {
    case .product: "convolution, dense"
    case .norm: "norm, softmax"
    case .activation: "ReLU and its like"
    case .pool: "pooling"
    case .addition: "addition"
    }
  }

  /// The outline.
  func markup(style: String) -> String {
    switch self {
    case .product:
      "<rect class=\"\(style)\" x=\"-12\" y=\"-9.5\" width=\"24\" height=\"19\" rx=\"3\"/>"
    case .norm: "<rect class=\"\(style)\" x=\"-12\" y=\"-7\" width=\"24\" height=\"14\" rx=\"7\"/>"
    case .activation: "<path class=\"\(style)\" d=\"M-11-6.5H11L6 6.5H-6Z\"/>"
    case .pool: "<path class=\"\(style)\" d=\"M-12-9H12L7 9H-7Z\"/>"
    case .addition: "<circle class=\"\(style)\" r=\"9\"/>"
    }
  }
}
