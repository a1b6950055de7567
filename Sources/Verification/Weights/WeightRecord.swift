import Tensors

/// A comparison of weights as one JSON document.
package struct WeightRecord: Encodable, Sendable {
  private let schema = "rnw.diff/1"
  private let verdict: String
  private let files: [String]
  private let networks: [String]
  private let rounding: RoundingRecord?
  private let tensors: [TensorRecord]
  private let misshapen: [MisshapenRecord]
  private let onlyFirst: [LoneRecord]
  private let onlySecond: [LoneRecord]

  /// Makes the document.
  ///
  /// - Parameters:
  ///   - files: the two files, as they were named.
  ///   - networks: in what their networks differ, beside their weights.
  package init(_ comparison: WeightComparison, files: [String], networks: [String]) {
    verdict = comparison.areEqual ? "equal" : "different"
    self.files = files
    self.networks = networks
    rounding = comparison.rounding.map(RoundingRecord.init)
    tensors = comparison.tensors.map(TensorRecord.init)
    misshapen = comparison.misshapen.map {
      MisshapenRecord(name: $0.name, shapes: $0.shapes.map(\.dimensions))
    }
    onlyFirst = comparison.onlyFirst.map(LoneRecord.init)
    onlySecond = comparison.onlySecond.map(LoneRecord.init)
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
    let rounding: RoundingRecord?
    let finding: String?

    init(_ difference: WeightDifference) {
      name = difference.name
      fileNames = difference.fileNames
      shape = difference.shape.dimensions
      equal = difference.isEqual
      equalBits = difference.equalBits
      maxAbs = difference.statistics.maximum
      scaledError = difference.statistics.scaledError
      cosine = difference.statistics.cosine
      rounding = difference.rounding.map(RoundingRecord.init)
      finding = difference.finding
    }

    enum CodingKeys: CodingKey {
      case name, fileNames, shape, equal, equalBits, maxAbs, scaledError, cosine, rounding, finding
    }

    // Every key is always there, with `null` where it has no value.
    func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(name, forKey: .name)
      try values.encode(fileNames, forKey: .fileNames)
      try values.encode(shape, forKey: .shape)
      try values.encode(equal, forKey: .equal)
      try values.encode(equalBits, forKey: .equalBits)
      try values.encode(maxAbs, forKey: .maxAbs)
      try values.encode(scaledError, forKey: .scaledError)
      try values.encode(cosine, forKey: .cosine)
      try values.encode(rounding, forKey: .rounding)
      try values.encode(finding, forKey: .finding)
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
    let renamed: String?

    init(_ tensor: WeightComparison.Lone) {
      name = tensor.name
      fileName = tensor.fileName
      shape = tensor.shape.dimensions
      renamed = tensor.renamed
    }
  }
}
