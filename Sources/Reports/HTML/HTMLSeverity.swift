import Comparison

/// How bad an error is, in classes that have a colour.
enum HTMLSeverity: Int, CaseIterable {
  case equal
  case noise
  case small
  case within
  case over
  case far
  case broken

  init(_ layer: LayerComparison) {
    self =
      switch layer.timesLimit {
      case 0: .equal
      case ...0.1: .noise
      case ...0.5: .small
      case ...1: .within
      case ...10: .over
      case ...1000: .far
      default: .broken
      }
  }

  /// The class of the style sheet.
  var style: String { "s\(rawValue)" }

  /// What the colour means, for the legend.
  var title: String {
    switch self {
    case .equal: "equal bits"
    case .noise: "up to 0.1 × limit"
    case .small: "up to 0.5 × limit"
    case .within: "within limit"
    case .over: "up to 10 × limit"
    case .far: "up to 1000 × limit"
    case .broken: "more, or not finite"
    }
  }
}
