import Inference
import Tensors

/// How an engine lays out one value of a layer.
enum ArrayLayout: Hashable {
  /// [N, H, W, C] or [N, C], as values are here.
  case channelsLast
  /// [N, C, H, W].
  case channelsFirst
  /// The features [N, C] as an image of one pixel, or an image of one pixel as features.
  case onePixel

  /// The layouts in which an array holds a value, the likelier first; none where it has another shape.
  ///
  /// One image may be without its axis.
  static func all(of array: Shape, for value: Shape) -> [ArrayLayout] {
    var sizes = array.dimensions
    if sizes.count == value.rank - 1, value.rank > 2, value[0] == 1 { sizes.insert(1, at: 0) }
    guard array.elementCount == value.elementCount, let images = sizes.first,
      images == value.dimensions.first || sizes.count == 1 && value[0] == 1
    else { return [] }
    var result: [ArrayLayout] = []
    if sizes == value.dimensions { result.append(.channelsLast) }
    if sizes.count == 4, value.rank == 4,
      sizes == [value[0], value[3], value[1], value[2]]
    {
      result.append(.channelsFirst)
    }
    let channels = value.dimensions.last ?? 0
    if result.isEmpty, value.elementCount == value[0] * channels, sizes.contains(channels) {
      result.append(.onePixel)
    }
    return result
  }

  /// The axis of the channels, which a scale of several values lies along.
  func channelAxis(rank: Int) -> Int {
    max(self == .channelsFirst ? rank - 3 : rank - 1, 0)
  }

  /// In which layout values are, where images are among them.
  static func remark(of layouts: some Sequence<ArrayLayout>, hasImages: Bool) -> String? {
    guard hasImages else { return nil }
    return layouts.contains(.channelsFirst)
      ? "the values are in the order N, C, H, W" : "the values are in the order N, H, W, C"
  }

  /// A value from an array's elements.
  func activation(_ values: [Float], for shape: Shape) -> Activation {
    guard self == .channelsFirst else { return Activation(shape: shape, values: values) }
    return Activation(
      channelsFirst: [shape[0], shape[3], shape[1], shape[2]], values: values)
  }
}
