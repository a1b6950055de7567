/// The dimensions of a tensor, outermost first.
///
/// A shape always has a representable number of elements: every way to make one checks the product,
/// so no later code has to.
///
/// ```swift
/// let images: Shape = [1, 224, 224, 3]
/// guard let shape = Shape(validating: dimensions) else { return }  // dimensions that a user gave
/// print(shape, shape.rank, shape.elementCount)                     // 7×7×3×64 4 9408
/// ```
public struct Shape: Hashable, Sendable {
  /// The most dimensions a tensor may have; none of the formats read here needs more than four.
  public static let maximumRank = 32

  /// The extent of each dimension, outermost first; empty for a scalar.
  public let dimensions: [Int]

  /// The product of all dimensions; 1 for a scalar.
  public let elementCount: Int

  /// Makes a shape from trusted dimensions.
  ///
  /// Dimensions that come from a file go through ``init(validating:)`` instead.
  package init(_ dimensions: [Int]) {
    guard let shape = Shape(validating: dimensions) else {
      preconditionFailure("not a tensor shape: \(dimensions)")
    }
    self = shape
  }

  /// Makes a shape from dimensions that a file declares.
  ///
  /// Returns `nil` for a negative dimension, more than ``maximumRank`` dimensions, or a product
  /// that overflows; the product of the non-zero dimensions counts, so a zero cannot hide a huge
  /// one.
  public init?(validating dimensions: some Collection<Int>) {
    guard dimensions.count <= Shape.maximumRank else { return nil }
    var product = 1
    var hasZero = false
    for dimension in dimensions {
      guard dimension >= 0 else { return nil }
      if dimension == 0 {
        hasZero = true
        continue
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return nil }
      product = next
    }
    self.dimensions = Array(dimensions)
    self.elementCount = hasZero ? 0 : product
  }

  /// The number of dimensions.
  public var rank: Int { dimensions.count }

  /// The extent of one dimension, counted from the outermost.
  ///
  /// - Precondition: `axis` is at least 0 and less than ``rank``.
  public subscript(axis: Int) -> Int { dimensions[axis] }
}

extension Shape: ExpressibleByArrayLiteral {
  /// Makes a shape from literal dimensions.
  ///
  /// - Precondition: none is negative; dimensions that are not written in the program go through ``init(validating:)``.
  public init(arrayLiteral elements: Int...) {
    self.init(elements)
  }
}

extension Shape: CustomStringConvertible {
  /// The dimensions as `7×7×3×64`; `scalar` where there are none.
  public var description: String {
    dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "×")
  }
}
