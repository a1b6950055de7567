package import Tensors

extension SummaryRow {
  /// A layer of a flat list.
  package init(
    className: String, name: String, isRepeated: Bool, inputShape: [Int]?, outputShape: [Int]?,
    parameters: Int, trainedParameters: Int, multAdds: Int
  ) {
    self.init(
      depth: 1, index: 1, className: className, name: name, part: nil, isLeaf: true,
      isRepeated: isRepeated,
      inputShape: inputShape, outputShape: outputShape, kernel: nil, parameters: parameters,
      trainedParameters: trainedParameters, multAdds: multAdds)
  }
}

extension Summary {
  /// Summarises a flat list of layers, of a network that is no graph of this program's.
  ///
  /// - Parameters:
  ///   - className: what the whole is, and `name` what it is called.
  ///   - input: what shapes and work are for.
  package init(
    layers: [SummaryRow], className: String, name: String, input: Shape, output: Shape?
  ) {
    func sum(_ values: [Int]) -> Int {
      values.reduce(0) { total, value in
        let (sum, overflow) = total.addingReportingOverflow(value)
        return overflow ? .max : sum
      }
    }
    let parameters = sum(layers.map(\.parameters))
    let trained = sum(layers.map(\.trainedParameters))
    let multAdds = sum(layers.map { $0.multAdds ?? 0 })
    let values = sum(
      layers.filter { $0.parameters > 0 }.map { $0.outputShape?.reduce(1, *) ?? 0 })
    let whole = SummaryRow(
      depth: 0, index: 1, className: className, name: name, part: nil, isLeaf: false,
      isRepeated: false,
      inputShape: input.dimensions, outputShape: output?.dimensions, kernel: nil,
      parameters: parameters, trainedParameters: trained, multAdds: multAdds)
    let numbered = layers.enumerated().map { index, row in
      SummaryRow(
        depth: 1, index: index + 1, className: row.className, name: row.name, part: nil,
        isLeaf: true,
        isRepeated: row.isRepeated, inputShape: row.inputShape, outputShape: row.outputShape,
        kernel: nil, parameters: row.parameters, trainedParameters: row.trainedParameters,
        multAdds: row.multAdds)
    }
    let bytes = (
      input: input.elementCount * Self.bytesPerValue, values: 2 * values * Self.bytesPerValue,
      parameters: parameters * Self.bytesPerValue
    )
    self.init(
      rows: [whole] + numbered, totalParameters: parameters, trainableParameters: trained,
      pass: Pass(
        multAdds: multAdds, inputBytes: bytes.input, valueBytes: bytes.values,
        parameterBytes: bytes.parameters,
        totalBytes: bytes.input + bytes.values + bytes.parameters), showsNames: true)
  }
}
