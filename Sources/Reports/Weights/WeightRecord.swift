import Comparison
package import Diagnosis
import Tensors

/// A comparison of weights as one JSON document.
package struct WeightRecord: Encodable, Sendable {
  private let schema = "rnw.diff/1"
  private let verdict: String
  private let files: [String]
  private let weightsEqual: Bool
  @Nullable private var rounding: RoundingRecord?
  private let networks: [OptionRecord]
  private let tensors: [TensorRecord]
  private let misshapen: [MisshapenRecord]
  private let onlyFirst: [LoneRecord]
  private let onlySecond: [LoneRecord]

  /// Makes the document.
  ///
  /// - Parameter files: the two files, as they were named.
  package init(_ comparison: WeightComparison, files: [String]) {
    verdict = comparison.areEqual ? "equal" : "different"
    self.files = files
    weightsEqual = comparison.weightsAreEqual
    networks = comparison.options.map(OptionRecord.init)
    rounding = comparison.rounding.map(RoundingRecord.init)
    tensors = comparison.tensors.map(TensorRecord.init)
    misshapen = comparison.misshapen.map {
      MisshapenRecord(name: $0.name, shapes: $0.shapes.map(\.dimensions))
    }
    onlyFirst = comparison.onlyFirst.map(LoneRecord.init)
    onlySecond = comparison.onlySecond.map(LoneRecord.init)
  }

  private struct OptionRecord: Encodable, Sendable {
    let option: String
    @Nullable var first: String?
    @Nullable var second: String?

    init(_ option: WeightComparison.DifferingOption) {
      self.option = option.name
      first = option.first
      second = option.second
    }
  }

  private struct RoundingRecord: Encodable, Sendable {
    /// `first` or `second`.
    let rounded: String
    let type: String

    init(_ rounding: WeightDifference.Rounding) {
      rounded = rounding.isFirst ? "first" : "second"
      type = rounding.type.name
    }
  }

  private struct TensorRecord: Encodable, Sendable {
    let name: String
    let fileNames: [String]
    let shape: [Int]
    let equal: Bool
    let equalBits: Int
    let maxAbs: Double
    let scaledError: Double
    let cosine: Double
    @Nullable var rounding: RoundingRecord?
    @Nullable var finding: String?

    init(_ difference: WeightDifference) {
      name = difference.name
      fileNames = difference.fileNames
      shape = difference.shape.dimensions
      equal = difference.isEqual
      equalBits = difference.equalBits
      maxAbs = difference.statistics.maximumDifference
      scaledError = difference.statistics.scaledError
      cosine = difference.statistics.cosine
      rounding = difference.rounding.map(RoundingRecord.init)
      finding = difference.finding
    }
  }

  private struct MisshapenRecord: Encodable, Sendable {
    let name: String
    let shapes: [[Int]]
  }

  private struct LoneRecord: Encodable, Sendable {
    let name: String
    let fileName: String
    let shape: [Int]
    @Nullable var renamed: String?

    init(_ tensor: WeightComparison.Lone) {
      name = tensor.name
      fileName = tensor.fileName
      shape = tensor.shape.dimensions
      renamed = tensor.renamed
    }
  }
}

/// A value whose key is always there, with `null` where it has none.
@propertyWrapper
private struct Nullable<Value: Encodable & Sendable>: Encodable, Sendable {
  var wrappedValue: Value?

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
  }
}
