/// What a network does to its images before anything else: x · scale + offset per channel, of x with its
/// channels in reverse order where asked.
///
/// Computed in Double and rounded once, by both executors.
package struct Adjustment: Sendable {
  /// The number of channels.
  package let channels: Int
  private let scale: [Double]
  private let offset: [Double]
  private let reversesChannels: Bool

  /// Describes an adjustment; empty lists are 1 and 0.
  package init(channels: Int, scale: [Double], offset: [Double], reversesChannels: Bool) {
    self.channels = channels
    self.scale = scale.isEmpty ? [Double](repeating: 1, count: channels) : scale
    self.offset = offset.isEmpty ? [Double](repeating: 0, count: channels) : offset
    self.reversesChannels = reversesChannels
  }

  /// Does it to some pixels.
  func apply(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, pixels: Int
  ) {
    for channel in 0..<channels {
      let (scale, offset) = (scale[channel], offset[channel])
      var source = reversesChannels ? channels - 1 - channel : channel
      var target = channel
      for _ in 0..<pixels {
        output[target] = Float(Double(input[source]) * scale + offset)
        source += channels
        target += channels
      }
    }
  }
}
