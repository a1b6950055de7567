import CKernelSupport

// What is done to the sums of a convolution before they are stored.
extension RNWEpilogue {
  /// Finishes and stores a vector of channels of one pixel.
  @inline(__always)
  func finish(_ sum: Vector, channel: Int, place: Int) {
    var value = sum
    if let bias { value += load(bias + channel) }
    if let scale, let shift {
      value = multiplyAdd(load(shift + channel), value, load(scale + channel))
    }
    if rectifies != 0 { value = rectified(value) }
    if let residual { value = load(residual + place) + value }
    if let output { store(value, output + place) }
    guard let activated else { return }
    if let nextScale, let nextShift {
      value = multiplyAdd(load(nextShift + channel), value, load(nextScale + channel))
    }
    if nextRectifies != 0 { value = rectified(value) }
    store(value, activated + place)
  }

  /// Finishes and stores some values of one pixel; what fills no vector gets the same operations and
  /// so the same bits.
  func finish(_ sums: UnsafePointer<Float>, count: Int, channel: Int, place: Int) {
    var index = 0
    while index + lanes <= count {
      finish(load(sums + index), channel: channel + index, place: place + index)
      index += lanes
    }
    while index < count {
      finish(sums[index], channel: channel + index, place: place + index)
      index += 1
    }
  }

  /// Finishes and stores the first values of a vector that is not full.
  func finish(_ sums: Vector, count: Int, channel: Int, place: Int) {
    for lane in 0..<count { finish(sums[lane], channel: channel + lane, place: place + lane) }
  }

  private func finish(_ sum: Float, channel: Int, place: Int) {
    var value = sum
    if let bias { value += bias[channel] }
    if let scale, let shift { value = multiplyAdd(shift[channel], value, scale[channel]) }
    if rectifies != 0 { value = rectified(value) }
    if let residual { value = residual[place] + value }
    if let output { output[place] = value }
    guard let activated else { return }
    if let nextScale, let nextShift {
      value = multiplyAdd(nextShift[channel], value, nextScale[channel])
    }
    if nextRectifies != 0 { value = rectified(value) }
    activated[place] = value
  }

  /// Asks for the memory that finishing one row of a tile will touch.
  @inline(__always)
  func prefetch(place: Int, width: Int) {
    var offset = 0
    while offset < width {
      if let residual { rnw_prefetch(residual + place + offset) }
      if let output { rnw_prefetch_to_write(output + place + offset) }
      if let activated { rnw_prefetch_to_write(activated + place + offset) }
      offset += 16
    }
  }
}
