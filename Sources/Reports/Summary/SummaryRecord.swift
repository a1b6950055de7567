import ResNetV2

/// A summary as a JSON document.
///
/// Every key is always there, `null` where it has no value.
package struct SummaryRecord: Encodable, Sendable {
  private let summary: Summary
  private let depth: Int

  /// The version of the document: rises when a key changes its meaning or goes.
  package static let schema = "rnw.summary/1"

  /// Makes a document.
  ///
  /// - Parameters:
  ///   - summary: what is written.
  ///   - depth: the depth below which modules are left out; the totals count them all the same.
  package init(_ summary: Summary, depth: Int = 3) {
    self.summary = summary
    self.depth = depth
  }

  private enum Key: String, CodingKey {
    case schema
    case totalParameters
    case trainableParameters
    case nonTrainableParameters
    case multAdds
    case inputBytes
    case forwardBackwardBytes
    case parameterBytes
    case totalBytes
    case rows
  }

  /// Writes the document.
  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(Self.schema, forKey: .schema)
    try values.encode(summary.totalParameters, forKey: .totalParameters)
    try values.encode(summary.trainableParameters, forKey: .trainableParameters)
    try values.encode(
      summary.totalParameters - summary.trainableParameters, forKey: .nonTrainableParameters)
    try values.encode(summary.pass?.multAdds, forKey: .multAdds)
    try values.encode(summary.pass?.inputBytes, forKey: .inputBytes)
    try values.encode(summary.pass?.valueBytes, forKey: .forwardBackwardBytes)
    try values.encode(summary.pass?.parameterBytes, forKey: .parameterBytes)
    try values.encode(summary.pass?.totalBytes, forKey: .totalBytes)
    try values.encode(
      summary.rows.filter { $0.depth <= depth }.map(RowRecord.init), forKey: .rows)
  }
}

/// One row of the document; the counts include all that lies within the module.
private struct RowRecord: Encodable {
  private let row: SummaryRow

  init(_ row: SummaryRow) {
    self.row = row
  }

  private enum Key: String, CodingKey {
    case depth
    case index
    case type
    case name
    case inputShape
    case outputShape
    case kernel
    case parameters
    case trainableParameters
    case multAdds
    case leaf
    case repeated
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(row.depth, forKey: .depth)
    try values.encode(row.index, forKey: .index)
    try values.encode(row.className, forKey: .type)
    try values.encode(row.name, forKey: .name)
    try values.encode(row.inputShape, forKey: .inputShape)
    try values.encode(row.outputShape, forKey: .outputShape)
    try values.encode(row.kernel?.sizes, forKey: .kernel)
    try values.encode(row.parameters, forKey: .parameters)
    try values.encode(row.trainedParameters, forKey: .trainableParameters)
    try values.encode(row.multAdds, forKey: .multAdds)
    try values.encode(row.isLeaf, forKey: .leaf)
    try values.encode(row.isRepeated, forKey: .repeated)
  }
}

extension SummaryRow.Kernel {
  fileprivate var sizes: [Int] {
    switch self {
    case .convolution(let size), .pool(let size): [size, size]
    }
  }
}
