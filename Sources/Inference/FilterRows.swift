import Synchronization
package import Tensors

/// The filters of a layer as they are multiplied, for those who look at some of them: only these are read and
/// standardised, and let go soon after.
package final class FilterRows: Sendable {
  private let tensor: TensorData
  private let epsilon: Double?
  private let releases: Bool

  /// The blocks that were looked at last: whoever goes over the channels comes back for the next, and for their partners
  /// in the other half.
  private let known = Mutex<[(index: Int, values: [Float])]>([])
  private static let blockFilters = 8
  private static let mostKnown = 2

  /// - Parameters:
  ///   - tensor: [output, input, …].
  ///   - epsilon: that of standardised filters.
  package init(_ tensor: TensorData, standardization epsilon: Double?) {
    releases = tensor.isDeferred
    self.tensor = tensor.made.asFloat32()
    self.epsilon = epsilon
  }

  /// The weights of one output channel.
  package func filter(_ channel: Int) -> ArraySlice<Float> {
    let index = channel / Self.blockFilters
    let values = known.withLock { known in
      if let block = known.first(where: { $0.index == index }) { return block.values }
      let values = block(index)
      known = [(index, values)] + known.prefix(Self.mostKnown - 1)
      return values
    }
    let start = (channel - index * Self.blockFilters) * length
    return values[start..<start + length]
  }

  private var length: Int { tensor.shape.elementCount / tensor.shape[0] }

  private func block(_ index: Int) -> [Float] {
    let first = index * Self.blockFilters
    let filters = min(Self.blockFilters, tensor.shape[0] - first)
    // All of it: the system maps the pages around those that are touched.
    defer { if releases { tensor.releasePages() } }
    return tensor.withFloats { values in
      let block = values[first * length..<(first + filters) * length]
      guard let epsilon, let start = values.baseAddress else { return Array(block) }
      return [Float](unsafeUninitializedCapacity: block.count) { buffer, count in
        if let target = buffer.baseAddress {
          standardize(
            start + block.startIndex, filters: filters, length: length, epsilon: epsilon,
            to: target)
        }
        count = block.count
      }
    }
  }
}
