/// How the differences of a layer are spread: by size and sign, and over the channels.
///
/// For drawing, not for judging: sizes are known to a power of two. Like the statistics it consists
/// of counts and maxima, so that details of parts can be merged.
package struct DifferenceDetail: Hashable, Sendable {
  /// The largest |a − b| of each channel; infinite where a pair has no difference.
  package private(set) var channelMaxima: [Float]

  /// The number of pairs by the upper nine bits of the float32 a − b: its sign and exponent.
  private var counts = [Int](repeating: 0, count: 512)

  /// Details of one part, whose channels are innermost.
  ///
  /// - Precondition: both buffers have the same number of values, a multiple of the channels.
  init(
    candidate: UnsafeBufferPointer<Float>, reference: UnsafeBufferPointer<Float>, channels: Int
  ) {
    precondition(candidate.count == reference.count)
    channelMaxima = [Float](repeating: 0, count: channels)
    guard channels > 0, let candidate = candidate.baseAddress,
      let start = reference.baseAddress
    else { return }
    precondition(reference.count.isMultiple(of: channels))
    channelMaxima.withUnsafeMutableBufferPointer { maxima in
      counts.withUnsafeMutableBufferPointer { counts in
        for pixel in stride(from: 0, to: reference.count, by: channels) {
          for channel in 0..<channels {
            let a = candidate[pixel + channel]
            let b = start[pixel + channel]
            let difference = a - b
            let magnitude = difference.magnitude
            if magnitude > maxima[channel] { maxima[channel] = magnitude }
            counts[Int(difference.bitPattern >> 23)] &+= 1
          }
        }
      }
    }
    if counts[255] + counts[511] > 0 { recount(candidate, start, count: reference.count) }
  }

  /// Adds the details of the part that follows.
  mutating func merge(_ next: DifferenceDetail) {
    guard channelMaxima.count == next.channelMaxima.count else { return }
    for channel in channelMaxima.indices {
      channelMaxima[channel] = max(channelMaxima[channel], next.channelMaxima[channel])
    }
    for index in counts.indices { counts[index] += next.counts[index] }
  }

  /// Pairs without a finite difference: equal ones count as such, the others break their channel.
  private mutating func recount(
    _ candidate: UnsafePointer<Float>, _ reference: UnsafePointer<Float>, count: Int
  ) {
    for index in 0..<count {
      let a = candidate[index]
      let b = reference[index]
      let difference = a - b
      guard !difference.isFinite else { continue }
      if a == b || a.isNaN && b.isNaN {
        counts[Int(difference.bitPattern >> 23)] -= 1
        counts[0] += 1
      } else {
        channelMaxima[index % channelMaxima.count] = .infinity
      }
    }
  }
}

extension DifferenceDetail {
  /// The number of pairs whose difference is below 2⁻¹²⁶, nearly always zero.
  package var equal: Int { counts[0] + counts[256] }

  /// The number of pairs without a finite difference.
  package var broken: Int { counts[255] + counts[511] }

  /// The number of pairs with 2ⁿ ≤ |a − b| < 2ⁿ⁺¹, by sign of a − b, for each n from the first to
  /// the last that occurs.
  package var sizes: (first: Int, above: [Int], below: [Int]) {
    let used = (1..<255).filter { counts[$0] + counts[256 + $0] > 0 }
    guard let first = used.first, let last = used.last else { return (0, [], []) }
    return (first - 127, Array(counts[first...last]), Array(counts[(256 + first)...(256 + last)]))
  }
}
