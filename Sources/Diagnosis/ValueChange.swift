import Comparison
import Plain
import Tensors

/// In which way the values of a tensor were changed.
struct ValueChange {
  private let old: [Float]
  private let new: [Float]
  private let shape: Shape
  private let tolerance: Double
  private let words: (inputs: String, outputs: String)

  /// - Precondition: both have the same shape.
  ///
  /// - Parameters:
  ///   - old: what the values should be.
  ///   - new: what they are.
  ///   - tolerance: up to which scaled difference values count as the same.
  ///   - words: what the channels of a kernel or matrix are called.
  init(
    from old: TensorData, to new: TensorData, tolerance: Double = 1e-6,
    words: (inputs: String, outputs: String) = ("input channels", "output channels")
  ) {
    precondition(old.shape == new.shape)
    self.old = old.floats()
    self.new = new.floats()
    shape = old.shape
    self.tolerance = tolerance
    self.words = words
  }

  /// Whether one thing was done to all values.
  var isSimple: Bool { rule != nil }

  /// What was done, following the tensor's word.
  var explanation: String {
    if let first = new.firstIndex(where: { !$0.isFinite }) {
      let count = new.count { !$0.isFinite }
      return "has \(counted(count, "value")) that \(count == 1 ? "is" : "are") NaN or infinite, "
        + shape.place(of: first, among: count)
    }
    if let rule { return rule }
    let scale = tolerance * Double(old.map(\.magnitude).max() ?? 0)
    let changed = zip(old, new).count { (Double($0) - Double($1)).magnitude > scale }
    let error = DifferenceStatistics(new, old).scaledError
    return "differs in \(changed) of \(counted(new.count, "value")), by up to "
      + "\(readable(error)) of the largest"
  }

  /// The simplest thing that was done to all values; `nil` where none was.
  private var rule: String? {
    if new.allSatisfy({ $0 == 0 }) { return "is missing: all values are zero" }
    if let order = channelOrder {
      return "has its \(order.word) in another order: \(order.order.explanation)"
    }
    if let factor { return "is \(readable(factor, digits: 4)) × what it should be" }
    if let offset { return "is off by \(readable(offset, digits: 3)) everywhere" }
    if shape.rank <= 1, let power { return power.explanation }
    if new.count > 1, let first = new.first, new.allSatisfy({ $0 == first }) {
      return "is \(readable(Double(first))) everywhere, as a tensor that was never loaded"
    }
    if isGrey { return "is the same for all input channels (grey)" }
    let rounding = ValueRounding(from: old, to: new, shape: shape, tolerance: tolerance)
    return rounding.map { "is \($0.explanation)" }
  }

  /// The order of the channels, and what they are called; `nil` where they are no others'.
  var channelOrder: (order: ChannelOrder, word: String, isOutput: Bool)? {
    guard shape.rank >= 1, shape[0] > 1 else { return nil }
    if let order = order(axis: 0), !order.isIdentity {
      return (order, shape.rank == 1 ? "channels" : words.outputs, true)
    }
    guard shape.rank > 1, let order = order(axis: 1), !order.isIdentity else { return nil }
    return (order, words.inputs, false)
  }

  /// The power of the right values that stands in their place.
  private var power: PowerMistake? {
    guard old.allSatisfy({ $0 > 0 }) else { return nil }
    return PowerMistake.allCases.first { mistake in
      let undone = new.map { Float(mistake.undone(on: Double($0))) }
      return DifferenceStatistics(undone, old).scaledError <= max(tolerance, 3e-5)
    }
  }

  /// Whether a kernel has the same values for every input channel, and should not have.
  private var isGrey: Bool {
    shape.rank == 4 && new.isGrey(shape) && !old.isGrey(shape)
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

  /// The order in which the slices along an axis are, up to the tolerance, those that should be there.
  private func order(axis: Int) -> ChannelOrder? {
    let (found, right) = (slices(new, axis), slices(old, axis))
    let allowed = Float(tolerance * Double(old.map(\.magnitude).max() ?? 0))
    func sum(_ slice: [Float]) -> Double { slice.reduce(0) { $0 + Double($1) } }
    let sums = (found.map(sum), right.map(sum))
    return ChannelOrder.matching(
      shape[axis], key: { $1 ? sums.1[$0] : sums.0[$0] },
      tolerance: Double(allowed) * Double(right.first?.count ?? 0)
    ) { place, channel in
      zip(found[place], right[channel]).allSatisfy { ($0 - $1).magnitude <= allowed }
    }
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

extension [Float] {
  /// Whether a kernel [O, I, H, W] of several input channels has the same values for each of them.
  func isGrey(_ shape: Shape) -> Bool {
    guard shape.rank == 4, shape[1] > 1 else { return false }
    let window = shape[2] * shape[3]
    return indices.allSatisfy { index in
      let first = index / (shape[1] * window) * shape[1] * window + index % window
      return (self[index] - self[first]).magnitude <= 1e-6 * self[first].magnitude
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
