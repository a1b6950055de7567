/// How a program lays out the value of a layer.
public enum LayerLayout: Hashable, Sendable, CaseIterable {
  /// [N, H, W, C], as Keras has it.
  case channelsLast
  /// [N, C, H, W], as PyTorch has it.
  case channelsFirst
}

/// The shape of a layer's value for one image: [1, H, W, C], or [1, C] of features.
package struct LayerShape: Hashable, Sendable {
  /// The sizes.
  package let dimensions: [Int]
  /// H · W, or 1 of features.
  let pixels: Int
  /// C.
  let channels: Int

  /// The number of values.
  package var count: Int { pixels * channels }

  /// The most values that a layer may have.
  private static let maximumCount = 1 << 29

  /// `nil` where a layer cannot have that shape.
  package init?(_ dimensions: [Int]) {
    guard [2, 4].contains(dimensions.count), dimensions.first == 1,
      dimensions.allSatisfy({ (1...Self.maximumCount).contains($0) })
    else { return nil }
    var count = 1
    for size in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow, product <= Self.maximumCount else { return nil }
      count = product
    }
    self.dimensions = dimensions
    channels = dimensions[dimensions.count - 1]
    pixels = count / channels
  }

  /// The sizes in a layout.
  package func dimensions(in layout: LayerLayout) -> [Int] {
    guard layout == .channelsFirst, dimensions.count == 4 else { return dimensions }
    return [1, dimensions[3], dimensions[1], dimensions[2]]
  }
}
