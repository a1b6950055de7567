import Tensors

/// In which way the values of a tensor were changed.
struct ValueChange {
  private let old: [Float]
  private let new: [Float]
  private let shape: Shape
  private let tolerance: Double

  /// - Precondition: both have the same shape.
  ///
  /// - Parameters:
  ///   - old: what the values should be.
  ///   - new: what they are.
  ///   - tolerance: up to which scaled difference values count as the same.
  init(from old: TensorData, to new: TensorData, tolerance: Double = 1e-6) {
    precondition(old.shape == new.shape)
    self.old = old.floats()
    self.new = new.floats()
    shape = old.shape
    self.tolerance = tolerance
  }

  /// Whether one thing was done to all values.
  var isSimple: Bool {
    new.allSatisfy { $0 == 0 } || permutedAxis != nil || factor != nil || offset != nil
  }

  /// What was done, following the tensor's word.
  var explanation: String {
    if let first = new.firstIndex(where: { !$0.isFinite }) {
      let count = new.count { !$0.isFinite }
      return "has \(counted(count, "value")) that \(count == 1 ? "is" : "are") NaN or infinite, "
        + shape.place(of: first, among: count)
    }
    if new.allSatisfy({ $0 == 0 }) { return "is missing: all values are zero" }
    if let axis = permutedAxis { return "has its \(axis)channels in another order" }
    if let factor { return "is \(readable(factor, digits: 4)) × what it should be" }
    if let offset { return "is off by \(readable(offset, digits: 3)) everywhere" }
    let scale = tolerance * Double(old.map(\.magnitude).max() ?? 0)
    let changed = zip(old, new).count { (Double($0) - Double($1)).magnitude > scale }
    let error = DifferenceStatistics(new, old).scaledError
    return "differs in \(changed) of \(counted(new.count, "value")), by up to "
      + "\(readable(error)) of the largest"
  }

  /// The constant by which all values were multiplied.
  private var factor: Double? {
    guard let index = old.indices.max(by: { old[$0].magnitude < old[$1].magnitude }),
      old[index] != 0
    else { return nil }
    let factor = Double(new[index]) / Double(old[index])
    let scaled = old.map { Float(Double($0) * factor) }
    return DifferenceStatistics(new, scaled).scaledError <= tolerance ? factor : nil
  }

  /// The constant that was added to all values.
  private var offset: Double? {
    let offset = zip(old, new).map { Double($1) - Double($0) }.reduce(0, +) / Double(old.count)
    let moved = old.map { Float(Double($0) + offset) }
    return DifferenceStatistics(new, moved).scaledError <= tolerance ? offset : nil
  }

  /// Which channels have the same values in another order.
  private var permutedAxis: String? {
    guard shape.rank >= 1, shape[0] > 1 else { return nil }
    if sameSlices(axis: 0) { return shape.rank == 1 ? "" : "output " }
    return shape.rank > 1 && sameSlices(axis: 1) ? "input " : nil
  }

  /// Whether each slice along an axis is, up to the tolerance, one of the other's, each used once.
  private func sameSlices(axis: Int) -> Bool {
    let found = slices(new, axis)
    let allowed = Float(tolerance * Double(old.map(\.magnitude).max() ?? 0))
    var rest = Array(found.indices)
    for slice in slices(old, axis) {
      let place = rest.firstIndex { index in
        zip(found[index], slice).allSatisfy { ($0 - $1).magnitude <= allowed }
      }
      guard let place else { return false }
      rest.swapAt(place, rest.count - 1)
      rest.removeLast()
    }
    return true
  }

  private func slices(_ values: [Float], _ axis: Int) -> [[Float]] {
    let inner = shape.dimensions.dropFirst(axis + 1).reduce(1, *)
    let outer = shape.dimensions.prefix(axis).reduce(1, *)
    return (0..<shape[axis]).map { index in
      (0..<outer).flatMap { block in
        let start = (block * shape[axis] + index) * inner
        return values[start..<start + inner]
      }
    }
  }
}

extension Shape {
  /// Where in a parameter a value is, in words that hold in every framework's layout.
  ///
  /// - Parameters:
  ///   - index: the value's place in the graph's layout, output channels first.
  ///   - count: how many such values there are; the one at the index is the first.
  package func place(of index: Int, among count: Int) -> String {
    guard rank > 0, elementCount > 0 else { return "the only one" }
    let channel = index / (elementCount / self[0])
    return (count == 1 ? "" : "the first ") + (rank > 1 ? "in output channel " : "in channel ")
      + String(channel)
  }
}

extension DifferenceStatistics {
  fileprivate init(_ candidate: [Float], _ reference: [Float]) {
    self = candidate.withUnsafeBufferPointer { candidate in
      reference.withUnsafeBufferPointer { reference in
        DifferenceStatistics(candidate: candidate, reference: reference, limit: .infinity)
      }
    }
  }
}
