import Comparison

/// Values in the order of one layout that were taken for those of another.
struct LayoutMistake: Hashable {
  /// The order that the values are in.
  let actual: AxisLayout
  /// The order in which they were taken.
  let expected: AxisLayout

  /// The mistake in words, following the tensor's.
  var explanation: String {
    let isFortran = actual.axes == expected.axes.reversed()
    return "has values in the order \(actual.words)"
      + (isFortran ? " (Fortran's order, C's belongs)" : "")
      + (actual.axes.count == 4 && !isFortran
        ? " (\(actual.letters) where \(expected.letters) belongs)" : "")
  }

  /// The same of many kernels.
  func explanation(of kernels: String) -> String {
    "\(kernels) look like \(actual.letters) where \(expected.letters) belongs"
  }

  /// Every mistake with kernels (rank 4) or matrices (rank 2), the likeliest first.
  static func all(rank: Int) -> [LayoutMistake] {
    let layouts = layouts(rank: rank)
    return layouts.prefix(2).flatMap { expected in
      layouts.filter { $0 != expected }.map { LayoutMistake(actual: $0, expected: expected) }
    }
  }

  /// The orders of frameworks' kernels or matrices, then all others.
  static func layouts(rank: Int) -> [AxisLayout] {
    guard rank == 4 else { return rank == 2 ? ["OI", "IO"].map(AxisLayout.init) : [] }
    let known = ["OIHW", "HWIO", "OHWI", "IOHW", "HWOI", "IHWO"]
    func orders(_ rest: String) -> [String] {
      guard !rest.isEmpty else { return [""] }
      return rest.flatMap { first in orders(rest.filter { $0 != first }).map { "\(first)\($0)" } }
    }
    return (known + orders("OIHW").filter { !known.contains($0) }).map(AxisLayout.init)
  }

  /// What it does to a tensor of a size.
  ///
  /// - Parameter isMade: whether the tensor is right, and the mistake is to be made rather than undone.
  func rearrangement(_ sizes: Rearrangement.Sizes, isMade: Bool = false) -> Rearrangement {
    let (from, to) = isMade ? (expected, actual) : (actual, expected)
    return Rearrangement(explanation, sizes, layouts: self) {
      to.standardIndex(of: from.index($0, $1, $2, $3, sizes), sizes)
    }
  }
}

/// The order of the axes of a kernel (O, I, H, W) or matrix (O, I), the outermost first.
struct AxisLayout: Hashable {
  let axes: [Axis]

  enum Axis: Character, CaseIterable {
    case output = "O"
    case input = "I"
    case height = "H"
    case width = "W"
  }

  init(_ letters: String) {
    axes = letters.compactMap(Axis.init)
  }

  var letters: String { String(axes.map(\.rawValue)) }

  var words: String { axes.map { "\($0)" }.joined(separator: ", ") }

  /// The place of a value in this order.
  func index(
    _ output: Int, _ input: Int, _ y: Int, _ x: Int, _ sizes: Rearrangement.Sizes
  ) -> Int {
    var result = 0
    for axis in axes {
      switch axis {
      case .output: result = result * sizes.outputs + output
      case .input: result = result * sizes.inputs + input
      case .height: result = result * sizes.height + y
      case .width: result = result * sizes.width + x
      }
    }
    return result
  }

  /// The place in the order OIHW of the value at a place in this order.
  func standardIndex(of place: Int, _ sizes: Rearrangement.Sizes) -> Int {
    var rest = place
    var (output, input, y, x) = (0, 0, 0, 0)
    for axis in axes.reversed() {
      switch axis {
      case .output: (rest, output) = rest.quotientAndRemainder(dividingBy: sizes.outputs)
      case .input: (rest, input) = rest.quotientAndRemainder(dividingBy: sizes.inputs)
      case .height: (rest, y) = rest.quotientAndRemainder(dividingBy: sizes.height)
      case .width: (rest, x) = rest.quotientAndRemainder(dividingBy: sizes.width)
      }
    }
    return sizes.index(output, input, y, x)
  }
}
