package import Comparison
package import Tensors

/// A tensor of one of two files that are compared.
package struct ComparedTensor: Sendable {
  /// The name by which it is paired with a tensor of the other file.
  package let name: String
  /// What the file itself calls it.
  package let fileName: String
  /// The values.
  package let tensor: TensorData

  /// Describes a tensor.
  package init(name: String, fileName: String, tensor: TensorData) {
    self.name = name
    self.fileName = fileName
    self.tensor = tensor
  }
}

/// How a tensor of the first file differs from that of the second with the same name.
package struct WeightDifference: Sendable {
  /// The name that both have.
  package let name: String
  /// What the files themselves call it, first and second.
  package let fileNames: [String]
  /// The dimensions.
  package let shape: Shape
  /// The differences, in units of the second file's values.
  package let statistics: DifferenceStatistics
  /// How many values are the same to the bit.
  package let equalBits: Int
  /// Which side is what the other becomes in a narrower type.
  package let rounding: Rounding?
  /// What was done to the tensor, where that is one thing, such as `its output channels are in another
  /// order`.
  package internal(set) var finding: String?

  /// Whether all values are the same to the bit.
  package var isEqual: Bool { equalBits == shape.elementCount }

  /// One side is the other, rounded to the nearest value of a type.
  package struct Rounding: Hashable, Sendable {
    /// Whether it is the first file that was rounded.
    package let isFirst: Bool
    /// The type.
    package let type: DType

    /// What it means, in a few words.
    package var explanation: String {
      isFirst
        ? "the first is the second, rounded to \(type.name)"
        : "the second is the first, rounded to \(type.name)"
    }
  }
}

extension WeightDifference {
  /// Compares two tensors of the same shape.
  init(_ first: ComparedTensor, _ second: ComparedTensor) {
    let (a, b) = (first.tensor.asFloat32(), second.tensor.asFloat32())
    name = first.name
    fileNames = [first.fileName, second.fileName]
    shape = a.shape
    let (statistics, equalBits) = a.withFloats { a in
      b.withFloats { b in
        (
          DifferenceStatistics(candidate: a, reference: b, limit: .infinity),
          zip(a, b).count { $0.bitPattern == $1.bitPattern }
        )
      }
    }
    self.statistics = statistics
    self.equalBits = equalBits
    guard equalBits < a.shape.elementCount else {
      rounding = nil
      return
    }
    rounding = Rounding(a, b)
    guard rounding == nil else { return }
    // The same values in another order have the same sum of bits: few tensors are looked at closer.
    let orders = a.sumOfBits == b.sumOfBits ? Rearrangement.all(for: shape) : []
    if let rearrangement = orders.first(where: { $0.undone(on: a).hasSameBits(as: b) }) {
      finding = rearrangement.explanation
    } else {
      let change = ValueChange(from: b, to: a)
      finding = statistics.nonFinite.mismatched > 0 || change.isSimple ? change.explanation : nil
    }
  }
}

extension WeightDifference.Rounding {
  /// The narrowest type that explains a difference: it is looked for from the widest on, as what was
  /// rounded to a wide one is not what a narrow one gives.
  init?(_ first: TensorData, _ second: TensorData) {
    for type in [DType.float16, .bfloat16, .int8] {
      for (isFirst, rounded, exact) in [(true, first, second), (false, second, first)] {
        guard let expected = try? exact.rounded(to: type), expected.hasSameBits(as: rounded) else {
          continue
        }
        self.init(isFirst: isFirst, type: type)
        return
      }
    }
    return nil
  }
}

extension TensorData {
  fileprivate var sumOfBits: UInt64 {
    withFloats { $0.reduce(0) { $0 &+ UInt64($1.bitPattern) } }
  }
}
